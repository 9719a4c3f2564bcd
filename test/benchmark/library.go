package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/lumigo-io/opentelemetry-distro/test/pythonenv"
	"github.com/lumigo-io/opentelemetry-distro/test/servers"
)

// libraryCost measures what a use of each library costs the traced process: with its calls going to real servers, or to
// one that always answers the same, and frameworks called as a server would call them. There are two ways to have
// upstream trace it: opentelemetry-instrument, with which no line changes either, having all instrumentations that
// opentelemetry-bootstrap asks for; and the SDK, set up in the program's code with the library's instrumentation alone.
func libraryCost(b *bench) ([]result, error) {
	dir, remove, err := unpack()
	if err != nil {
		return nil, err
	}
	defer remove()
	i, err := pythonenv.Default()
	if err != nil {
		return nil, err
	}
	env, err := pythonenv.Venv(i, append(pythonenv.Instrumentations("asgi", "asyncio", "boto3sqs", "botocore", "click", "dbapi", "django",
		"fastapi", "flask", "jinja2", "logging", "psycopg2", "redis", "requests", "sqlite3", "starlette", "threading", "tortoiseorm",
		"urllib", "urllib3", "wsgi"),
		"flask==3.0.3", "django==4.2.16", "fastapi==0.115.6", "requests==2.32.3", "redis==5.2.1", "psycopg2-binary==2.9.10", "boto3==1.35.99")...)
	if err != nil {
		return nil, err
	}
	on, restore, err := separate()
	if err != nil {
		return nil, err
	}
	defer restore()
	backend, err := newBackend()
	if err != nil {
		return nil, err
	}
	defer backend.Close()
	e, err := b.newEngine(backend.URL())
	if err != nil {
		return nil, err
	}
	defer e.stop()
	stub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"Item": {"item": {"S": "apple"}, "left": {"N": "7"}}}`)
	}))
	defer stub.Close()

	// What one start of a program measures differs from what the next does, by where it lies in memory: many short ones
	// say more than few long ones.
	const warm, count, starts, counted = 300, 1500, 3, 20

	// All have the variables with which an operator configures tracing, of either: requests reads all variables at each use.
	where := []string{
		"STUB=" + stub.URL, "BENCHMARK_BACKEND=" + backend.URL(), "DJANGO_SETTINGS_MODULE=django_settings",
		"LUMIGO_TRACER_TOKEN=" + token, "LUMIGO_ENDPOINT=" + backend.URL(), "OTEL_SERVICE_NAME=benchmark",
		"OTEL_EXPORTER_OTLP_ENDPOINT=" + backend.URL(), "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
		"OTEL_METRICS_EXPORTER=none", "OTEL_LOGS_EXPORTER=none", "OTEL_SEMCONV_STABILITY_OPT_IN=http,database",
		"OTEL_BSP_MAX_QUEUE_SIZE=" + strconv.Itoa(2*(warm+count)),
	}
	libraries := []string{"flask", "django", "fastapi", "requests", "botocore"}
	redis, err := servers.Redis.Start()
	if err != nil {
		progress("  SKIP: redis: %v", err)
	} else {
		defer redis.Stop()
		libraries, where = append(libraries, "redis"), append(where, fmt.Sprintf("REDIS_PORT=%d", redis.Port))
	}
	postgres, err := servers.PostgreSQL.Start()
	if err != nil {
		progress("  SKIP: psycopg2: %v", err)
	} else {
		defer postgres.Stop()
		libraries, where = append(libraries, "psycopg2"), append(where, fmt.Sprintf("POSTGRES_PORT=%d", postgres.Port))
	}

	untraced := pythonenv.Environ(where...)
	environs := map[string][]string{
		"plain": untraced, "upstream": untraced, "ours": slices.Concat(e.env, where),
		"instrument": append(slices.Clone(untraced), "PYTHONPATH="+dir), // Django's settings are looked for before there is a program
	}
	var results []result
	for _, library := range libraries {
		use := func(kind string, count int, more ...string) (float64, error) {
			argv := slices.Clone(on)
			if kind == "instrument" {
				argv = append(argv, filepath.Join(filepath.Dir(env.Python), "opentelemetry-instrument"))
			}
			argv = append(argv, env.Python, filepath.Join(dir, "library.py"), kind, library, strconv.Itoa(warm), strconv.Itoa(count))
			took, err := told(environs[kind], append(argv, more...)...)
			if err == nil && kind != "plain" {
				_, err = waitForAtLeast(backend, warm+count)
			}
			return took, err
		}
		cost := func(kind string) func() (float64, error) {
			return func() (float64, error) { return use(kind, count) }
		}
		progress("  %s", library)
		m, err := interleave(starts*b.rounds, cost("plain"), cost("ours"), cost("instrument"), cost("upstream"))
		if err != nil {
			return nil, err
		}
		for n, beside := range []string{"opentelemetry-instrument", "the SDK in code"} {
			upstream := m[2+n] - m[0]
			r := result{Measure: fmt.Sprintf("%s, untraced %.0f µs, beside %s", library, m[0], beside), Unit: "µs", Ours: m[1] - m[0], Upstream: &upstream}
			results = append(results, r.atMost(0, 6))
		}
		ours, err := use("ours", counted, "steps")
		if err != nil {
			return nil, err
		}
		theirs, err := use("upstream", counted, "steps")
		if err != nil {
			return nil, err
		}
		results = append(results, result{Measure: library + ", steps of Python's", Ours: ours, Upstream: &theirs})
	}
	return results, nil
}
