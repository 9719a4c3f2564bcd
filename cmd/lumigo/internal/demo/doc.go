// Package demo runs a small shop, whose services know nothing of tracing, and sends it customers, so that there are
// traces to look at.
//
// What runs is what users run: the Go services are built by "lumigo go build", the Python services started by
// "lumigo run", and both send their spans to a viewer by OTLP. [Run] does all of it, and ends all of it; the trace
// that it shows is read from the viewer's own API.
package demo
