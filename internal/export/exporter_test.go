package export

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

func TestARequestCarriesTokenHeadersAndSpans(t *testing.T) {
	b := newBackend(t, nil)
	o := to(b.URL)
	o.UserAgent = "lumigo-opentelemetry-distro/1.2.3"
	o.Export.Token = "t_123"
	o.Export.Headers = []config.KeyValue{
		{Key: "x-team", Value: "payments"},
		{Key: "Content-Type", Value: "text/plain"}, // cannot be replaced
		{Key: "bad\nheader", Value: "v"},
	}
	e, log := start(t, o)
	addSpans(e, 0, 3)
	flush(t, e)
	r := b.requests()[0]
	for header, want := range map[string]string{
		"Authorization": "LumigoToken t_123", "User-Agent": "lumigo-opentelemetry-distro/1.2.3", "X-Team": "payments",
		"Content-Type": "application/x-protobuf", "Content-Encoding": "", "Accept-Encoding": "",
	} {
		if got := r.Header.Get(header); got != want {
			t.Errorf("%s: got %q, want %q", header, got, want)
		}
	}
	if r.Method != "POST" || r.URL.Path != "/v1/traces" || len(b.requests()) != 1 || b.received() != 3 {
		t.Errorf("got %s %s, %d requests, %d spans", r.Method, r.URL, len(b.requests()), b.received())
	}
	wantTotals(t, e, "3 spans: 3 delivered")
	if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `the header "bad\nheader"`) {
		t.Errorf("log: %s", got)
	}
}

func TestProtocolsAndCompressions(t *testing.T) {
	for _, protocol := range []string{"http/protobuf", "http/json"} {
		for _, compression := range []string{"none", "gzip"} {
			t.Run(protocol+" "+compression, func(t *testing.T) {
				b := newBackend(t, nil)
				o := to(b.URL)
				o.Export.Protocol, o.Export.Compression = protocol, compression
				e, _ := start(t, o)
				addSpans(e, 0, 100)
				flush(t, e)
				if b.received() != 100 {
					t.Errorf("%d spans arrived", b.received())
				}
				wantTotals(t, e, "100 spans: 100 delivered")
			})
		}
	}
}

func TestSpansAreGroupedByResourceAndScope(t *testing.T) {
	b := newBackend(t, nil)
	e, _ := start(t, to(b.URL))
	other, django := otlp.NewResource(nil, ""), otlp.NewScope("django", "")
	for i := range 60 {
		e.Add([]*otlp.Resource{shop, other}[i%2], []*otlp.Scope{flask, django, flask}[i%3], span(i))
	}
	flush(t, e)
	resources := fields(b.requests()[0].body, 1)
	if len(resources) != 2 || len(fields(resources[0], 2)) != 2 || len(fields(resources[1], 2)) != 2 {
		t.Errorf("got %d resources", len(resources))
	}
	if b.received() != 60 {
		t.Errorf("%d spans arrived", b.received())
	}
}

func TestBatches(t *testing.T) {
	t.Run("of so many spans", func(t *testing.T) {
		b := newBackend(t, nil)
		o := to(b.URL)
		o.Batch.MaxExportBatchSize = 100
		e, _ := start(t, o)
		addSpans(e, 0, 1000)
		flush(t, e)
		for _, r := range b.requests() {
			if n := len(spanIDs(r.Request, r.body)); n > 100 {
				t.Errorf("a request has %d spans", n)
			}
		}
		wantTotals(t, e, "1,000 spans: 1,000 delivered")
	})
	t.Run("of so many bytes, a larger span alone", func(t *testing.T) {
		b := newBackend(t, nil)
		o := to(b.URL)
		o.Export.MemoryLimit = 8 << 20 // 1 MiB a request
		e, _ := start(t, o)
		var s otlp.Span
		for i, size := range []int{100_000, 600_000, 600_000, 2_000_000, 100} {
			s.Reset()
			s.Context([16]byte{1}, [8]byte{byte(i + 1)}, [8]byte{}, "", 0)
			s.String("big", strings.Repeat("x", size))
			e.Add(shop, flask, s.Encoded())
		}
		flush(t, e)
		for _, r := range b.requests() {
			if n := len(spanIDs(r.Request, r.body)); n > 1 && len(r.body) > 1<<20+1000 {
				t.Errorf("a request has %d spans in %d bytes", n, len(r.body))
			}
		}
		wantTotals(t, e, "5 spans: 5 delivered")
	})
}

func TestASlowBackendLosesNothing(t *testing.T) {
	var inFlight, most atomic.Int64
	b := newBackend(t, func(n int, w http.ResponseWriter, r *http.Request) {
		now := inFlight.Add(1)
		for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
		}
		time.Sleep(50 * time.Millisecond) // the backend's, not the test's
		inFlight.Add(-1)
	})
	e, log := start(t, to(b.URL))
	addSpans(e, 0, 20_000)
	flush(t, e)
	if b.received() != 20_000 || most.Load() < 2 || most.Load() > maxInFlight || log.String() != "" {
		t.Errorf("%d spans arrived, up to %d requests at a time, log %q", b.received(), most.Load(), log)
	}
	wantTotals(t, e, "20,000 spans: 20,000 delivered")
}

func TestARefusedConnectionIsTriedUntilItIsAccepted(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	e, log := start(t, to("http://user:secret@"+addr))
	addSpans(e, 0, 1000)
	log.await(t, "cannot deliver")

	b := unstarted(nil)
	b.Listener.Close()
	if b.Listener, err = net.Listen("tcp", addr); err != nil {
		t.Fatal(err)
	}
	b.Start()
	defer b.Close()
	flush(t, e)
	if b.received() != 1000 {
		t.Errorf("%d spans arrived", b.received())
	}
	wantTotals(t, e, "1,000 spans: 1,000 delivered")
	log.await(t, "again")
	got := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(got) != 2 ||
		!strings.Contains(got[0], "WARNING - cannot deliver spans to http://"+addr+"/v1/traces: dial tcp "+addr+": connect: connection refused; they wait in memory (at most 64 MiB) while delivery is tried again") ||
		!strings.Contains(got[1], "INFO - spans are delivered to http://"+addr+"/v1/traces again, after ") {
		t.Errorf("log:\n%s", log)
	}
	if strings.Contains(log.String(), "secret") {
		t.Error("the log has the password")
	}
}

func TestWhatIsTriedAgain(t *testing.T) {
	tests := []struct {
		name string
		fail func(w http.ResponseWriter)
		log  string
	}{
		{"408", func(w http.ResponseWriter) { w.WriteHeader(408) }, "408 Request Timeout"},
		{"429", func(w http.ResponseWriter) { w.WriteHeader(429) }, "429 Too Many Requests"},
		{"500", func(w http.ResponseWriter) { http.Error(w, " down\n for\x1b[1m lunch ", 500) }, `500 Internal Server Error "down\n for\x1b[1m lunch"`},
		{"502 with a page", func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(502)
			w.Write([]byte("<html>"))
		}, "502 Bad Gateway;"},
		{"503 with OTLP's reason", func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/x-protobuf")
			w.WriteHeader(503)
			w.Write([]byte("\x08\x0e\x12\x04full"))
		}, `503 Service Unavailable "full"`},
		{"504 with JSON's reason", func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			w.WriteHeader(504)
			w.Write([]byte(`{"message":"` + strings.Repeat("é", 500) + `"}`))
		}, strings.Repeat("é", 100) + "…"},
		{"a connection that is cut", func(w http.ResponseWriter) { panic(http.ErrAbortHandler) }, "EOF"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBackend(t, func(n int, w http.ResponseWriter, r *http.Request) {
				if n <= 3 {
					tt.fail(w)
				}
			})
			e, log := start(t, to(b.URL))
			addSpans(e, 0, 10)
			flush(t, e)
			if got := b.requests(); len(got) != 4 || !bytes.Equal(got[0].body, got[3].body) {
				t.Errorf("%d requests came, want the same 4 times", len(got))
			}
			wantTotals(t, e, "10 spans: 10 delivered")
			log.await(t, "again")
			if !strings.Contains(log.String(), tt.log) {
				t.Errorf("log: %s\nwant %s", log, tt.log)
			}
		})
	}
}

func TestWhatIsNotTriedAgain(t *testing.T) {
	tests := []struct {
		status int
		log    string
	}{
		{400, `refused 10 spans, which are dropped: 400 Bad Request "no"`},
		{401, `401 Unauthorized "no"; check LUMIGO_TRACER_TOKEN`},
		{403, `403 Forbidden "no"; check LUMIGO_TRACER_TOKEN`},
		{404, `404 Not Found "no"; check the path of the endpoint`},
		{413, `413 Request Entity Too Large "no"; lower OTEL_BSP_MAX_EXPORT_BATCH_SIZE`},
		{415, `check OTEL_EXPORTER_OTLP_PROTOCOL`},
		{304, `304 Not Modified`},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.status), func(t *testing.T) {
			b := newBackend(t, func(n int, w http.ResponseWriter, r *http.Request) { http.Error(w, "no", tt.status) })
			o := to(b.URL)
			o.Export.Token = "t_123"
			e, log := start(t, o)
			for i := range 3 {
				addSpans(e, 10*i, 10)
				flush(t, e)
			}
			wantTotals(t, e, "30 spans: 0 delivered, 30 dropped (rejected: 30)")
			log.await(t, tt.log)
			if n := strings.Count(log.String(), "\n"); n != 1 || len(b.requests()) != 3 {
				t.Errorf("%d requests and %d lines, want 3 and 1:\n%s", len(b.requests()), n, log)
			}
		})
	}
}

func TestPartialSuccess(t *testing.T) {
	tests := []struct{ name, protocol, answer, totals, log string }{
		{"spans rejected", "http/protobuf", "\x0a\x06\x08\x02\x12\x02no", "10 spans: 8 delivered, 2 dropped (partial success: 2)", `dropped 2 of 10 spans: "no"`},
		{"in JSON", "http/json", `{"partialSuccess":{"rejectedSpans":"2","errorMessage":"no"}}`, "10 spans: 8 delivered, 2 dropped (partial success: 2)", `dropped 2 of 10 spans: "no"`},
		{"in JSON, as a number", "http/json", `{"partialSuccess":{"rejectedSpans":2}}`, "10 spans: 8 delivered, 2 dropped (partial success: 2)", "dropped 2 of 10 spans"},
		{"a warning alone", "http/protobuf", "\x0a\x04\x12\x02hm", "10 spans: 10 delivered", `took 10 spans and warns: "hm"`},
		{"more than there were", "http/protobuf", "\x0a\x03\x08\xff\x7f", "10 spans: 0 delivered, 10 dropped (partial success: 10)", "dropped 10 of 10"},
		{"fewer than none", "http/json", `{"partialSuccess":{"rejectedSpans":-5}}`, "10 spans: 10 delivered", ""},
		{"an answer that is not OTLP", "http/protobuf", "<html>all is well</html>", "10 spans: 10 delivered", ""},
		{"an answer that is not JSON", "http/json", "<html>", "10 spans: 10 delivered", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBackend(t, func(n int, w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
				io.WriteString(w, tt.answer)
			})
			o := to(b.URL)
			o.Export.Protocol = tt.protocol
			e, log := start(t, o)
			addSpans(e, 0, 10)
			flush(t, e)
			wantTotals(t, e, tt.totals)
			log.await(t, tt.log)
		})
	}
}

func TestAnEndlessAnswerIsNotReadToItsEnd(t *testing.T) {
	b := newBackend(t, func(n int, w http.ResponseWriter, r *http.Request) {
		for chunk := make([]byte, 32<<10); ; {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	e, _ := start(t, to(b.URL))
	addSpans(e, 0, 1)
	flush(t, e)
	wantTotals(t, e, "1 span: 1 delivered")
}

func TestShutdown(t *testing.T) {
	hang := func(n int, w http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		w.WriteHeader(500) // nobody hears it; the spans are not accepted
	}
	t.Run("delivers what waits", func(t *testing.T) {
		b := newBackend(t, nil)
		e, _ := start(t, to(b.URL))
		addSpans(e, 0, 5000)
		if err := e.Shutdown(within(t)); err != nil {
			t.Error(err)
		}
		addSpans(e, 5000, 2)
		wantTotals(t, e, "5,002 spans: 5,000 delivered, 2 dropped (after shutdown: 2)")
		if err := e.Shutdown(within(t)); err != nil {
			t.Error("again:", err)
		}
		if err := e.Flush(within(t)); err != nil {
			t.Error("Flush after it:", err)
		}
	})
	t.Run("ends with its context while the backend hangs", func(t *testing.T) {
		b := newBackend(t, hang)
		e, _ := start(t, to(b.URL))
		addSpans(e, 0, 5000)
		b.awaitRequests(t, maxInFlight)
		err := e.Shutdown(ended())
		if err == nil || err.Error() != "shutdown: 5,000 spans not delivered in time" {
			t.Errorf("got %v", err)
		}
		wantTotals(t, e, "5,000 spans: 0 delivered, 5,000 dropped (deadline at shutdown: 5,000)")
	})
	t.Run("without a deadline has OTEL_BSP_EXPORT_TIMEOUT", func(t *testing.T) {
		b := newBackend(t, hang)
		o := to(b.URL)
		o.Batch.ExportTimeout = time.Millisecond
		e, _ := start(t, o)
		addSpans(e, 0, 1)
		if err := e.Flush(context.Background()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Flush: got %v", err)
		}
		if err := e.Shutdown(context.Background()); err == nil {
			t.Error("Shutdown: no error")
		}
		wantTotals(t, e, "1 span: 0 delivered, 1 dropped (deadline at shutdown: 1)")
	})
	t.Run("of several, the earliest deadline counts", func(t *testing.T) {
		b := newBackend(t, hang)
		e, _ := start(t, to(b.URL))
		addSpans(e, 0, 1)
		patient := make(chan error)
		go func() { patient <- e.Shutdown(within(t)) }()
		b.awaitRequests(t, 1)
		e.Shutdown(ended())
		if err := <-patient; err == nil {
			t.Error("the patient call has no error")
		}
	})
	t.Run("while the port refuses", func(t *testing.T) {
		b := newBackend(t, nil)
		b.Close()
		e, log := start(t, to(b.URL))
		addSpans(e, 0, 3)
		e.Flush(ended())
		log.await(t, "cannot deliver")
		e.Shutdown(ended())
		wantTotals(t, e, "3 spans: 0 delivered, 3 dropped (deadline at shutdown: 3)")
	})
	t.Run("of one that never had a span", func(t *testing.T) {
		e, _ := start(t, to("http://127.0.0.1:1"))
		if err := e.Shutdown(within(t)); err != nil {
			t.Error(err)
		}
	})
}

func TestFlushKeepsWhatItCannotDeliver(t *testing.T) {
	var up atomic.Bool
	b := newBackend(t, func(n int, w http.ResponseWriter, r *http.Request) {
		if !up.Load() {
			w.WriteHeader(503)
		}
	})
	e, _ := start(t, to(b.URL))
	addSpans(e, 0, 7)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		b.awaitRequests(t, 2)
		cancel()
	}()
	err := e.Flush(ctx)
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "flush: 7 spans still waiting") {
		t.Errorf("got %v", err)
	}
	wantTotals(t, e, "7 spans: 0 delivered, 7 waiting")
	up.Store(true)
	flush(t, e)
	wantTotals(t, e, "7 spans: 7 delivered")
}

func TestFlushWaitsForWhatWasAddedBeforeItOnly(t *testing.T) {
	release := make(chan struct{})
	b := newBackend(t, func(n int, w http.ResponseWriter, r *http.Request) {
		if n > 1 {
			<-release
		}
	})
	defer close(release)
	e, _ := start(t, to(b.URL))
	addSpans(e, 0, 1)
	flush(t, e)
	addSpans(e, 1, 600) // a batch on its way, and a rest
	b.awaitRequests(t, 2)
	flushed := make(chan error)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { flushed <- e.Flush(ctx) }()
	b.awaitRequests(t, 3)
	select {
	case err := <-flushed:
		t.Errorf("Flush returned %v before the spans were delivered", err)
	default:
	}
	cancel()
	<-flushed
}

func TestMemoryIsBoundedWhileTheBackendIsDown(t *testing.T) {
	for _, compression := range []string{"none", "gzip"} {
		t.Run(compression, func(t *testing.T) {
			var up atomic.Bool
			b := newBackend(t, func(n int, w http.ResponseWriter, r *http.Request) {
				if !up.Load() {
					w.WriteHeader(503)
				}
			})
			o := to(b.URL)
			o.Export.MemoryLimit = 1 << 20
			o.Export.Compression = compression
			o.Batch.MaxExportBatchSize = 1 << 20 // so that requests are as large as can be
			e, log := start(t, o)
			var most int64
			for i := range 100_000 {
				e.Add(shop, flask, span(i))
				if i%100 == 0 {
					e.mu.Lock()
					most = max(most, e.queue.memory+e.held)
					e.mu.Unlock()
				}
			}
			if slack := int64(e.request) * 2; most > 1<<20+slack {
				t.Errorf("held up to %d bytes", most)
			}
			totals := e.Totals()
			if totals.Dropped[QueueFull] == 0 || totals.Pending < 5000 || addUp(totals) != nil {
				t.Errorf("totals: %v", totals)
			}
			log.await(t, "is full with")
			up.Store(true)
			flush(t, e)
			if err := addUp(e.Totals()); err != nil || int64(b.received()) != e.Totals().Delivered || e.Totals().Pending != 0 {
				t.Errorf("%d spans arrived, %v, %v", b.received(), e.Totals(), err)
			}
			e.mu.Lock()
			defer e.mu.Unlock()
			if e.queue.memory != 0 || e.held != 0 {
				t.Errorf("idle, it holds %d and %d bytes", e.queue.memory, e.held)
			}
			if n := strings.Count(log.String(), "is full"); n != 1 {
				t.Errorf("said %d times that it is full:\n%s", n, log)
			}
		})
	}
}

func TestMaxQueueSize(t *testing.T) {
	b := newBackend(t, nil)
	b.Close()
	o := to(b.URL)
	o.Batch.MaxQueueSize, o.Batch.MaxExportBatchSize = 100, 1000
	e, _ := start(t, o)
	addSpans(e, 0, 10_000)
	// 100 wait, besides at most maxInFlight batches of at most 100.
	if p := e.Totals().Pending; p < 100 || p > 100+maxInFlight*100 {
		t.Errorf("%d spans are pending", p)
	}
}

func TestWithoutAnEndpoint(t *testing.T) {
	for _, endpoint := range []string{"", "ftp://backend.test/v1/traces", "//secret:word@backend", "http://%zz:secret"} {
		t.Run(endpoint, func(t *testing.T) {
			e, log := start(t, Options{Export: config.Export{Endpoint: endpoint}})
			addSpans(e, 0, 3)
			if err := e.Flush(within(t)); err != nil {
				t.Error(err)
			}
			if err := e.Shutdown(within(t)); err != nil {
				t.Error(err)
			}
			wantTotals(t, e, "3 spans: 0 delivered, 3 dropped (no endpoint: 3)")
			if e.queue.memory != 0 {
				t.Error("it stored them")
			}
			if said := log.String() != ""; said != (endpoint != "") || strings.Contains(log.String(), "secret") {
				t.Errorf("log: %s", log)
			}
		})
	}
}

func TestAProxyIsUsed(t *testing.T) {
	b := newBackend(t, nil) // the proxy, which answers for the host behind it
	o := to("http://backend.test")
	o.Proxy.HTTP = strings.Replace(b.URL, "http://", "http://user:pass@", 1)
	e, _ := start(t, o)
	addSpans(e, 0, 1)
	flush(t, e)
	r := b.requests()[0]
	if r.RequestURI != "http://backend.test/v1/traces" || !strings.HasPrefix(r.Header.Get("Proxy-Authorization"), "Basic ") {
		t.Errorf("got %s with %v", r.RequestURI, r.Header)
	}
	t.Run("an unusable one is warned of, without its password", func(t *testing.T) {
		o := to("http://backend.test")
		o.Proxy.HTTP = "ftp://user:secret@proxy"
		_, log := start(t, o)
		if got := log.String(); !strings.Contains(got, "HTTP_PROXY") || strings.Contains(got, "secret") {
			t.Errorf("log: %s", got)
		}
	})
}

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	clientCert, clientKey := write("client.pem", "CERTIFICATE", der), write("client.key", "PRIVATE KEY", keyDER)
	client, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}

	secure := func(auth tls.ClientAuthType) *backend {
		b := unstarted(nil)
		b.Config.ErrorLog = discardLog
		b.TLS = &tls.Config{ClientAuth: auth, ClientCAs: x509.NewCertPool()}
		b.TLS.ClientCAs.AddCert(client)
		b.StartTLS()
		t.Cleanup(b.Close)
		return b
	}
	open, closed := secure(tls.NoClientCert), secure(tls.RequireAndVerifyClientCert)
	ca := write("ca.pem", "CERTIFICATE", open.Certificate().Raw) // httptest has one for all

	tests := []struct {
		name          string
		backend       *backend
		ca, cert, key string
		log           string // of the failure; empty for success
	}{
		{"the backend's authority is trusted when named", open, ca, "", "", ""},
		{"and not otherwise", open, "", "", "", "certificate signed by unknown authority"},
		{"a client certificate is shown", closed, ca, clientCert, clientKey, ""},
		{"and missed when not given", closed, ca, "", "", "cannot deliver"},
		{"an authority that is not there", open, filepath.Join(dir, "none"), "", "", "OTEL_EXPORTER_OTLP_CERTIFICATE is \"" + dir + "/none\", which cannot be read: no such file or directory; trusting the system's authorities"},
		{"an authority that is none", open, clientKey, "", "", `"` + clientKey + `", in which there is no PEM certificate`},
		{"a key without a certificate", closed, ca, "", clientKey, "but one needs the other"},
		{"a key that is none", closed, ca, clientCert, clientCert, "which cannot be used: tls:"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := to(tt.backend.URL)
			o.Export.Certificate, o.Export.ClientCertificate, o.Export.ClientKey = tt.ca, tt.cert, tt.key
			e, log := start(t, o)
			addSpans(e, 0, 1)
			if tt.log == "" {
				flush(t, e)
				wantTotals(t, e, "1 span: 1 delivered")
				return
			}
			e.Flush(ended())
			log.await(t, tt.log)
			wantTotals(t, e, "1 span: 0 delivered, 1 waiting")
		})
	}
}

func TestRedirects(t *testing.T) {
	t.Run("within the host are followed", func(t *testing.T) {
		b := newBackend(t, func(n int, w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/v1/traces" {
				http.Redirect(w, r, "/moved", http.StatusTemporaryRedirect)
			}
		})
		e, _ := start(t, to(b.URL))
		addSpans(e, 0, 4)
		flush(t, e)
		if len(b.requests()) != 2 || b.received() != 4 {
			t.Errorf("%d requests, %d spans", len(b.requests()), b.received())
		}
	})
	t.Run("that would make it a GET are not", func(t *testing.T) {
		b := newBackend(t, func(n int, w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/moved", http.StatusFound)
		})
		e, _ := start(t, to(b.URL))
		addSpans(e, 0, 4)
		flush(t, e)
		if len(b.requests()) != 1 {
			t.Errorf("%d requests", len(b.requests()))
		}
		wantTotals(t, e, "4 spans: 0 delivered, 4 dropped (rejected: 4)")
	})
	for _, code := range []int{301, 302, 307, 308} {
		t.Run(fmt.Sprintf("%d to another host is not followed", code), func(t *testing.T) {
			other := newBackend(t, nil)
			b := newBackend(t, func(n int, w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, other.URL+"/v1/traces?key=secret", code)
			})
			o := to(b.URL)
			o.Export.Token = "t_123"
			o.Export.Headers = []config.KeyValue{{Key: "x-api-key", Value: "secret"}}
			e, log := start(t, o)
			addSpans(e, 0, 4)
			flush(t, e)
			wantTotals(t, e, "4 spans: 0 delivered, 4 dropped (rejected: 4)")
			log.await(t, "if spans should go to "+other.URL+"/v1/traces, set that as the endpoint")
			if len(other.requests()) != 0 || strings.Contains(log.String(), "secret") {
				t.Errorf("%d requests reached the other host; log: %s", len(other.requests()), log)
			}
		})
	}
	t.Run("in a circle end", func(t *testing.T) {
		b := newBackend(t, func(n int, w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/v1/traces", http.StatusPermanentRedirect)
		})
		e, _ := start(t, to(b.URL))
		addSpans(e, 0, 1)
		flush(t, e)
		wantTotals(t, e, "1 span: 0 delivered, 1 dropped (rejected: 1)")
	})
}

// TestAccountingUnderRandomFailures is the promise of the package: whatever
// the backend does, totals add up at every moment, and what is counted as
// delivered is what arrived.
func TestAccountingUnderRandomFailures(t *testing.T) {
	seeds := uint64(8)
	if testing.Short() {
		seeds = 2
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			var mu sync.Mutex
			g := mathrand.New(mathrand.NewPCG(seed, 0))
			random := func(n int) int {
				mu.Lock()
				defer mu.Unlock()
				return g.IntN(n)
			}
			var b *backend
			b = newBackend(t, func(n int, w http.ResponseWriter, r *http.Request) {
				switch random(12) {
				case 0:
					w.WriteHeader([]int{408, 429, 500, 502, 503, 504}[random(6)])
				case 1:
					w.WriteHeader([]int{400, 401, 404, 413}[random(4)])
				case 2:
					panic(http.ErrAbortHandler)
				case 3:
					body := b.requests()[n-1].body
					rejected := min(random(20), len(spanIDs(r, body)))
					b.accept(r, body, rejected)
					w.Write([]byte{0x0a, 2, 8, byte(rejected)})
				case 4:
					w.Header().Set("Retry-After", "0")
					w.WriteHeader(503)
				}
			})
			o := to(b.URL)
			o.Batch.MaxExportBatchSize = 1 + random(100)
			o.Batch.ScheduleDelay = time.Duration(1+random(10)) * time.Millisecond
			o.Export.MemoryLimit = int64(1<<17 + random(1<<19))
			o.Export.Compression = []string{"none", "gzip"}[random(2)]
			if random(2) == 0 {
				o.Batch.MaxQueueSize = 1 + random(2000)
			}
			e, _ := start(t, o)
			const adders, each = 8, 2000
			var wg sync.WaitGroup
			for a := range adders {
				wg.Add(1)
				go func() {
					defer wg.Done()
					for i := range each {
						e.Add(shop, flask, span(a*each+i))
						if i%500 == 250 {
							e.Flush(within(t))
						}
						if err := addUp(e.Totals()); err != nil {
							t.Error(err)
							return
						}
					}
				}()
			}
			wg.Wait()
			ctx := within(t)
			if random(3) == 0 {
				ctx = ended()
			}
			e.Shutdown(ctx)
			b.Close() // and with it every handler ends
			totals := e.Totals()
			if err := addUp(totals); err != nil || totals.Accepted != adders*each || totals.Pending != 0 {
				t.Errorf("%v: %+v", err, totals)
			}
			// A request under way at the deadline may arrive though it is given up.
			if got := int64(b.received()); got < totals.Delivered || got > totals.Delivered+totals.Dropped[ShutdownDeadline] {
				t.Errorf("%d spans arrived: %v", got, totals)
			}
			for id, n := range b.ids {
				if n > 1 {
					t.Errorf("span %s arrived %d times", id, n)
				}
			}
		})
	}
}

func TestNothingRunsAfterShutdown(t *testing.T) {
	var backends []*backend
	for _, handle := range []func(int, http.ResponseWriter, *http.Request){
		nil,
		func(n int, w http.ResponseWriter, r *http.Request) { w.WriteHeader(503) },
		func(n int, w http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	} {
		backends = append(backends, newBackend(t, handle))
	}
	before := runtime.NumGoroutine()
	for _, b := range backends {
		e, _ := start(t, to(b.URL))
		addSpans(e, 0, 5000)
		b.awaitRequests(t, 3)
		e.Shutdown(ended())
	}
	e, _ := start(t, Options{})
	e.Shutdown(within(t))
	// The servers still run: their connections end because ours do.
	for deadline := time.Now().Add(20 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines before, %d now:\n%s", before, runtime.NumGoroutine(), stacks[:runtime.Stack(stacks, true)])
		}
	}
}

func TestAddAllocatesNothing(t *testing.T) {
	e := paused(t)
	s := span(1)
	if n := testing.AllocsPerRun(20_000, func() { e.Add(shop, flask, s) }); n >= 0.5 {
		t.Errorf("%v allocations a span", n)
	}
}

// paused is an exporter whose backend takes requests and never answers.
func paused(t testing.TB) *Exporter {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}))
	e := New(to(s.URL))
	t.Cleanup(func() {
		e.Shutdown(ended())
		s.Close()
	})
	return e
}

// BenchmarkAdd is the cost to the caller; sending goes on beside it, but what
// there is of waiting for it is not counted.
func BenchmarkAdd(b *testing.B) { benchmark(b, false) }

// BenchmarkAddAndDeliver is the whole cost of a span from encoded to sent and
// acknowledged, backend included, in requests of 512.
func BenchmarkAddAndDeliver(b *testing.B) { benchmark(b, true) }

func benchmark(b *testing.B, deliver bool) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
	}))
	defer server.Close()
	e := New(to(server.URL))
	s := span(1)
	s = append(s, bytes.Repeat([]byte("\x4a\x00"), 150)...) // 350 bytes, as with eight attributes
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		e.Add(shop, flask, s)
		if i%8192 == 8191 {
			if !deliver {
				b.StopTimer()
			}
			e.Flush(context.Background())
			b.StartTimer()
		}
	}
	b.StopTimer()
	e.Shutdown(context.Background())
	if n := e.Totals().Dropped.Sum(); n > 0 {
		b.Errorf("%d spans were dropped", n)
	}
}
