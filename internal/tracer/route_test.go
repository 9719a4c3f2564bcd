package tracer

import "testing"

func TestRoutesOfRoutersBelowRouters(t *testing.T) {
	for _, test := range []struct {
		name     string
		patterns []string
		want     string
	}{
		{"one router, which tells it once more at the end", []string{"GET /items/{id}", "GET /items/{id}"}, "GET /items/{id}"},
		{"one that leaves the rest of the path open", []string{"/files/", "/files/"}, "/files/"},
		{"below one that takes its prefix away", []string{"/api/", "GET /items/{id}", "/api/"}, "/api/items/{id}"},
		{"below one that does not", []string{"/api/", "GET /api/items/{id}", "/api/"}, "GET /api/items/{id}"},
		{"below one that takes everything", []string{"/", "/items/{id}", "/"}, "/items/{id}"},
		{"three, each told of twice", []string{"/v1/", "/admin/*", "/users/", "/users/", "/admin/*", "/v1/"}, "/v1/admin/users/"},
		{"below a wildcard that has a name", []string{"GET /{site}/{rest...}", "/a"}, "/{site}/a"},
		{"a prefix that is the beginning of a name", []string{"/item/", "/items"}, "/item/items"},
		{"of a request that the handler makes up", []string{"POST /batch", "GET /items"}, "POST /batch"},
		{"an end that must match", []string{"/{$}", "/x"}, "/{$}"},
		{"with a host", []string{"example.com/a/", "/b"}, "/a/b"},
		{"what is no path", []string{"/a/", "*", "x"}, "/a/"},
		{"what is no path, first", []string{"*", "/a"}, "*"},
	} {
		route := ""
		for _, p := range test.patterns {
			route = joinRoutes(route, p)
		}
		if route != test.want {
			t.Errorf("%s: %q gives %q, want %q", test.name, test.patterns, route, test.want)
		}
	}
}
