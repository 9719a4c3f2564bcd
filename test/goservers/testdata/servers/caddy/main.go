// Command caddy is Caddy with HTTPS and HTTP/2: files, redirections, templates, compression, and a proxy before a
// server of net/http.
package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"example.com/servers/local"
	"github.com/caddyserver/caddy/v2"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
)

const config = `{
	"admin": {"disabled": true, "config": {"persist": false}},
	"logging": {"logs": {"default": {"level": "ERROR"}}},
	"storage": {"module": "file_system", "root": "storage"},
	"apps": {
		"pki": {"certificate_authorities": {"local": {"install_trust": false}}},
		"tls": {"automation": {"policies": [{"subjects": ["localhost"], "issuers": [{"module": "internal"}]}]}, "certificates": {"automate": ["localhost"]}},
		"http": {"servers": {"main": {
			"listen": ["%s"], "protocols": ["h1", "h2"], "automatic_https": {"disable": true},
			"tls_connection_policies": [{"default_sni": "localhost"}],
			"routes": [
				{"match": [{"path": ["/hello"]}], "handle": [{"handler": "static_response", "body": "hello", "headers": {"X-Served-By": ["caddy"]}}]},
				{"match": [{"path": ["/gone"]}], "handle": [{"handler": "static_response", "status_code": "301", "headers": {"Location": ["/hello"]}}]},
				{"match": [{"path": ["/page"]}], "handle": [
					{"handler": "templates", "mime_types": ["text/plain"]},
					{"handler": "static_response", "headers": {"Content-Type": ["text/plain"]}, "body": "it says {{httpInclude \"/hello\"}}"}]},
				{"match": [{"path": ["/files/*"]}], "handle": [
					{"handler": "encode", "encodings": {"gzip": {}}, "minimum_length": 100},
					{"handler": "rewrite", "strip_path_prefix": "/files"}, {"handler": "file_server", "root": "files"}]},
				{"match": [{"path": ["/inner/*"]}], "handle": [{"handler": "reverse_proxy", "upstreams": [{"dial": "%s"}]}]},
				{"match": [{"path": ["/down"]}], "handle": [{"handler": "reverse_proxy", "upstreams": [{"dial": "127.0.0.1:1"}]}]},
				{"handle": [{"handler": "error", "status_code": "404"}]}
			]}}}
	}
}`

func main() {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/inner/{name}", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		fmt.Fprintln(w, r.Method, r.PathValue("name"), r.Header.Get("X-Forwarded-Proto"))
	})
	go http.Serve(inner, mux)

	if err := os.Mkdir("files", 0o755); err != nil {
		log.Fatal(err)
	}
	for name, size := range map[string]int{"small.txt": 10, "large.txt": 100_000} {
		if err := os.WriteFile("files/"+name, make([]byte, size), 0o644); err != nil {
			log.Fatal(err)
		}
		if err := os.Chtimes("files/"+name, time.Unix(0, 0), time.Unix(0, 0)); err != nil {
			log.Fatal(err)
		}
	}
	address := local.Free()
	caddy.TrapSignals()
	if err := caddy.Load(fmt.Appendf(nil, config, address, inner.Addr()), true); err != nil {
		log.Fatal(err)
	}
	for { // until it has made its certificate
		conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
		if err == nil {
			conn.Close()
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	local.Say("https://" + address)
	select {} // SIGTERM ends Caddy
}
