module github.com/lumigo-io/opentelemetry-distro

go 1.24.0
