module github.com/lumigo-io/opentelemetry-distro/test

go 1.26.0

require (
	github.com/lumigo-io/opentelemetry-distro v0.0.0
	go.opentelemetry.io/proto/otlp v1.11.1
	google.golang.org/protobuf v1.36.12
)

replace github.com/lumigo-io/opentelemetry-distro => ../
