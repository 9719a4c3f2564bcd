// Package nethttp traces the servers and clients of net/http.
package nethttp

import (
	"net/http"
	"sync/atomic"
)

// Requests counts the requests that servers of this process have begun to serve.
var Requests atomic.Int64

func serve(http.ResponseWriter, *http.Request) func() {
	Requests.Add(1)
	return nil
}
