module github.com/lumigo-io/opentelemetry-distro/cmd/lumigo

go 1.26.0

require (
	github.com/lumigo-io/opentelemetry-distro v0.0.0
	github.com/rogpeppe/go-internal v1.16.0
	golang.org/x/sys v0.49.0
	mvdan.cc/sh/v3 v3.14.1
)

require (
	golang.org/x/mod v0.41.0 // indirect
	golang.org/x/tools v0.49.0 // indirect
)

replace github.com/lumigo-io/opentelemetry-distro => ../..
