// Package goservers tests what programs do that are built around well-known servers when "lumigo go build" builds
// them: they answer as they do plain, and their spans are what one expects.
//
// The programs are in testdata/servers, a module of its own and outside of the workspace, as it requires much.
// servers_test.go lists them, with the requests that are sent to each and the spans expected. A few run by default;
// all of them, which takes a download and minutes of compiling the first time, by
//
//	LUMIGO_TEST_FULL=1 go test ./goservers
//
// LUMIGO_TEST_TOOLCHAIN=go1.24.9 builds them with another toolchain. Where modules cannot be had, tests are skipped
// with the reason; LUMIGO_TEST_STRICT=1 makes them fail.
package goservers
