package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/test/pythonenv"
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

	where := []string{"STUB=" + stub.URL}
	libraries := []string{"flask", "django", "fastapi", "requests", "botocore"}
	redis, err := startRedis()
	if err != nil {
		progress("  SKIP: redis: %v", err)
	} else {
		defer redis.stop()
		libraries, where = append(libraries, "redis"), append(where, "REDIS_PORT="+redis.port)
	}
	postgres, err := startPostgres()
	if err != nil {
		progress("  SKIP: psycopg2: %v", err)
	} else {
		defer postgres.stop()
		libraries, where = append(libraries, "psycopg2"), append(where, "POSTGRES_PORT="+postgres.port)
	}

	const warm, count = 500, 4000
	var results []result
	for _, library := range libraries {
		cost := func(kind string, environ []string) func() (float64, error) {
			return func() (float64, error) {
				spent := [2]float64{}
				for n, uses := range []int{warm, warm + count} { // what is not uses cancels out
					cpu, err := cpuOf(environ, env.Python, filepath.Join(dir, "library.py"), kind, library, strconv.Itoa(uses))
					if err != nil {
						return 0, err
					}
					spent[n] = cpu.Seconds()
				}
				return (spent[1] - spent[0]) / count * 1e6, nil
			}
		}
		progress("  %s", library)
		m, err := interleave(b.rounds,
			cost("plain", pythonenv.Environ(where...)),
			cost("ours", slices.Concat(e.env, where)),
			cost("upstream", pythonenv.Environ(append(where, "BENCHMARK_BACKEND="+backend.URL(), "OTEL_BSP_MAX_QUEUE_SIZE="+strconv.Itoa(2*(warm+count)))...)),
		)
		if err != nil {
			return nil, err
		}
		upstream := m[2] - m[0]
		r := result{Measure: fmt.Sprintf("%s, untraced %.0f µs", library, m[0]), Unit: "µs", Ours: m[1] - m[0], Upstream: &upstream}
		results = append(results, r.atMost(0, 6))
	}
	return results, nil
}

// server is a database's, of this benchmark's own.
type server struct {
	port string
	stop func()
}

func startRedis() (*server, error) {
	return startServer("redis-server", "", []string{"redis-cli", "-e", "-p", "PORT", "ping"}, func(program, dir, port string) ([]string, []string) {
		return nil, []string{program, "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", dir}
	})
}

func startPostgres() (*server, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(found) == 0 {
		return nil, errors.New("PostgreSQL is not installed")
	}
	program := found[len(found)-1]
	return startServer(program, "postgres", []string{filepath.Join(filepath.Dir(program), "pg_isready"), "-h", "127.0.0.1", "-p", "PORT"}, func(program, dir, port string) ([]string, []string) {
		data := filepath.Join(dir, "data")
		return []string{filepath.Join(filepath.Dir(program), "initdb"), "--pgdata", data, "--username", "postgres", "--auth", "trust", "--no-sync"},
			[]string{program, "-D", data, "-p", port, "-h", "127.0.0.1", "-k", dir, "-F"}
	})
}

// startServer starts a program as a user, if root runs this, and returns when asking it, with its port for PORT,
// succeeds. commands are what prepares it, if need be, and itself.
func startServer(program, as string, asking []string, commands func(program, dir, port string) (prepare, run []string)) (*server, error) {
	program, err := exec.LookPath(program)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "lumigo-benchmark-")
	if err != nil {
		return nil, err
	}
	attributes := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if as != "" && os.Getuid() == 0 {
		u, err := user.Lookup(as)
		if err != nil {
			return nil, err
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		attributes.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(dir, uid, gid); err != nil {
			return nil, err
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	prepare, run := commands(program, dir, port)
	asking = slices.Clone(asking)
	asking[slices.Index(asking, "PORT")] = port
	if prepare != nil {
		cmd := exec.Command(prepare[0], prepare[1:]...)
		cmd.SysProcAttr, cmd.Dir = attributes, dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%s: %w: %s", prepare[0], err, strings.TrimSpace(string(out)))
		}
	}
	cmd := exec.Command(run[0], run[1:]...)
	cmd.SysProcAttr, cmd.Dir = attributes, dir
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	stop := func() {
		cmd.Process.Kill()
		cmd.Wait()
		os.RemoveAll(dir)
	}
	for range 400 {
		if exec.Command(asking[0], asking[1:]...).Run() == nil {
			return &server{port, stop}, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	stop()
	return nil, fmt.Errorf("%s did not answer within 20 seconds", program)
}
