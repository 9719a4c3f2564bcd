package e2e

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
	"github.com/lumigo-io/opentelemetry-distro/internal/marshal"
	"github.com/lumigo-io/opentelemetry-distro/test/pythonenv"
	"github.com/lumigo-io/opentelemetry-distro/test/receiver"
)

// invalid has for each variable that can be wrong a value that is. A value in brackets is secret, so the line
// about it does not show it.
var invalid = map[string]string{
	"LUMIGO_TRACER_TOKEN":          "<not a token>",
	"LUMIGO_ENDPOINT":              "nowhere",
	"LUMIGO_SWITCH_OFF":            "perhaps",
	"LUMIGO_DEBUG":                 "perhaps",
	"LUMIGO_DEBUG_SPANDUMP":        "/missing/spans.json",
	"LUMIGO_TAG":                   "a;b",
	"LUMIGO_AUTO_FILTER_EMPTY_SQS": "perhaps",

	"LUMIGO_INSTRUMENT_GRPC_PAYLOADS":      "perhaps",
	"LUMIGO_REDUCED_REDIS_INSTRUMENTATION": "perhaps",
	"LUMIGO_REDUCED_MONGO_INSTRUMENTATION": "perhaps",

	"LUMIGO_EXPORT_MEMORY_LIMIT": "lots",

	"LUMIGO_DISABLE_INSTRUMENTATION":            "nonesuch",
	"LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX":        "[1]",
	"LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX_SERVER": "not json",
	"LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX_CLIENT": "{}",

	"LUMIGO_SECRET_MASKING_REGEX":                       "[1]",
	"LUMIGO_SECRET_MASKING_REGEX_ENVIRONMENT":           "not json",
	"LUMIGO_SECRET_MASKING_REGEX_HTTP_REQUEST_HEADERS":  "[1]",
	"LUMIGO_SECRET_MASKING_REGEX_HTTP_RESPONSE_HEADERS": `["("]`,
	"LUMIGO_SECRET_MASKING_REGEX_HTTP_REQUEST_BODIES":   "[1]",
	"LUMIGO_SECRET_MASKING_REGEX_HTTP_RESPONSE_BODIES":  "[1]",
	"LUMIGO_SECRET_MASKING_REGEX_HTTP_QUERY_PARAMS":     "[1]",

	"LUMIGO_ENABLE_LOGS":               "perhaps",
	"LUMIGO_LOGS_ENDPOINT":             "ftp://backend",
	"LUMIGO_DEBUG_LOGDUMP":             "/missing/logs.jsonl",
	"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "backend",

	"OTEL_SDK_DISABLED":        "perhaps",
	"OTEL_LOG_LEVEL":           "loud",
	"OTEL_RESOURCE_ATTRIBUTES": "<nonsense>",
	"OTEL_PROPAGATORS":         "smoke",
	"OTEL_TRACES_SAMPLER":      "sometimes",
	"OTEL_TRACES_SAMPLER_ARG":  "2",
	"OTEL_TRACES_EXPORTER":     "pigeon",

	"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT":      "long",
	"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "-2",
	"OTEL_ATTRIBUTE_COUNT_LIMIT":             "many",
	"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT":        "-1",
	"OTEL_SPAN_EVENT_COUNT_LIMIT":            "many",
	"OTEL_SPAN_LINK_COUNT_LIMIT":             "1.5",
	"OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT":       "many",
	"OTEL_LINK_ATTRIBUTE_COUNT_LIMIT":        "many",

	"OTEL_BSP_SCHEDULE_DELAY":        "soon",
	"OTEL_BSP_EXPORT_TIMEOUT":        "-1",
	"OTEL_BSP_MAX_QUEUE_SIZE":        "0",
	"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "none",

	"OTEL_EXPORTER_OTLP_ENDPOINT":           "ftp://backend",
	"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT":    "backend",
	"OTEL_EXPORTER_OTLP_HEADERS":            "<nonsense>",
	"OTEL_EXPORTER_OTLP_TRACES_HEADERS":     "<nonsense>",
	"OTEL_EXPORTER_OTLP_PROTOCOL":           "grpc",
	"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL":    "carrier",
	"OTEL_EXPORTER_OTLP_TIMEOUT":            "10s",
	"OTEL_EXPORTER_OTLP_TRACES_TIMEOUT":     "-1",
	"OTEL_EXPORTER_OTLP_COMPRESSION":        "deflate",
	"OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": "brotli",
	"OTEL_EXPORTER_OTLP_CERTIFICATE":        "/missing/ca.pem",
	"OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE": "/missing/ca.pem",

	"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE":        "/missing/client.pem",
	"OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE": "/missing/client.pem",
	"OTEL_EXPORTER_OTLP_CLIENT_KEY":                "/missing/key.pem",
	"OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY":         "/missing/key.pem",
}

// anythingGoes are the variables that no value of is wrong, or whose wrong values have nothing to be said about.
var anythingGoes = map[string]string{
	"LUMIGO_ENABLE_TRACES":          "all but true means false",
	"LUMIGO_CONTAINER_NAME":         "any text is a name",
	"OTEL_SERVICE_NAME":             "any text is a name",
	"OTEL_SEMCONV_STABILITY_OPT_IN": "other libraries have values of their own",
	"ECS_CONTAINER_METADATA_URI":    "not called",
	"ECS_CONTAINER_METADATA_URI_V4": "set by Amazon; a failure is in the debug log",
	"_X_AMZN_TRACE_ID":              "set by Amazon; other texts make ordinary ids",
	"HTTP_PROXY":                    "see the export's own tests",
	"HTTPS_PROXY":                   "see the export's own tests",
	"NO_PROXY":                      "any list will do",
}

// TestInvalidVariables: each wrong value costs one line that names variable and value, and nothing else.
func TestInvalidVariables(t *testing.T) {
	notShort(t)
	python := defaultPython(t)
	for _, v := range config.Variables() {
		value, can := invalid[v.Name]
		if !can {
			if anythingGoes[v.Name] == "" {
				t.Errorf("%s is new: add an invalid value of it here", v.Name)
			}
			continue
		}
		t.Run(v.Name, func(t *testing.T) {
			backend := newBackend(t)
			env := toBackend(backend)
			if v.Name == "LUMIGO_ENDPOINT" || strings.HasPrefix(v.Name, "OTEL_EXPORTER_OTLP") {
				// No Lumigo here: the values are about other backends, and ours must not be Amazon's.
				env = []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + strings.TrimSuffix(backend.URL(), "/v1/traces"), "LUMIGO_TRACER_TOKEN=" + token}
			}
			if v.Name == "OTEL_EXPORTER_OTLP_ENDPOINT" {
				env = []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=" + backend.URL(), "LUMIGO_TRACER_TOKEN=" + token}
			}
			if strings.Contains(v.Name, "LOGS_ENDPOINT") || v.Name == "LUMIGO_DEBUG_LOGDUMP" {
				env = append(env, "LUMIGO_ENABLE_LOGS=true")
			}
			if strings.Contains(v.Name, "CLIENT_KEY") {
				env = append(env, strings.Replace(v.Name, "KEY", "CERTIFICATE", 1)+"="+certificate(t))
			}
			p := run(t, program{
				argv: []string{lumigo(t), "run", "--flush-timeout=1s", "--", python.Path, testdata(t, "app.py"), "sql"},
				env:  append(env, v.Name+"="+strings.Trim(value, "<>")),
			})
			if p.stdout.String() != "done\n" {
				t.Errorf("stdout = %q", p.stdout)
			}
			if rest := appStderr(p.stderr.String()); rest != "" {
				t.Errorf("stderr has more than our log: %q", rest)
			}
			var complaints []string
			for _, l := range logLines(p.stderr.String()) {
				if l.level == "WARNING" || l.level == "ERROR" {
					complaints = append(complaints, l.text)
				}
			}
			secret := strings.HasPrefix(value, "<")
			naming := slices.DeleteFunc(slices.Clone(complaints), func(text string) bool {
				quoted := secret || strings.Contains(text, value) || v.Name == "LUMIGO_TAG" // whose text is the original's
				// What is wrong with a file shows when it is read, after the choice between the two variables.
				named := strings.Contains(text, v.Name) || strings.HasPrefix(value, "/") && strings.Contains(text, strings.Replace(v.Name, "TRACES_", "", 1))
				return !named || !quoted
			})
			if len(naming) != 1 || len(complaints) > 1 {
				t.Errorf("complaints %q, want one, which names the variable and the value %q", complaints, value)
			}
			if secret && strings.Contains(p.stderr.String(), strings.Trim(value, "<>")) {
				t.Error("the secret value is in the log")
			}
		})
	}
}

// certificate is a file that exists and is no key.
func certificate(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "client.pem")
	if err := os.WriteFile(path, []byte("no certificate\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestFullDisk: a dump that cannot be written costs one line; spans are delivered all the same.
func TestFullDisk(t *testing.T) {
	notShort(t)
	for _, row := range []struct {
		story string
		path  func(t *testing.T) string
	}{
		{"/dev/full", func(t *testing.T) string {
			if _, err := os.Stat("/dev/full"); err != nil {
				skip(t, "no /dev/full here")
			}
			return "/dev/full"
		}},
		{"a small file system", func(t *testing.T) string {
			dir := t.TempDir()
			if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=16k"); err != nil {
				skip(t, "no file system can be mounted here: %v", err)
			}
			t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
			return filepath.Join(dir, "spans.json")
		}},
		{"a directory", func(t *testing.T) string { return t.TempDir() }},
	} {
		t.Run(row.story, func(t *testing.T) {
			backend := newBackend(t)
			path := row.path(t)
			p := run(t, program{
				argv: []string{lumigo(t), "run", "--", defaultPython(t).Path, testdata(t, "app.py"), "spans:200"},
				env:  toBackend(backend, "LUMIGO_DEBUG_SPANDUMP="+path),
			})
			if p.stdout.String() != "done\n" || len(backend.Spans()) != 200 {
				t.Errorf("stdout = %q, %d spans", p.stdout, len(backend.Spans()))
			}
			var complaints []string
			for _, l := range logLines(p.stderr.String()) {
				if l.level == "WARNING" || l.level == "ERROR" {
					complaints = append(complaints, l.text)
				}
			}
			// One when it happens; a total at the end may follow.
			if len(complaints) < 1 || len(complaints) > 2 || !strings.Contains(complaints[0], path) {
				t.Errorf("complaints %q, want one, which names %s, and at most a total", complaints, path)
			}
			if path == "/dev/full" {
				return // reading it never ends
			}
			content, _ := os.ReadFile(path)
			lines := bytes.Split(content, []byte("\n"))
			for _, line := range lines[:len(lines)-1] {
				if !json.Valid(line) {
					t.Errorf("a line that is no JSON: %s", line)
				}
			}
			t.Logf("%d whole lines fitted", len(lines)-1)
		})
	}
}

// TestHostileBytes: whatever comes over the socket, the engine goes on, and so does the app.
func TestHostileBytes(t *testing.T) {
	notShort(t)
	backend := newBackend(t)
	input, proceed := pipe(t)
	p := start(t, program{
		argv:  []string{lumigo(t), "run", "--", defaultPython(t).Path, testdata(t, "app.py"), "sockets", "pause", "sql"},
		env:   toBackend(backend),
		stdin: input,
	})
	found := p.stdout.match(t, `socket (\S+) (\S+)\npaused`)
	socket, key := found[1], found[2]

	hello := frame(1, 1, 1, dict("key", key, "pid", int64(1), "language", "python"))
	random := make([]byte, 5000)
	source := rand.New(rand.NewPCG(1, 2)) // the same bytes in every run
	for n := range random {
		random[n] = byte(source.Uint32())
	}
	deep := append(bytes.Repeat([]byte{'[', 1, 0, 0, 0}, 20000), 'N')
	for _, row := range []struct {
		story  string
		frames [][]byte
	}{
		{"nothing", nil},
		{"an empty message", [][]byte{{}}},
		{"half a header", [][]byte{{1, 1, 1, 0}}},
		{"random bytes", [][]byte{random}},
		{"another version", [][]byte{{9, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 'N'}}},
		{"records before any greeting", [][]byte{frame(3, 1, 1, []byte("N"))}},
		{"a greeting with the wrong key", [][]byte{frame(1, 1, 1, dict("key", strings.Repeat("0", len(key)), "pid", int64(1)))}},
		{"a greeting without a key", [][]byte{frame(1, 1, 1, dict("pid", int64(1)))}},
		{"a greeting that is no dictionary", [][]byte{frame(1, 1, 1, []byte("N"))}},
		{"a greeting of a thousand greetings", [][]byte{frame(1, 1, 1000, dict("key", key))}},
		{"a greeting with wrong types", [][]byte{frame(1, 1, 1, dict("key", key, "pid", "many", "argv", int64(3), "environ", "none", "config", int64(1)))}},
		{"random records after a greeting", [][]byte{hello, frame(3, 2, 40, random)}},
		{"a list 20,000 deep after a greeting", [][]byte{hello, frame(3, 2, 1, deep)}},
		{"a string of 2 GB that is not there", [][]byte{hello, frame(3, 2, 1, []byte{'s', 0xff, 0xff, 0xff, 0x7f})}},
		{"a list of 2 billion", [][]byte{hello, frame(3, 2, 1, []byte{'(', 0xff, 0xff, 0xff, 0x7f})}},
		{"65535 records that are not there", [][]byte{hello, frame(3, 2, 65535, []byte("N"))}},
		{"an unknown type of frame", [][]byte{hello, frame(77, 2, 1, []byte("N"))}},
		{"the engine's own frames", [][]byte{hello, frame(2, 2, 1, dict("active", true)), frame(5, 3, 1, []byte("N"))}},
		{"two greetings", [][]byte{hello, hello}},
		{"an odd flush", [][]byte{hello, frame(4, 2, 1, []byte("N"))}},
		{"an odd goodbye", [][]byte{hello, frame(6, 2, 1, []byte("N"))}},
	} {
		fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Connect(fd, &syscall.SockaddrUnix{Name: socket}); err != nil {
			t.Fatalf("%s: the engine no longer listens: %v", row.story, err)
		}
		for _, f := range row.frames {
			syscall.Sendto(fd, f, syscall.MSG_NOSIGNAL|syscall.MSG_DONTWAIT, nil) // refused is fine
		}
		syscall.Close(fd)
	}
	proceed()
	if e := p.wait(); e.Code != 0 {
		t.Errorf("ended with %s", e)
	}
	theOnly(t, "SQL", named(backend.Spans(), "SELECT"))
	if got := backend.Spans(); len(got) != 1 {
		t.Errorf("spans were made of nothing:\n%s", forest(got))
	}
	stderr := p.stderr.String()
	if rest := appStderr(stderr); rest != "" || strings.Contains(stderr, "panic") || strings.Contains(stderr, "goroutine") {
		t.Errorf("stderr: %s", clip(stderr))
	}
	complaints := append(atLevel(logLines(stderr), "WARNING"), atLevel(logLines(stderr), "ERROR")...)
	if len(complaints) == 0 || len(complaints) > 12 {
		t.Errorf("%d complaints, want some, and not one for every message: %q", len(complaints), complaints)
	}
	if strings.Contains(stderr, key) {
		t.Error("the key is in the log")
	}
	for _, c := range complaints {
		t.Log(c)
	}
}

// frame is a frame of the protocol (docs/protocol.md), as a hostile peer might make it.
func frame(kind byte, sequence uint32, count uint16, body []byte) []byte {
	f := []byte{1, kind}
	f = binary.LittleEndian.AppendUint16(f, count)
	f = binary.LittleEndian.AppendUint32(f, sequence)
	f = binary.LittleEndian.AppendUint64(f, 0)
	return append(f, body...)
}

// dict is a marshalled dictionary of the names and values.
func dict(pairs ...any) []byte {
	b := marshal.BeginDict(nil)
	for n := 0; n < len(pairs); n += 2 {
		b = marshal.AppendString(b, pairs[n].(string))
		switch v := pairs[n+1].(type) {
		case string:
			b = marshal.AppendString(b, v)
		case int64:
			b = marshal.AppendInt(b, v)
		case bool:
			b = marshal.AppendBool(b, v)
		}
	}
	return marshal.EndDict(b)
}

// TestWrongPeer: a process of another user is turned away with one warning, even if it has the key.
func TestWrongPeer(t *testing.T) {
	notShort(t)
	if os.Geteuid() != 0 {
		skip(t, "only root can start processes as other users")
	}
	const us, stranger = 65534, 65533
	python := pythonFor(t, us)
	backend := newBackend(t)
	input, proceed := pipe(t)
	home := t.TempDir()
	for dir := home; dir != "/"; dir = filepath.Dir(dir) { // t.TempDir's parents are closed to others
		if info, err := os.Stat(dir); err == nil && info.Mode().Perm()&0o055 != 0o055 {
			os.Chmod(dir, 0o755)
		}
	}
	if err := os.Chown(home, us, us); err != nil {
		t.Fatal(err)
	}
	code := func(name string) string {
		content, err := os.ReadFile(testdata(t, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	p := start(t, program{
		argv:  []string{lumigo(t), "run", "--", python, "-c", code("app.py"), "sockets", "pause", "sql"},
		env:   toBackend(backend, "HOME="+home, "XDG_RUNTIME_DIR=", "XDG_CACHE_HOME="),
		dir:   home,
		stdin: input,
		as:    &syscall.Credential{Uid: us, Gid: us},
	})
	found := p.stdout.match(t, `socket (\S+) (\S+)\npaused`)
	hello := frame(1, 1, 1, dict("key", found[2], "pid", int64(1), "language", "python"))
	peer := run(t, program{
		argv: []string{python, "-c", code("peer.py"), found[1], hex.EncodeToString(hello)},
		dir:  "/",
		as:   &syscall.Credential{Uid: stranger, Gid: stranger},
	})
	if got := peer.stdout.String(); !strings.HasPrefix(got, "refused") && got != "answer b''\n" {
		t.Errorf("the stranger was answered: %q", got)
	}
	proceed()
	if e := p.wait(); e.Code != 0 {
		t.Errorf("ended with %s", e)
	}
	theOnly(t, "SQL", backend.Spans())
	if got := atLevel(logLines(p.stderr.String()), "WARNING"); len(got) != 1 || !strings.Contains(got[0], fmt.Sprint(stranger)) {
		t.Errorf("warnings %q, want one that names the user %d", got, stranger)
	}
}

// pythonFor is a supported interpreter that another user may execute.
func pythonFor(t *testing.T, uid uint32) string {
	t.Helper()
	paths := []string{"/usr/bin/python3", "/usr/local/bin/python3"}
	for _, i := range pythonenv.Interpreters() {
		if i.Supported() {
			paths = append(paths, i.Path)
		}
	}
	for _, path := range paths {
		cmd := exec.Command(path, "-c", "import sqlite3, sys; sys.exit(sys.version_info < (3, 7))")
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
		if cmd.Run() == nil {
			return path
		}
	}
	skip(t, "no Python here that another user may execute")
	return ""
}

// TestHostileBackend: what the backend answers cannot harm.
func TestHostileBackend(t *testing.T) {
	notShort(t)
	for _, row := range []struct {
		story  string
		answer receiver.Answer
	}{
		{"cuts the connection", receiver.Answer{Abort: true}},
		{"never answers", receiver.Answer{Hang: true}},
		{"asks to come back tomorrow", receiver.Answer{Status: 429, RetryAfter: "86400"}},
		{"redirects to a secret place", receiver.Answer{Status: 307, Location: "http://127.0.0.1:1/elsewhere"}},
		{"says a lot", receiver.Answer{Status: 400, Message: strings.Repeat("so wrong ", 100000)}},
	} {
		t.Run(row.story, func(t *testing.T) {
			backend := newBackend(t)
			backend.Always(row.answer)
			p := run(t, program{
				argv: []string{lumigo(t), "run", "--flush-timeout=1s", "--", defaultPython(t).Path, testdata(t, "app.py"), "spans:10"},
				env:  toBackend(backend),
			})
			a := account(t, p.stderr.String())
			if a.made != 10 || a.delivered != 0 || a.elsewhere() != 10 {
				t.Errorf("summary %q", a.line)
			}
			for _, l := range logLines(p.stderr.String()) {
				if len(l.text) > 1000 {
					t.Errorf("a line of %d characters: %s…", len(l.text), l.text[:200])
				}
			}
		})
	}
}
