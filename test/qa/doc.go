// Command qa finds out which versions of which Python libraries are traced rightly, on which CPython.
//
//	go run ./test/qa                          # every version that the files know, again
//	go run ./test/qa --latest                 # the newest version that the package index has
//	go run ./test/qa --only redis --versions 5.0.8,6.4.0 --python 3.11
//
// For each library there is a directory in testdata with small apps. An app runs on a real server, once as it is and
// once under `lumigo run`: what it prints must be the same, nothing may have gone wrong in our own code, and the spans
// must be those of the file beside it. What came out is written to python/tested_versions/<CPython>/<library>, one
// version a line (`!` for one that failed, `# why`), and from these files comes the table in docs/python-libraries.md.
//
// The newest known version of each library is tested on two interpreters by `go test` as well.
package main
