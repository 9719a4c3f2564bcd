package viewer

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

func TestExportersAreServed(t *testing.T) {
	order := numbered(orderJSON, 1)
	log := numbered(logsJSON, 1)
	tests := []struct {
		name, path string
		body       []byte
		headers    []string
		want       string // of the body
	}{
		{"spans in protobuf", "/v1/traces", protobuf(t, otlp.Traces, order), []string{"Content-Type", "application/x-protobuf"}, ""},
		{"spans in protobuf, packed", "/v1/traces", zipped(protobuf(t, otlp.Traces, order)), []string{"Content-Type", "application/x-protobuf", "Content-Encoding", "gzip"}, ""},
		{"spans in JSON", "/v1/traces", order, []string{"Content-Type", "application/json"}, "{}\n"},
		{"spans in JSON, packed", "/v1/traces", zipped(order), []string{"Content-Type", "application/json; charset=utf-8", "Content-Encoding", "gzip"}, "{}\n"},
		{"logs in protobuf", "/v1/logs", protobuf(t, otlp.Logs, log), []string{"Content-Type", "application/x-protobuf"}, ""},
		{"logs in JSON", "/v1/logs", log, []string{"Content-Type", "application/json"}, "{}\n"},
		{"metrics in protobuf", "/v1/metrics", []byte("whatever"), []string{"Content-Type", "application/x-protobuf"}, ""},
		{"metrics in JSON", "/v1/metrics", []byte("whatever"), []string{"Content-Type", "application/json"}, "{}\n"},
		{"nothing", "/v1/traces", nil, []string{"Content-Type", "application/x-protobuf"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, Options{})
			if tt.path == "/v1/logs" {
				s.order(t, 1)
			}
			r := s.do(t, "POST", tt.path, tt.body, tt.headers...)
			media, _, _ := strings.Cut(tt.headers[1], ";")
			if r.StatusCode != 200 || string(r.body) != tt.want || r.Header.Get("Content-Type") != media {
				t.Errorf("got %s %q, %s", r.Status, r.body, r.Header.Get("Content-Type"))
			}
			status := get[statusAnswer](t, s, "/api/v1/status")
			switch {
			case tt.path == "/v1/traces" && len(tt.body) > 0 && status.Spans != 3,
				tt.path == "/v1/logs" && status.Logs != 1:
				t.Errorf("%+v", status)
			}
		})
	}
}

func TestPartialSuccess(t *testing.T) {
	without := strings.Replace(string(numbered(orderJSON, 1)), `"spanId":"000000000000000b",`, "", 1)
	s := start(t, Options{})
	r := s.do(t, "POST", "/v1/traces", []byte(without), "Content-Type", "application/json")
	if want := `{"partialSuccess":{"errorMessage":"a span has no span id","rejectedSpans":"1"}}` + "\n"; r.StatusCode != 200 || string(r.body) != want {
		t.Errorf("got %s %s", r.Status, r.body)
	}
	r = s.do(t, "POST", "/v1/traces", protobuf(t, otlp.Traces, []byte(without)), "Content-Type", "application/x-protobuf")
	if rejected, message, err := otlp.ParsePartialSuccess(r.body); rejected != 1 || message != "a span has no span id" || err != nil {
		t.Errorf("got %d, %q, %v", rejected, message, err)
	}
	log := strings.Replace(string(numbered(logsJSON, 1)), `"spanId":"000000000000000c"`, `"spanId":"0c"`, 1)
	r = s.do(t, "POST", "/v1/logs", []byte(log), "Content-Type", "application/json")
	if want := `{"partialSuccess":{"errorMessage":"a log record is damaged: id of 1 bytes, want 8","rejectedLogRecords":"1"}}` + "\n"; string(r.body) != want {
		t.Errorf("got %s", r.body)
	}
	if status := get[statusAnswer](t, s, "/api/v1/status"); status.ReceivedSpans != 6 || status.Spans != 2 || status.DuplicateSpans != 2 || status.DroppedSpans != 2 {
		t.Errorf("%+v", status)
	}
}

// TestBadRequests sends what no exporter should, and wants a line that says so, in the encoding of the request.
func TestBadRequests(t *testing.T) {
	order := protobuf(t, otlp.Traces, numbered(orderJSON, 1))
	zeros := bytes.Repeat([]byte{0}, mostBody+1)
	tests := []struct {
		name     string
		body     []byte
		media    string
		encoding string
		status   int
		message  string
	}{
		{"cut short", order[:100], "protobuf", "", 400, "protobuf: message is cut short"},
		{"not protobuf", []byte("<html>"), "protobuf", "", 400, "protobuf: invalid field"},
		{"not JSON", []byte("<html>"), "json", "", 400, "JSON: at byte 0: invalid character '<' looking for beginning of value"},
		{"another JSON", []byte(`{"resourceSpans": 3}`), "json", "", 400, "JSON: at byte 19: resourceSpans: want an array, got 3"},
		{"JSON that goes on", []byte(`{} {}`), "json", "", 400, "JSON: at byte 4: there is more after the end of the object"},
		{"too many parts", bytes.Repeat([]byte{0x0a, 0}, mostParts+1), "protobuf", "", 400, "the request consists of too many parts"},
		{"too large", zeros, "protobuf", "", 413, "the request has more than 16777216 bytes"},
		{"a bomb", zipped(zeros), "protobuf", "gzip", 413, "the request has more than 16777216 bytes"},
		{"a bomb of JSON", zipped(bytes.Repeat([]byte(" "), mostJSON+1)), "json", "gzip", 413, "the request has more than 8388608 bytes"},
		{"not gzip", order, "protobuf", "gzip", 400, "the request is not gzip, as it says: gzip: invalid header"},
		{"gzip cut short", zipped(order)[:50], "protobuf", "gzip", 400, "the request cannot be read: unexpected EOF"},
		{"another encoding", order, "protobuf", "zstd", 415, `the Content-Encoding "zstd" is not understood: gzip is`},
		{"another type", order, "text/plain", "", 415, `the Content-Type "text/plain" is not understood: application/x-protobuf and application/json are`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, Options{})
			media := map[string]string{"protobuf": "application/x-protobuf", "json": "application/json"}[tt.media]
			if media == "" {
				media = tt.media
			}
			r := s.do(t, "POST", "/v1/traces", tt.body, "Content-Type", media, "Content-Encoding", tt.encoding)
			message := ""
			if tt.media == "json" {
				_, message, _ = strings.Cut(strings.TrimSuffix(string(r.body), "\"}\n"), `"message":"`)
			} else {
				var err error
				if message, err = otlp.ParseStatus(r.body); err != nil {
					t.Error(err)
				}
			}
			if r.StatusCode != tt.status || message != tt.message || strings.Contains(message, "\n") {
				t.Errorf("got %s %q (%s), want %d %q", r.Status, message, r.body, tt.status, tt.message)
			}
			if list(t, s, "") != "" {
				t.Error("something was kept")
			}
		})
	}
}

func TestBodiesTakeNoMoreMemoryThanThereIs(t *testing.T) {
	s := start(t, Options{})
	s.memory.take(mostBodies - 1000)
	r := s.do(t, "POST", "/v1/traces", numbered(orderJSON, 1), "Content-Type", "application/json")
	if r.StatusCode != 503 || r.Header.Get("Retry-After") != "1" || string(r.body) != `{"code":14,"message":"the viewer is busy; try again"}`+"\n" {
		t.Errorf("got %s %s", r.Status, r.body)
	}
	s.memory.give(mostBodies - 1000)
	for range 5 {
		s.order(t, 1)
		s.do(t, "POST", "/v1/traces", bytes.Repeat([]byte{0}, 1<<20), "Content-Type", "application/x-protobuf")
	}
	if left := s.memory.left.Load(); left != mostBodies {
		t.Errorf("%d bytes were not given back", mostBodies-left)
	}
}

func TestTheLargestRequestIsTaken(t *testing.T) {
	s := start(t, Options{})
	text := numbered(orderJSON, 1)
	text = append(text, bytes.Repeat([]byte(" "), mostJSON-len(text))...)
	if r := s.do(t, "POST", "/v1/traces", text, "Content-Type", "application/json"); r.StatusCode != 200 {
		t.Errorf("got %s %s", r.Status, r.body)
	}
	request := protobuf(t, otlp.Traces, numbered(orderJSON, 2))
	rest := mostBody - len(request) - 5 // a field that nobody knows: its tag, its length of four bytes, and zeros
	request = append(request, 0x7a, byte(rest)|0x80, byte(rest>>7)|0x80, byte(rest>>14)|0x80, byte(rest>>21))
	request = append(request, make([]byte, rest)...)
	if r := s.do(t, "POST", "/v1/traces", request, "Content-Type", "application/x-protobuf"); r.StatusCode != 200 {
		t.Errorf("got %s %s", r.Status, r.body)
	}
	if got := list(t, s, ""); got != "POST /orders 2, POST /orders 1" {
		t.Errorf("got %q", got)
	}
}

// TestNothingIsLost sends from many clients at a time, over the network and from within.
func TestNothingIsLost(t *testing.T) {
	s := start(t, Options{Dir: t.TempDir()})
	r, scope := otlp.NewResource([]otlp.Attribute{{Key: "service.name", Value: "inside"}}, ""), otlp.NewScope("", "")
	var group sync.WaitGroup
	const clients, requests, spans = 8, 20, 100
	for c := range clients {
		span := func(n int) []byte {
			var b otlp.Span
			b.Context([16]byte{1, byte(n), byte(n >> 8), byte(c)}, [8]byte{1, byte(n), byte(n >> 8), byte(c)}, [8]byte{}, "", 0)
			b.Times(epoch, epoch+1)
			return b.Encoded()
		}
		group.Go(func() {
			for n := range requests {
				g := otlp.Group{Resource: r, Scopes: []otlp.ScopeSpans{{Scope: scope}}}
				for i := range spans {
					g.Scopes[0].Spans = append(g.Scopes[0].Spans, bytes.Clone(span(n*spans+i)))
				}
				if reply := s.do(t, "POST", "/v1/traces", otlp.AppendRequest(nil, []otlp.Group{g}), "Content-Type", "application/x-protobuf"); reply.StatusCode != 200 {
					t.Errorf("%s: %s", reply.Status, reply.body)
				}
			}
		})
		group.Go(func() {
			for n := range requests * spans {
				s.Add(otlp.Traces, r, scope, span(1<<15+n))
			}
		})
	}
	group.Wait()
	dir := s.options.Dir
	s.Close(t.Context())
	s = start(t, Options{Dir: dir})
	if status := get[statusAnswer](t, s, "/api/v1/status"); status.Spans != 2*clients*requests*spans {
		t.Errorf("%+v", status)
	}
}

func TestSpansFromWithinAreBoundedAndCounted(t *testing.T) {
	s := start(t, Options{})
	r, scope := otlp.NewResource(nil, ""), otlp.NewScope("", "")
	var span otlp.Span
	span.Context([16]byte{1}, [8]byte{1}, [8]byte{}, "", 0)
	span.String("k", strings.Repeat("x", 1<<20))
	s.intake.flushing.Lock() // as if the disk were busy
	for range mostIntake>>20 + 5 {
		s.Add(otlp.Traces, r, scope, span.Encoded())
	}
	s.intake.flushing.Unlock()
	if dropped := s.intake.drops(); dropped != 6 { // each has a few bytes more than a megabyte
		t.Errorf("%d dropped", dropped)
	}
	s.Add(otlp.Traces, r, scope, nil) // it has no ids
	s.Flush()
	status := get[statusAnswer](t, s, "/api/v1/status")
	if status.ReceivedSpans != mostIntake>>20+6 || status.DroppedSpans != 7 || status.Spans != 1 || status.DuplicateSpans != mostIntake>>20-2 {
		t.Errorf("%+v", status)
	}
	s.Close(t.Context())
	s.Add(otlp.Traces, r, scope, span.Encoded())
	if dropped := s.intake.drops(); dropped != 7 {
		t.Errorf("%d dropped", dropped)
	}
}

// TestClientsThatSendNothing opens connections and sends half a request: others are served, and Close does not wait.
func TestClientsThatSendNothing(t *testing.T) {
	s := start(t, Options{})
	const half = "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
	for n := range 50 {
		c, err := net.Dial("tcp", s.listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		io.WriteString(c, half[:2*n])
	}
	s.order(t, 1)
	if got := list(t, s, ""); got != "POST /orders 1" {
		t.Errorf("got %q", got)
	}
}

func TestTheNumberOfConnectionsIsBounded(t *testing.T) {
	s := start(t, Options{})
	var open []net.Conn
	for range mostConnections {
		c, err := net.Dial("tcp", s.listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n")
		if _, err := c.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		open = append(open, c)
	}
	served := make(chan *http.Response)
	go func() {
		response, _ := http.Get(s.URL() + "/api/v1/status")
		served <- response
	}()
	select {
	case <-served:
		t.Error("one more is served")
	case <-time.After(100 * time.Millisecond): // it waits, as far as can be seen
	}
	for _, c := range open {
		c.Close()
	}
	if response := <-served; response == nil || response.StatusCode != 200 {
		t.Errorf("once there is room: %v", response)
	}
}
