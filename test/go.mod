module github.com/lumigo-io/opentelemetry-distro/test

go 1.26.0

require github.com/lumigo-io/opentelemetry-distro v0.0.0

replace github.com/lumigo-io/opentelemetry-distro => ../
