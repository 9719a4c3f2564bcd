package export

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
)

// parseEndpoint accepts the URLs that spans can be posted to.
func parseEndpoint(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "":
		return nil, errors.New("it is not a URL") // url's own text would show a password
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("its scheme is %q, not http or https", u.Scheme)
	}
	return u, nil
}

// shown is an endpoint as it may be logged: neither user-info nor query, which
// can hold credentials.
func shown(u *url.URL) string {
	plain := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	return plain.String()
}

// newClient makes the HTTP client for one endpoint. What it cannot use of the
// settings it does without, and says so through warn. The timeout of an attempt
// is also that of connecting, which net/http may finish for a later attempt.
func newClient(endpoint *url.URL, o Options, timeout time.Duration, warn func(format string, args ...any)) *http.Client {
	transport := &http.Transport{
		DialContext:            (&net.Dialer{Timeout: timeout}).DialContext,
		TLSHandshakeTimeout:    timeout,
		TLSClientConfig:        tlsConfig(o.Export, warn),
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    maxInFlight,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true, // so that a bound on an answer is a bound
	}
	switch proxy, err := proxyFor(o.Proxy, endpoint); {
	case err != nil:
		warn("%v; sending spans without a proxy", err)
	case proxy != nil:
		transport.Proxy = http.ProxyURL(proxy)
	}
	return &http.Client{Transport: transport, CheckRedirect: checkRedirect}
}

// checkRedirect follows a redirect that repeats the request (307, 308) within
// the same host, never to a less safe scheme. Any other is the answer: the
// token and the user's headers are for the configured host alone.
func checkRedirect(req *http.Request, via []*http.Request) error {
	from, to := via[len(via)-1].URL, req.URL
	same := from.Scheme == to.Scheme && from.Host == to.Host
	upgrade := from.Scheme == "http" && to.Scheme == "https" && from.Hostname() == to.Hostname()
	if req.Method != http.MethodPost || len(via) > 3 || !same && !upgrade {
		return http.ErrUseLastResponse
	}
	return nil
}

func tlsConfig(c config.Export, warn func(string, ...any)) *tls.Config {
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.Certificate != "" {
		pem, err := os.ReadFile(c.Certificate)
		pool := x509.NewCertPool()
		switch {
		case err != nil:
			warn("OTEL_EXPORTER_OTLP_CERTIFICATE is %q, which cannot be read: %v; trusting the system's authorities", c.Certificate, cause(err))
		case !pool.AppendCertsFromPEM(pem):
			warn("OTEL_EXPORTER_OTLP_CERTIFICATE is %q, in which there is no PEM certificate; trusting the system's authorities", c.Certificate)
		default:
			t.RootCAs = pool
		}
	}
	switch {
	case c.ClientCertificate == "" && c.ClientKey == "":
	case c.ClientCertificate == "" || c.ClientKey == "":
		warn("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE is %q and OTEL_EXPORTER_OTLP_CLIENT_KEY is %q, but one needs the other; going without a client certificate", c.ClientCertificate, c.ClientKey)
	default:
		pair, err := tls.LoadX509KeyPair(c.ClientCertificate, c.ClientKey)
		if err != nil {
			warn("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE is %q and OTEL_EXPORTER_OTLP_CLIENT_KEY is %q, which cannot be used: %v; going without a client certificate", c.ClientCertificate, c.ClientKey, cause(err))
			break
		}
		t.Certificates = []tls.Certificate{pair}
	}
	return t
}

// cause is an error without the path, which the message names already.
func cause(err error) error {
	if path := (*os.PathError)(nil); errors.As(err, &path) {
		return path.Err
	}
	return err
}

// header is what every request carries. The user's own headers come first, so
// that they cannot replace what the protocol and the token need.
func header(o Options, warn func(string, ...any)) http.Header {
	h := http.Header{}
	for _, kv := range o.Export.Headers {
		if !validHeader(kv.Key, kv.Value) {
			warn("the header %q of OTEL_EXPORTER_OTLP_HEADERS is not one that HTTP allows; going without", kv.Key)
			continue
		}
		h.Add(kv.Key, kv.Value)
	}
	if o.Export.Token != "" {
		if value := "LumigoToken " + o.Export.Token; validHeader("Authorization", value) {
			h.Set("Authorization", value)
		} else {
			warn("LUMIGO_TRACER_TOKEN has characters that no HTTP header can carry; sending spans without it")
		}
	}
	if o.UserAgent != "" {
		h.Set("User-Agent", o.UserAgent)
	}
	h.Set("Content-Type", "application/x-protobuf")
	if o.Export.Protocol == "http/json" {
		h.Set("Content-Type", "application/json")
	}
	h.Del("Content-Encoding")
	if o.Export.Compression == "gzip" {
		h.Set("Content-Encoding", "gzip")
	}
	return h
}

// validHeader tells whether net/http will send this header, which it refuses
// for each request anew.
func validHeader(key, value string) bool {
	if key == "" {
		return false
	}
	for i := range len(key) {
		c := key[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	for i := range len(value) {
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// PlainClient is a client for the metadata that a platform offers nearby: no proxy, and a transport of its own, so
// that the application's settings of http.DefaultTransport have no part in it.
func PlainClient() *http.Client { return &http.Client{Transport: new(http.Transport)} }
