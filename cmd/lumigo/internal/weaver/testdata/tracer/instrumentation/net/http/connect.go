//go:build lumigo_woven

package nethttp

import "net/http"

func init() {
	http.LumigoServe = serve
}
