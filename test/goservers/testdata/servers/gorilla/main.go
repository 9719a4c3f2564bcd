// Command gorilla is a server with gorilla/mux: variables, subrouters, matchers of methods and queries.
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"

	"example.com/servers/local"
	"github.com/gorilla/mux"
)

func main() {
	r := mux.NewRouter()
	r.HandleFunc("/hello", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })
	s := r.PathPrefix("/products").Subrouter()
	s.HandleFunc("/{key}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, mux.Vars(r)["key"], local.Ask("/hello"))
	}).Methods("GET")
	s.HandleFunc("/{key}", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		fmt.Fprint(w, string(body), err)
	}).Methods("PUT").Queries("force", "{force}")
	log.Fatal(http.Serve(local.Listen(), r))
}
