// Command h2c is a server of HTTP/2 without TLS, by golang.org/x/net/http2/h2c.
package main

import (
	"io"
	"log"
	"net"
	"net/http"

	"example.com/servers/local"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/h2c"
)

func main() {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/hello", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello over "+r.Proto) })
	mux.HandleFunc("/ask", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, local.Ask("http://"+inner.Addr().String()+"/hello"))
	})
	go http.Serve(inner, mux)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	local.Say("h2c://" + l.Addr().String())
	log.Fatal(http.Serve(l, h2c.NewHandler(mux, new(http2.Server))))
}
