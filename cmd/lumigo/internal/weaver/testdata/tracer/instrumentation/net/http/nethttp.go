package nethttp

import (
	"net/http"

	lumigo "github.com/lumigo-io/opentelemetry-distro"
)

func serve(_ http.ResponseWriter, r *http.Request) func() {
	lumigo.Say("serving " + r.URL.Path)
	return func() { lumigo.Say("served " + r.URL.Path) }
}
