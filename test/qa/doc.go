// Command qa finds out which versions of which Python libraries are traced rightly, on which CPython.
//
//	go run ./test/qa                          # every version that the files know, again
//	go run ./test/qa --latest                 # the newest version that the package index has
//	go run ./test/qa --new                    # what the index has gained since the newest version in each file
//	go run ./test/qa --only redis --versions 5.0.8,6.4.0 --python 3.11
//	go run ./test/qa --parity --only flask    # what our spans differ in from upstream's
//	go run ./test/qa --resume                 # what an interrupted run of the same command has left
//
// For each library there is a directory in testdata with small apps. An app runs on a real server, once as it is and
// once under `lumigo run`: what it prints must be the same, nothing may have gone wrong in our own code, and the spans
// must be those of the file beside it. What came out is written to python/tested_versions/<CPython>/<library>, one
// version a line (`!` for one that failed, `# why`), and from these files comes the table in docs/python-libraries.md.
//
// A version that cannot be installed on an interpreter, that has no server here, or whose app does not run there
// untraced either, is skipped: it says nothing about us, and is written nowhere but on the screen.
//
// Each result is kept as soon as it is there. After Ctrl-C the same command with --resume tries what is left, and counts
// what had been tried before; without --resume it begins anew. A library without a file on some CPython is new as a
// whole: --new tries its newest version there.
//
// With --parity the same apps run under opentelemetry-python's own instrumentations and under us, for each library that
// has a file parity.txt: which of them, on which version, and why our spans differ from theirs. A difference without a
// reason fails, and so does a reason without a difference; that an app fails under upstream is a difference as well. What
// it finds becomes docs/parity.md.
//
//	version: 3.0.3
//	instrumentations: flask urllib           opentelemetry-instrumentation-…, of pythonenv.UpstreamVersion or ==
//	packages: waitress==3.0.2                further requirements, if need be
//	env: DJANGO_SETTINGS_MODULE=settings     variables, if need be
//	force: cassandra                         what upstream leaves out by itself, if need be
//
//	- SERVER *: server.address is 127.0.0.1 instead of 127.0.0.1:*
//	  Upstream takes the whole Host header for the address.
//
// The exit status is 0 when nothing failed, 1 when a version did, 2 for an error, 130 after an interruption. With --json
// the results are on stdout.
//
// The newest known version of each library is tested on two interpreters by `go test` as well.
package main
