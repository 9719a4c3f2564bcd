package export

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/internal/untraced"
)

// Trial is what became of a request without spans.
type Trial struct {
	Proxy    string    // host and port of the proxy that it went through; "" for none
	Err      error     // why there is no answer; it names no URL, which may hold credentials
	Code     int       // of the answer, such as 200
	Message  string    // what the backend says about it; may be empty
	Remedy   string    // what to do about an answer that is not 2xx; may be empty
	Date     time.Time // the backend's, when it answered; zero when it did not say
	Warnings []string  // of settings that cannot be used, as New would log them
}

// Try posts a request without spans, the way an exporter made with o would post one with some, and waits for
// the answer until ctx ends.
func Try(ctx context.Context, o Options) (t Trial) {
	warn := func(format string, args ...any) { t.Warnings = append(t.Warnings, fmt.Sprintf(format, args...)) }
	u, err := parseEndpoint(o.Export.Endpoint)
	if err != nil {
		t.Err = err
		return t
	}
	if proxy, err := proxyFor(o.Proxy, u); err == nil && proxy != nil {
		t.Proxy = proxy.Host
	}
	client := newClient(u, o, positive(o.Export.Timeout, defaultTimeout), warn)
	defer client.CloseIdleConnections()
	var body []byte // no bytes are an empty protobuf message
	if o.Export.Protocol == "http/json" {
		body = []byte("{}")
	}
	if o.Export.Compression == "gzip" {
		body = compress(body)
	}
	req, err := http.NewRequestWithContext(untraced.Context(ctx), http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		t.Err = err
		return t
	}
	req.Header = header(o, warn)
	resp, err := client.Do(req)
	if err != nil {
		t.Err = withoutURL(err)
		return t
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	t.Code = resp.StatusCode
	t.Date, _ = http.ParseTime(resp.Header.Get("Date"))
	if t.Code/100 != 2 {
		t.Message, t.Remedy = errorMessage(media, text), remedy(resp, o.Export.Token != "")
	}
	return t
}

// Shown is an endpoint as it may be shown: with neither user-info nor query, which can hold credentials.
func Shown(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		return "****"
	}
	return shown(u)
}
