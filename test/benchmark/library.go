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
// one that always answers the same, and frameworks called as a server would call them.
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
	env, err := pythonenv.Venv(i, append(pythonenv.Instrumentations("flask", "django", "fastapi", "requests", "redis", "psycopg2", "botocore"),
		"flask==3.0.3", "django==4.2.16", "fastapi==0.115.6", "requests==2.32.3", "redis==5.2.1", "psycopg2-binary==2.9.10", "boto3==1.35.99")...)
	if err != nil {
		return nil, err
	}
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

	// As in the request's benchmark, all have the variables with which an operator configures tracing.
	where := []string{"STUB=" + stub.URL}
	configuration := []string{"LUMIGO_TRACER_TOKEN=" + token, "LUMIGO_ENDPOINT=" + backend.URL(), "OTEL_SERVICE_NAME=benchmark"}
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

	// What one start of a program measures differs from what the next does, by where it lies in memory: many short ones
	// say more than few long ones.
	const warm, count, starts, counted = 300, 1500, 3, 20
	var results []result
	for _, library := range libraries {
		environs := map[string][]string{
			"plain": pythonenv.Environ(slices.Concat(configuration, where)...),
			"ours":  slices.Concat(e.env, where),
			"upstream": pythonenv.Environ(slices.Concat(configuration, where,
				[]string{"BENCHMARK_BACKEND=" + backend.URL(), "OTEL_BSP_MAX_QUEUE_SIZE=" + strconv.Itoa(2*(warm+count))})...),
		}
		use := func(kind string, count int, more ...string) (float64, error) {
			argv := []string{env.Python, filepath.Join(dir, "library.py"), kind, library, strconv.Itoa(warm), strconv.Itoa(count)}
			return told(environs[kind], append(argv, more...)...)
		}
		cost := func(kind string) func() (float64, error) {
			return func() (float64, error) { return use(kind, count) }
		}
		progress("  %s", library)
		m, err := interleave(starts*b.rounds, cost("plain"), cost("ours"), cost("upstream"))
		if err != nil {
			return nil, err
		}
		upstream := m[2] - m[0]
		r := result{Measure: fmt.Sprintf("%s, untraced %.0f µs", library, m[0]), Unit: "µs", Ours: m[1] - m[0], Upstream: &upstream}
		results = append(results, r.atMost(0, 6))
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
