package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/internal/export"
	"github.com/lumigo-io/opentelemetry-distro/internal/spandump"
)

func lookAtDestination(x *examination, f *findings) {
	if x.off != "" {
		return
	}
	e := x.config.Export
	var to []string
	if e.Endpoint != "" {
		to = append(to, export.Shown(e.Endpoint))
	}
	if x.config.SpanDump != "" {
		to = append(to, "the span dump "+x.config.SpanDump)
	}
	if e.Console {
		to = append(to, "standard output")
	}
	if x.program.viewed {
		to = append(to, "the viewer")
	}
	if len(to) == 0 {
		f.problem("set LUMIGO_TRACER_TOKEN, OTEL_EXPORTER_OTLP_ENDPOINT (http://localhost:4318 for a Collector, or for lumigo view) or LUMIGO_DEBUG_SPANDUMP, or start it with lumigo run --view",
			"spans go nowhere")
		return
	}
	f.ok("spans go to %s", strings.Join(to, " and "))
}

func lookAtToken(x *examination, f *findings) {
	if x.off != "" {
		return
	}
	for _, m := range x.messages {
		if strings.Contains(m.Text, "does not look like a token") {
			f.warning("copy it again from Lumigo: Settings, Tracing, Manual tracing", "%s", m.Text)
			return
		}
	}
	switch e := x.config.Export; {
	case e.Token != "":
		f.ok("there is one, and it looks like one")
	case e.Endpoint == "" && x.config.SpanDump == "" && !e.Console:
		f.skipped("there is none")
	default:
		f.ok("none is needed for that destination")
	}
}

// tryEndpoint posts a request without spans, and returns what became of it and when the answer came.
func (x *examination) tryEndpoint() (export.Trial, time.Time) {
	ctx, cancel := context.WithTimeout(x.context, networkPatience)
	defer cancel()
	t := export.Try(ctx, export.Options{Export: x.config.Export, Proxy: x.config.Proxy, UserAgent: "lumigo-opentelemetry-distro/" + x.Version})
	return t, time.Now()
}

func lookAtEndpoint(x *examination, f *findings) {
	e := x.config.Export
	if x.off != "" || e.Endpoint == "" {
		return
	}
	t, _ := x.answer()
	where := export.Shown(e.Endpoint)
	through := ""
	if t.Proxy != "" {
		through = fmt.Sprintf(" (through the proxy %s)", t.Proxy)
	}
	for _, w := range t.Warnings {
		f.warning("correct the variable", "%s", w)
	}
	switch {
	case t.Err != nil:
		found, remedy := explain(t, e.Endpoint)
		f.problem(remedy, "%s%s: %s", where, through, found)
	case t.Code/100 == 2:
		f.ok("%s%s takes traces", where, through)
	default:
		found := fmt.Sprintf("%s%s answers %d", where, through, t.Code)
		if t.Message != "" {
			found += fmt.Sprintf(" %q", t.Message)
		}
		remedy := t.Remedy
		switch {
		case t.Code == 429 || t.Code >= 500:
			if remedy == "" {
				remedy = "it is there, but not well; spans wait and are sent again"
			}
			f.warning(remedy, "%s", found)
			return
		case t.Code == 400 && t.Proxy == "" && x.speaksTLS(e.Endpoint):
			remedy = "it speaks TLS: write https:// in front of it"
		case remedy == "":
			remedy = "check that it is an OTLP endpoint for traces over HTTP"
		}
		f.problem(remedy, "%s", found)
	}
}

// speaksTLS reports whether there is a server of TLS at an http:// endpoint: they answer plain requests with 400.
func (x *examination) speaksTLS(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "http" || u.Port() == "" {
		return false
	}
	ctx, cancel := context.WithTimeout(x.context, networkPatience)
	defer cancel()
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}} // nothing is sent, and nothing believed
	c, err := dialer.DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// explain words why there is no answer, and what to do about it.
func explain(t export.Trial, endpoint string) (found, remedy string) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return t.Err.Error(), "correct the endpoint"
	}
	var (
		dns       *net.DNSError
		operation *net.OpError
		unknown   x509.UnknownAuthorityError
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
		alert     tls.AlertError
	)
	text := t.Err.Error()
	byProxy := errors.As(t.Err, &operation) && operation.Op == "proxyconnect" || t.Proxy != "" && strings.HasPrefix(text, "proxyconnect")
	switch {
	case errors.As(t.Err, &dns) && !dns.IsTimeout:
		return fmt.Sprintf("the name %s is not known", dns.Name), "check its spelling, and the DNS of this machine or container"
	case byProxy:
		return "the proxy cannot be reached: " + text, "correct HTTPS_PROXY or HTTP_PROXY, or name the host in NO_PROXY"
	case errors.As(t.Err, &dns):
		return "its name is not resolved in time", "check the DNS of this machine or container"
	case errors.Is(t.Err, syscall.ECONNREFUSED):
		remedy := "start the backend, or correct the port; within a container, localhost is the container itself"
		if t.Proxy != "" {
			remedy = "correct HTTPS_PROXY or HTTP_PROXY, or name the host in NO_PROXY"
		} else if u.Port() == "4317" {
			remedy = "4317 is the port of gRPC; OTLP over HTTP has 4318"
		}
		return "nothing listens there: connection refused", remedy
	case errors.Is(t.Err, context.DeadlineExceeded), os.IsTimeout(t.Err):
		return fmt.Sprintf("no answer within %v", networkPatience), "check firewalls, security groups and network policies between here and there, and whether a proxy is needed (HTTPS_PROXY)"
	case errors.As(t.Err, &unknown):
		return "its certificate is signed by an authority that is not known here", "set OTEL_EXPORTER_OTLP_CERTIFICATE to the PEM file of that authority, or install the system's ca-certificates"
	case errors.As(t.Err, &hostname):
		return "its certificate is for another name: " + hostname.Error(), "use the name that is in the certificate"
	case errors.As(t.Err, &invalid):
		return "its certificate is not valid: " + invalid.Error(), "renew the certificate, and check this machine's clock"
	case errors.As(t.Err, &record), strings.Contains(text, "server gave HTTP response to HTTPS client"):
		return "it does not speak TLS", "write http:// in front of it, not https://"
	case errors.As(t.Err, &alert):
		return "it refuses the TLS connection: " + alert.Error(), "check OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY"
	case strings.Contains(text, "malformed HTTP"):
		return "it does not speak HTTP/1: " + text, "gRPC listens there, perhaps; OTLP over HTTP has the port 4318"
	}
	return text, "check the endpoint"
}

// mostSkew is how far clocks may be apart: the Date of an answer counts seconds, and the answer was under way.
const mostSkew = time.Minute

func lookAtClock(x *examination, f *findings) {
	if x.off != "" || x.config.Export.Endpoint == "" {
		return
	}
	t, now := x.answer()
	if t.Date.IsZero() {
		f.skipped("the backend has not told its time")
		return
	}
	skew := now.Sub(t.Date)
	switch {
	case skew > mostSkew:
		f.warning("set the clock, best by NTP", "this machine's clock is %v ahead of the backend's: spans seem to come from the future", skew.Round(time.Minute))
	case skew < -mostSkew:
		f.warning("set the clock, best by NTP", "this machine's clock is %v behind the backend's: spans seem to be old", -skew.Round(time.Minute))
	default:
		f.ok("it agrees with the backend's")
	}
}

func lookAtSpanDump(x *examination, f *findings) {
	path := x.config.SpanDump
	if x.off != "" || path == "" {
		return
	}
	path = x.program.absolute(path)
	isNew := !exists(path)
	dump, err := spandump.Open(path, false)
	if err != nil {
		found, remedy, _ := strings.Cut(err.Error(), "; ")
		f.problem(remedy, "%s", found)
		return
	}
	dump.Close()
	if isNew {
		os.Remove(path)
	}
	f.ok("%s can be written", path)
}
