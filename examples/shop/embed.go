// Package shop holds the sources of the small shop that "lumigo demo" shows: services in Python and Go that know
// nothing of tracing. README.md says what they do.
//
// It stands in the root module only because go:embed does not reach into another one.
package shop

import "embed"

// Files has the Python services, and the Go services in directories of their own. They import nothing but the
// standard library.
//
//go:embed web.py stock.py orders/main.go orders/ledger.go payments/main.go
var Files embed.FS
