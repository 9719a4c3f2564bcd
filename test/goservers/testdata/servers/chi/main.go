// Command chi is a server with the router chi, its usual middleware, and a router mounted in another.
package main

import (
	"io"
	"log"
	"net/http"

	"example.com/servers/local"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
)

func main() {
	r := chi.NewRouter()
	r.Use(middleware.RealIP, middleware.Recoverer, middleware.Compress(5, "text/plain"), middleware.GetHead)
	r.Get("/hello", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") })
	r.Get("/articles/{id:[0-9]+}", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, chi.URLParam(r, "id")+" "+local.Ask("/hello"))
	})
	r.Post("/articles", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusCreated)
		io.Copy(w, r.Body)
	})
	r.Get("/files/*", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, chi.URLParam(r, "*")) })
	r.Get("/panic", func(http.ResponseWriter, *http.Request) { panic("oh") })
	r.Route("/admin", func(r chi.Router) {
		r.Use(middleware.BasicAuth("admin", map[string]string{"me": "secret"}))
		r.With(middleware.NoCache).Get("/users/{name}", func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, chi.RouteContext(r.Context()).RoutePattern())
		})
	})
	log.Fatal(http.Serve(local.Listen(), r))
}
