module github.com/lumigo-io/opentelemetry-distro/instrumentation/go.opentelemetry.io/otel

go 1.24.0

require (
	github.com/lumigo-io/opentelemetry-distro v0.0.0
	go.opentelemetry.io/otel v1.20.0
	go.opentelemetry.io/otel/trace v1.20.0
)

require (
	github.com/go-logr/logr v1.3.0 // indirect
	github.com/go-logr/stdr v1.2.2 // indirect
	go.opentelemetry.io/otel/metric v1.20.0 // indirect
)

replace github.com/lumigo-io/opentelemetry-distro => ../../..
