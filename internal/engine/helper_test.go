package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	nethttp "net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
	"github.com/lumigo-io/opentelemetry-distro/internal/diag"
	"github.com/lumigo-io/opentelemetry-distro/internal/marshal"
	"github.com/lumigo-io/opentelemetry-distro/internal/mask"
	"github.com/lumigo-io/opentelemetry-distro/internal/semconv"
)

// What Python values are written as in these tests.
type (
	tuple  []any
	object []marshal.Pair
	big    string // raw marshal bytes
)

func encode(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return marshal.AppendNone(dst)
	case bool:
		return marshal.AppendBool(dst, v)
	case int:
		return marshal.AppendInt(dst, int64(v))
	case int64:
		return marshal.AppendInt(dst, v)
	case float64:
		return marshal.AppendFloat(dst, v)
	case string:
		return marshal.AppendString(dst, v)
	case []byte:
		return marshal.AppendBytes(dst, v)
	case big:
		return append(dst, v...)
	case tuple:
		dst = marshal.AppendTuple(dst, len(v))
		for _, item := range v {
			dst = encode(dst, item)
		}
		return dst
	case []any:
		dst = marshal.AppendList(dst, len(v))
		for _, item := range v {
			dst = encode(dst, item)
		}
		return dst
	case object:
		dst = marshal.BeginDict(dst)
		for _, pair := range v {
			dst = encode(encode(dst, pair.Key), pair.Value)
		}
		return marshal.EndDict(dst)
	}
	panic(fmt.Sprintf("cannot encode %T", v))
}

var (
	traceID = []byte("0123456789abcdef")
	spanIDs atomic.Int64
)

func newSpanID() []byte { return fmt.Appendf(nil, "%08d", spanIDs.Add(1)) }

// span is a finished one with the given attributes.
func span(name string, attributes any) tuple { return spanWithID(newSpanID(), name, attributes) }

func spanWithID(id []byte, name string, attributes any) tuple {
	return tuple{0, traceID, id, nil, 1, nil, name, 2, int64(1767312000000000000), int64(1767312000001000000),
		0, nil, "lumigo_opentelemetry", attributes, nil, nil, nil}
}

func openSpan(id []byte, name string, attributes any) tuple {
	return tuple{1, traceID, id, nil, 1, nil, name, 2, int64(1767312000000000000), "lumigo_opentelemetry", attributes}
}

func newProfile(t testing.TB, variables ...string) *profile {
	c, _ := config.Parse(variables)
	m, warnings := mask.New(c.Masking, []string{c.Export.Token})
	for _, w := range warnings {
		t.Errorf("masking: %s", w.Text)
	}
	p := &profile{config: c, masker: m}
	if c.SemconvHTTPDup {
		p.duplicates |= semconv.HTTP
	}
	if c.SemconvDatabaseDup {
		p.duplicates |= semconv.Database
	}
	return p
}

// testLog collects the engine's own log.
type testLog struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *testLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *testLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *testLog) count(s string) int { return strings.Count(l.String(), s) }

// world is an engine, a backend and a span dump.
type world struct {
	*Engine
	t       testing.TB
	log     *testLog
	backend *httptest.Server
	posts   atomic.Int64
	dump    string
}

func start(t testing.TB, options ...func(*Options)) *world {
	t.Helper()
	w := &world{t: t, log: new(testLog), dump: filepath.Join(t.TempDir(), "dump.jsonl")}
	w.backend = httptest.NewServer(nethttp.HandlerFunc(func(nethttp.ResponseWriter, *nethttp.Request) { w.posts.Add(1) }))
	t.Cleanup(w.backend.Close)
	o := Options{Dir: t.TempDir(), Log: diag.New(w.log, diag.Debug), Version: "1.2.3"}
	for _, change := range options {
		change(&o)
	}
	e, err := Listen(o)
	if err != nil {
		t.Fatal(err)
	}
	w.Engine = e
	served := make(chan error, 1)
	go func() { served <- e.Serve() }()
	t.Cleanup(func() {
		w.finish()
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return w
}

func (w *world) finish() Summary {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return w.Close(ctx)
}

// config is what a process of this world has in its environment.
func (w *world) config(more ...string) object {
	o := object{{Key: "LUMIGO_TRACER_TOKEN", Value: "t_123456789012345678901"}, {Key: "LUMIGO_ENDPOINT", Value: w.backend.URL},
		{Key: "LUMIGO_DEBUG_SPANDUMP", Value: w.dump}, {Key: "OTEL_SERVICE_NAME", Value: "shop"}}
	for _, v := range more {
		name, value, _ := strings.Cut(v, "=")
		o = append(o, marshal.Pair{Key: name, Value: value})
	}
	return o
}

// line is what the tests look at in a line of the span dump.
type line struct {
	Name       string
	Attributes map[string]any
	Status     struct {
		Code        string `json:"status_code"`
		Description string
	}
	Resource struct{ Attributes map[string]any }
}

func (w *world) lines() []line {
	w.t.Helper()
	content, err := os.ReadFile(w.dump)
	if err != nil {
		w.t.Fatal(err)
	}
	var lines []line
	for _, l := range strings.Split(strings.TrimSpace(string(content)), "\n") {
		if l == "" {
			continue
		}
		var parsed line
		if err := json.Unmarshal([]byte(l), &parsed); err != nil {
			w.t.Fatalf("%v in %s", err, l)
		}
		lines = append(lines, parsed)
	}
	return lines
}

// client is a traced process, as far as the engine can tell.
type client struct {
	t        testing.TB
	c        *net.UnixConn
	key      string
	sequence uint32
	dropped  uint64
}

func (w *world) dial() *client {
	w.t.Helper()
	c, err := net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: w.path, Net: "unixpacket"})
	if err != nil {
		w.t.Fatal(err)
	}
	c.SetWriteBuffer(1 << 20)
	w.t.Cleanup(func() { c.Close() })
	return &client{t: w.t, c: c, key: w.key}
}

func (w *world) greet(more ...string) *client {
	w.t.Helper()
	c := w.dial()
	c.hello(w.config(more...))
	c.settings()
	return c
}

func (c *client) frame(kind byte, values ...any) {
	c.t.Helper()
	var body []byte
	for _, v := range values {
		body = encode(body, v)
	}
	c.sequence++
	c.raw(append(header{version, kind, uint16(len(values)), c.sequence, c.dropped}.append(nil), body...))
}

func (c *client) raw(frame []byte) {
	c.t.Helper()
	if _, err := c.c.Write(frame); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) hello(variables object, more ...marshal.Pair) {
	c.t.Helper()
	c.frame(frameHello, append(object{
		{Key: "key", Value: c.key}, {Key: "pid", Value: 1}, {Key: "language", Value: "python"},
		{Key: "runtime", Value: tuple{"cpython", "3.11.7", "3.11.7 (main)"}}, {Key: "executable", Value: "/usr/bin/python3"},
		{Key: "config", Value: variables}, {Key: "environ", Value: []any{tuple{"HOME", "/root"}, tuple{"DB_PASSWORD", "hunter2"}}},
		{Key: "of a later version", Value: object{{Key: 1, Value: 2}}},
	}, more...))
}

func (c *client) read() (header, any) {
	c.t.Helper()
	buf := make([]byte, maxFrame)
	c.c.SetReadDeadline(time.Now().Add(10 * time.Second))
	n, err := c.c.Read(buf)
	if err != nil {
		c.t.Fatalf("no answer: %v", err)
	}
	h, body, _ := parseHeader(buf[:n])
	var r marshal.Reader
	r.Reset(body)
	v, err := r.Value()
	if err != nil {
		c.t.Fatalf("answer %x: %v", body, err)
	}
	return h, v
}

func (c *client) settings() pairs {
	c.t.Helper()
	h, v := c.read()
	if h.kind != frameSettings {
		c.t.Fatalf("got a frame of type %d, want SETTINGS", h.kind)
	}
	return dict(v)
}

// flush waits until the engine has everything.
func (c *client) flush(id int) {
	c.t.Helper()
	c.frame(frameFlush, id)
	h, v := c.read()
	if got := list(v); h.kind != frameFlushed || len(got) != 2 || got[0] != int64(id) || got[1] != true {
		c.t.Fatalf("got type %d, %v, want FLUSHED (%d, True)", h.kind, v, id)
	}
}

func (c *client) ended() {
	c.t.Helper()
	c.c.SetReadDeadline(time.Now().Add(10 * time.Second))
	for {
		if n, err := c.c.Read(make([]byte, maxFrame)); n == 0 || err != nil {
			if ne, ok := err.(net.Error); ok && ne.Timeout() {
				c.t.Fatal("the connection is still open")
			}
			return
		}
	}
}

func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !condition(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}
