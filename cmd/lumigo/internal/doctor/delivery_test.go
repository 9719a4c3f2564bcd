package doctor

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/internal/export"
)

// answering serves one answer to every request.
func answering(t *testing.T, status int, header http.Header, body string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, values := range header {
			w.Header()[name] = values
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return s
}

func TestEndpoint(t *testing.T) {
	refusing, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refusing.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	garbled, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { garbled.Close() })
	go func() {
		for {
			c, err := garbled.Accept()
			if err != nil {
				return
			}
			c.Read(make([]byte, 4096))
			io.WriteString(c, "\x00\x00\x12\x04\x00\x00\x00\x00\x00settings\r\n") // as gRPC's servers begin
			c.Close()
		}
	}()
	secure := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // it will say that we do not trust it
	secure.StartTLS()
	t.Cleanup(secure.Close)
	authority := filepath.Join(t.TempDir(), "authority.pem")
	if err := os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	expired := withCertificate(t, time.Now().Add(-time.Hour))
	good := answering(t, 200, nil, "")
	proxied := answering(t, 407, nil, "")
	of := func(s *httptest.Server) string {
		return strings.TrimPrefix(strings.TrimPrefix(s.URL, "http://"), "https://")
	}

	tests := []struct {
		name    string
		environ []string
		want    string // HOST stands for the endpoint
	}{
		{"takes traces", []string{"http://" + of(good)}, "ok: http://HOST/v1/traces takes traces"},
		{"nothing listens", []string{"http://" + refusing.Addr().String()}, "problem: http://HOST/v1/traces: nothing listens there: connection refused → start the backend, or correct the port; within a container, localhost is the container itself"},
		{"says nothing", []string{"http://" + silent.Addr().String()}, "problem: http://HOST/v1/traces: no answer within 2s → check firewalls, security groups and network policies between here and there, and whether a proxy is needed (HTTPS_PROXY)"},
		{"speaks another protocol", []string{"http://" + garbled.Addr().String()}, `problem: http://HOST/v1/traces: it does not speak HTTP/1: net/http: HTTP/1.x transport connection broken: malformed HTTP response "\x00\x00\x12\x04\x00\x00\x00\x00\x00settings" → gRPC listens there, perhaps; OTLP over HTTP has the port 4318`},

		{"does not know the path", []string{"http://" + of(answering(t, 404, nil, ""))}, "problem: http://HOST/v1/traces answers 404 → check the path of the endpoint"},
		{"does not know the token", []string{"http://" + of(answering(t, 401, nil, "")), "LUMIGO_TRACER_TOKEN=t_0123456789abcdef01234"}, "problem: http://HOST/v1/traces answers 401 → check LUMIGO_TRACER_TOKEN"},
		{"wants headers", []string{"http://" + of(answering(t, 403, http.Header{"Content-Type": {"text/plain"}}, "no key"))}, `problem: http://HOST/v1/traces answers 403 "no key" → check OTEL_EXPORTER_OTLP_HEADERS`},
		{"redirects", []string{"http://" + of(answering(t, 302, http.Header{"Location": {"https://there.test/v1/traces?key=secret"}}, ""))}, "problem: http://HOST/v1/traces answers 302 → redirects to other hosts are not followed; if spans should go to https://there.test/v1/traces, set that as the endpoint"},
		{"is busy", []string{"http://" + of(answering(t, 503, nil, ""))}, "warning: http://HOST/v1/traces answers 503 → it is there, but not well; spans wait and are sent again"},
		{"is something else", []string{"http://" + of(answering(t, 418, nil, ""))}, "problem: http://HOST/v1/traces answers 418 → check that it is an OTLP endpoint for traces over HTTP"},

		{"has a certificate of its own", []string{"https://" + of(secure)}, "problem: https://HOST/v1/traces: its certificate is signed by an authority that is not known here → set OTEL_EXPORTER_OTLP_CERTIFICATE to the PEM file of that authority, or install the system's ca-certificates"},
		{"which is trusted", []string{"https://" + of(secure), "OTEL_EXPORTER_OTLP_CERTIFICATE=" + authority}, "ok: https://HOST/v1/traces takes traces"},
		{"for another name", []string{"https://localhost:" + port(of(secure)), "OTEL_EXPORTER_OTLP_CERTIFICATE=" + authority}, "problem: https://HOST/v1/traces: its certificate is for another name: x509: certificate is valid for example.com, *.example.com, not localhost → use the name that is in the certificate"},
		{"of yesterday", []string{"https://" + of(expired.Server), "OTEL_EXPORTER_OTLP_CERTIFICATE=" + expired.file}, "problem: https://HOST/v1/traces: its certificate is not valid: x509: certificate has expired or is not yet valid: "},
		{"speaks TLS alone", []string{"http://" + of(secure)}, `problem: http://HOST/v1/traces answers 400 → it speaks TLS: write https:// in front of it`},
		{"speaks no TLS", []string{"https://" + of(good)}, "problem: https://HOST/v1/traces: it does not speak TLS → write http:// in front of it, not https://"},
		{"a certificate that is not there", []string{"http://" + of(good), "OTEL_EXPORTER_OTLP_CERTIFICATE=/missing.pem"}, "warning: OTEL_EXPORTER_OTLP_CERTIFICATE is \"/missing.pem\", which cannot be read: no such file or directory; trusting the system's authorities → correct the variable\nok: http://HOST/v1/traces takes traces"},

		{"by a proxy", []string{"http://collector.test", "HTTP_PROXY=http://user:pass@" + of(good)}, "ok: http://HOST/v1/traces (through the proxy " + of(good) + ") takes traces"},
		{"by a proxy that is not there", []string{"http://collector.test", "HTTP_PROXY=" + refusing.Addr().String()}, "problem: http://HOST/v1/traces (through the proxy " + refusing.Addr().String() + "): the proxy cannot be reached: proxyconnect tcp: dial tcp " + refusing.Addr().String() + ": connect: connection refused → correct HTTPS_PROXY or HTTP_PROXY, or name the host in NO_PROXY"},
		{"by a proxy that wants a password", []string{"http://collector.test", "HTTP_PROXY=" + of(proxied)}, "problem: http://HOST/v1/traces (through the proxy " + of(proxied) + ") answers 407 → check the credentials of the proxy"},
		{"not at all", []string{"", "LUMIGO_DEBUG_SPANDUMP=/dev/stderr"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			endpoint := tt.environ[0]
			got := look("endpoint", append([]string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + endpoint}, tt.environ[1:]...)...)
			_, host, _ := strings.Cut(endpoint, "://")
			want := strings.ReplaceAll(tt.want, "HOST", host)
			if got != want && !(strings.HasSuffix(want, ": ") && strings.HasPrefix(got, want)) {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func port(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

type tlsServer struct {
	*httptest.Server
	file string // of its certificate
}

// withCertificate serves with a certificate that is valid until then.
func withCertificate(t *testing.T, until time.Time) tlsServer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: until.Add(-time.Hour), NotAfter: until, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	s := tlsServer{httptest.NewUnstartedServer(http.NotFoundHandler()), filepath.Join(t.TempDir(), "server.pem")}
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	if err := os.WriteFile(s.file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// What goes wrong before anything is sent cannot be provoked without a name server.
func TestEndpointWhoseNameIsNotKnown(t *testing.T) {
	failed := export.Trial{Err: &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "collector", IsNotFound: true}}}
	found, remedy := explain(failed, "http://collector:4318")
	if found != "the name collector is not known" || remedy != "check its spelling, and the DNS of this machine or container" {
		t.Errorf("got %q, %q", found, remedy)
	}
	failed.Err = &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "i/o timeout", Name: "collector", IsTimeout: true}}
	if found, _ := explain(failed, "http://collector:4318"); found != "its name is not resolved in time" {
		t.Errorf("got %q", found)
	}
}

func TestClock(t *testing.T) {
	at := func(d time.Duration) string {
		return "OTEL_EXPORTER_OTLP_ENDPOINT=" + answering(t, 200, http.Header{"Date": {time.Now().Add(d).UTC().Format(http.TimeFormat)}}, "").URL
	}
	tests := []struct{ name, environ, want string }{
		{"right", at(0), "ok: it agrees with the backend's"},
		{"fast", at(-time.Hour), "warning: this machine's clock is 1h0m0s ahead"},
		{"slow", at(time.Hour), "warning: this machine's clock is 1h0m0s behind"},
		{"not told", "OTEL_EXPORTER_OTLP_ENDPOINT=" + answering(t, 200, http.Header{"Date": nil}, "").URL, "skipped: the backend has not told its time"},
		{"nobody to ask", "LUMIGO_DEBUG_SPANDUMP=/dev/stderr", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := look("clock", tt.environ); !strings.HasPrefix(got, tt.want) || tt.want == "" && got != "" {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestSpanDump(t *testing.T) {
	dir := t.TempDir()
	old := filepath.Join(dir, "old.json")
	if err := os.WriteFile(old, []byte("a line\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, want := look("span dump", "LUMIGO_DEBUG_SPANDUMP="+old), "ok: "+old+" can be written"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if text, _ := os.ReadFile(old); string(text) != "a line\n" {
		t.Errorf("the dump was touched: it holds %q", text)
	}
	fresh := filepath.Join(dir, "new.json")
	if got, want := look("span dump", "LUMIGO_DEBUG_SPANDUMP="+fresh), "ok: "+fresh+" can be written"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if exists(fresh) {
		t.Error("the dump was made")
	}
	want := `problem: cannot write the span dump to "` + dir + `/missing/x": no such file or directory → set LUMIGO_DEBUG_SPANDUMP to a file in a directory that exists and is writable`
	if got := look("span dump", "LUMIGO_DEBUG_SPANDUMP="+dir+"/missing/x"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
