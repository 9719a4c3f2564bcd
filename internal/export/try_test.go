package export

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
)

// What Try posts is what an exporter would, but for the spans.
func TestTry(t *testing.T) {
	tests := []struct {
		name   string
		export config.Export
		body   string
		header map[string]string
	}{
		{"protobuf", config.Export{Token: "t_0123456789abcdef01234"}, "", map[string]string{"Content-Type": "application/x-protobuf", "Authorization": "LumigoToken t_0123456789abcdef01234", "User-Agent": "test/1"}},
		{"JSON", config.Export{Protocol: "http/json", Headers: []config.KeyValue{{Key: "X-Key", Value: "k"}}}, "{}", map[string]string{"Content-Type": "application/json", "X-Key": "k"}},
		{"compressed", config.Export{Protocol: "http/json", Compression: "gzip"}, "{}", map[string]string{"Content-Encoding": "gzip"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				for name, want := range tt.header {
					if got := r.Header.Get(name); got != want {
						t.Errorf("%s is %q, want %q", name, got, want)
					}
				}
				var body io.Reader = r.Body
				if tt.export.Compression == "gzip" {
					z, err := gzip.NewReader(r.Body)
					if err != nil {
						t.Error(err)
						return
					}
					body = z
				}
				text, err := io.ReadAll(body)
				if err != nil || string(text) != tt.body || r.Method != http.MethodPost {
					t.Errorf("%s with the body %q (%v), want POST with %q", r.Method, text, err, tt.body)
				}
				w.Header().Set("Date", "Fri, 02 Jan 2026 15:04:05 GMT")
			}))
			defer server.Close()
			tt.export.Endpoint = server.URL + "/v1/traces"
			got := Try(context.Background(), Options{Export: tt.export, UserAgent: "test/1"})
			if got.Err != nil || got.Code != 200 || !got.Date.Equal(time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)) || got.Warnings != nil {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestTryFails(t *testing.T) {
	refusing := httptest.NewServer(nil)
	refusing.Close()
	got := Try(context.Background(), Options{Export: config.Export{Endpoint: strings.Replace(refusing.URL, "http://", "http://user:secret@", 1)}})
	if !errors.Is(got.Err, syscall.ECONNREFUSED) || strings.Contains(got.Err.Error(), "secret") {
		t.Errorf("got the error %v, want that of a refused connection, without a password", got.Err)
	}

	rejecting := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "who are you?", http.StatusUnauthorized)
	}))
	defer rejecting.Close()
	got = Try(context.Background(), Options{Export: config.Export{Endpoint: rejecting.URL}})
	if got.Code != 401 || got.Message != "who are you?" || got.Remedy != "check OTEL_EXPORTER_OTLP_HEADERS" {
		t.Errorf("got %+v", got)
	}

	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Host != "backend.test" {
			t.Errorf("the proxy was asked for %v", r.URL)
		}
	}))
	defer proxy.Close()
	got = Try(context.Background(), Options{Export: config.Export{Endpoint: "http://backend.test", Certificate: "/missing"}, Proxy: config.Proxy{HTTP: strings.Replace(proxy.URL, "//", "//user:secret@", 1)}})
	if want := strings.TrimPrefix(proxy.URL, "http://"); got.Code != 200 || got.Proxy != want {
		t.Errorf("got %+v, want the proxy %s", got, want)
	}
	if len(got.Warnings) != 1 || !strings.HasPrefix(got.Warnings[0], `OTEL_EXPORTER_OTLP_CERTIFICATE is "/missing"`) {
		t.Errorf("got the warnings %q", got.Warnings)
	}

	if got := Try(context.Background(), Options{Export: config.Export{Endpoint: "nowhere"}}); got.Err == nil {
		t.Error("no error about an endpoint that is no URL")
	}
}

func TestShown(t *testing.T) {
	for endpoint, want := range map[string]string{
		"http://user:secret@host:4318/v1/traces?key=secret": "http://host:4318/v1/traces",
		"http://%zz": "****",
	} {
		if got := Shown(endpoint); got != want {
			t.Errorf("%s is shown as %s, want %s", endpoint, got, want)
		}
	}
}
