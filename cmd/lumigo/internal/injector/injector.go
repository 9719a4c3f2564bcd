// Package injector holds the library that has the Python interpreters of a container trace themselves when
// LD_PRELOAD names it, as the Lumigo operator for Kubernetes has it do.
//
// Its source is library/injector.c. What is embedded was compiled from it by .ci/injector, and CI compares.
package injector

import "embed"

//go:embed library/*.so
var libraries embed.FS

// Library is the library for an architecture, which is named as by runtime.GOARCH; ok is false where there is
// none. It runs with any C library.
func Library(arch string) (content []byte, ok bool) {
	content, err := libraries.ReadFile("library/" + arch + ".so")
	return content, err == nil
}
