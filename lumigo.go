// Package lumigo traces the Go application that imports it.
//
//	import _ "github.com/lumigo-io/opentelemetry-distro"
package lumigo
