// Command httprouter is a server with httprouter, which handles panics itself.
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"

	"example.com/servers/local"
	"github.com/julienschmidt/httprouter"
)

func main() {
	r := httprouter.New()
	r.PanicHandler = func(w http.ResponseWriter, _ *http.Request, value any) {
		http.Error(w, fmt.Sprint("it said ", value), http.StatusServiceUnavailable)
	}
	r.GET("/hello", func(w http.ResponseWriter, _ *http.Request, _ httprouter.Params) { io.WriteString(w, "hello") })
	r.GET("/hello/:name", func(w http.ResponseWriter, _ *http.Request, p httprouter.Params) {
		fmt.Fprint(w, p.ByName("name"), local.Ask("/hello"))
	})
	r.GET("/panic", func(http.ResponseWriter, *http.Request, httprouter.Params) { panic("oh") })
	log.Fatal(http.Serve(local.Listen(), r))
}
