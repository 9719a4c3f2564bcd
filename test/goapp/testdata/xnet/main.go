// Command xnet serves with an HTTP/2 of its own, that of golang.org/x/net, and asks itself.
package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/h2c"
)

func main() {
	leaf := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "leaf") }))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /fail", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Reason", "tired")
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	mux.HandleFunc("GET /call", func(w http.ResponseWriter, r *http.Request) {
		if resp, err := http.Get(leaf.URL); err == nil {
			io.Copy(w, resp.Body)
			resp.Body.Close()
		}
	})
	switch os.Args[1] {
	case "tls":
		s := httptest.NewUnstartedServer(mux)
		if err := http2.ConfigureServer(s.Config, nil); err != nil {
			panic(err)
		}
		s.TLS = s.Config.TLSConfig
		s.StartTLS()
		client := &http.Client{Transport: &http2.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
		ask(client, s.URL, "/fail", "/call")
	case "h2c":
		s := httptest.NewServer(h2c.NewHandler(mux, new(http2.Server)))
		client := &http.Client{Transport: &http2.Transport{
			AllowHTTP: true,
			DialTLSContext: func(_ context.Context, network, address string, _ *tls.Config) (net.Conn, error) {
				return net.Dial(network, address)
			},
		}}
		ask(client, s.URL, "/fail", "/call")
		resp, err := http.Get(s.URL + "/fail")
		fmt.Println(resp.Proto, resp.StatusCode, err)
	case "upgrade":
		s := httptest.NewServer(h2c.NewHandler(mux, new(http2.Server)))
		upgrade(s.Listener.Addr().String(), "/call")
	}
}

func ask(client *http.Client, url string, paths ...string) {
	for _, path := range paths {
		resp, err := client.Get(url + path)
		if err != nil {
			panic(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		fmt.Println(resp.Proto, resp.StatusCode, resp.Header.Get("X-Reason"), string(body), err)
	}
}

// upgrade sends a request by HTTP/1 that asks for the answer by HTTP/2.
func upgrade(address, path string) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n", path, address)
	answer := make([]byte, len("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"))
	if _, err := io.ReadFull(conn, answer); err != nil {
		panic(err)
	}
	io.WriteString(conn, http2.ClientPreface)
	framer := http2.NewFramer(conn, conn)
	framer.WriteSettings()
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			panic(err)
		}
		if data, ok := frame.(*http2.DataFrame); ok {
			fmt.Println("HTTP/2.0", string(data.Data()))
			return
		}
	}
}
