// Package viewer is a web page that shows traces as they arrive, and the server behind it: it takes spans and
// logs over OTLP/HTTP, or from an engine in the same process, keeps the latest of them, and answers the page's
// questions.
//
// [Start] is all of it; docs/viewer.md describes the HTTP API.
package viewer
