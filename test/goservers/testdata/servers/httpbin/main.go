// Command httpbin is go-httpbin, with its many ways to answer.
package main

import (
	"log"
	"net/http"

	"example.com/servers/local"
	"github.com/mccutchen/go-httpbin/v2/httpbin"
)

func main() {
	log.Fatal(http.Serve(local.Listen(), httpbin.New(httpbin.WithHostname("here")).Handler()))
}
