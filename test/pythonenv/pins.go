package pythonenv

import "strings"

// Servers are the pins of the web frameworks and servers that the end-to-end tests use: the newest that
// each interpreter can install, so old and new versions of the libraries are met along with old and new
// interpreters.
func Servers(i Interpreter) []string {
	switch {
	case !i.AtLeast(3, 8):
		return []string{"flask==2.2.5", "gunicorn==21.2.0", "gevent==22.10.2", "fastapi==0.103.2", "uvicorn==0.22.0",
			"django==3.2.25", "waitress==2.1.2", "requests==2.31.0", "hypercorn==0.14.4",
			"setuptools==68.0.0"} // for gevent
	case !i.AtLeast(3, 9):
		return []string{"flask==3.0.3", "gunicorn==23.0.0", "gevent==24.2.1", "fastapi==0.115.6", "uvicorn==0.33.0",
			"django==4.2.17", "waitress==3.0.0", "requests==2.32.3", "hypercorn==0.17.3"}
	default:
		return []string{"flask==3.0.3", "gunicorn==23.0.0", "gevent==24.11.1", "fastapi==0.115.6", "uvicorn==0.34.0",
			"django==4.2.17", "waitress==3.0.2", "requests==2.32.3", "hypercorn==0.17.3"}
	}
}

// UWSGI are the pins of uWSGI, kept apart because it is compiled when installed and needs a C compiler.
func UWSGI(i Interpreter) []string {
	if !i.AtLeast(3, 8) {
		return []string{"uwsgi==2.0.28", "flask==2.2.5"}
	}
	return []string{"uwsgi==2.0.28", "flask==3.0.3"}
}

// UnitTests are the pins of what the Python part's own tests can be run with: greenlets, and the
// opentelemetry packages of apps that trace themselves.
func UnitTests(i Interpreter) []string {
	switch {
	case !i.AtLeast(3, 8):
		return []string{"greenlet==3.1.1", "opentelemetry-sdk==1.22.0", "opentelemetry-instrumentation-sqlite3==0.43b0"}
	case !i.AtLeast(3, 9):
		return []string{"greenlet==3.1.1", "opentelemetry-sdk==1.33.1", "opentelemetry-instrumentation-sqlite3==0.54b1"}
	default:
		return []string{"greenlet==3.2.4", "opentelemetry-sdk==1.39.1", "opentelemetry-instrumentation-sqlite3==0.60b1"}
	}
}

// Exporters are the pins of an app that has opentelemetry-python's SDK, and sends by OTLP.
func Exporters() []string {
	return []string{"opentelemetry-sdk==1.39.1", "opentelemetry-exporter-otlp-proto-http==1.39.1"}
}

// UpstreamVersion is that of opentelemetry-python's instrumentations.
const UpstreamVersion = "0.60b1"

// Instrumentations are the pins of opentelemetry-instrument, of an exporter by OTLP, and of upstream's instrumentations
// of these names, which may be pins themselves.
func Instrumentations(names ...string) []string {
	pins := append(Exporters(), "opentelemetry-distro=="+UpstreamVersion)
	for _, name := range names {
		if !strings.Contains(name, "==") {
			name += "==" + UpstreamVersion
		}
		pins = append(pins, "opentelemetry-instrumentation-"+name)
	}
	return pins
}

// Upstream are the pins of opentelemetry-python that the benchmarks compare with, and of the app that both
// trace.
func Upstream() []string {
	return []string{
		"opentelemetry-sdk==1.39.1", "opentelemetry-exporter-otlp-proto-http==1.39.1", "opentelemetry-distro==0.60b1",
		"opentelemetry-instrumentation-flask==0.60b1", "opentelemetry-instrumentation-requests==0.60b1",
		"opentelemetry-instrumentation-wsgi==0.60b1",
		"flask==3.0.3", "waitress==3.0.2", "requests==2.32.3",
	}
}
