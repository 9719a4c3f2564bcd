package export

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

const (
	maxAnswer         = 64 << 10 // bytes of an answer that are read
	maxQuote          = 200      // bytes of an answer that are logged
	longestRetryAfter = 10 * time.Minute

	// rejectAfter is how often a batch may be answered with a 5xx that OTLP does
	// not call retryable while other batches get through. Backends in trouble
	// give such answers too, so the batch is tried again; but one that they
	// choke on must not occupy a request slot for ever.
	rejectAfter = 10

	// longOutage is how long an outage lasts before its end, witnessed by a
	// batch that was held up by it, makes the others try again at once. Short
	// ones are for a backend that is overloaded, and no haste is in place.
	longOutage = time.Second
)

// deliver makes attempts at a batch until it is settled.
func (e *Exporter) deliver(b *batch) {
	if e.gzip {
		b.body = compress(b.body)
		e.mu.Lock()
		e.hold(b)
		e.mu.Unlock()
	}
	pause := e.firstPause
	for {
		kicks, ok := e.awaitTurn()
		if !ok {
			e.settle(b, b.spans, ShutdownDeadline)
			return
		}
		a := e.attempt(b)
		switch {
		case a.taken:
			e.recovered(b)
			e.settle(b, a.rejected, PartialSuccess)
			if a.rejected > 0 || a.message != "" {
				e.report.partial(a.rejected, b.spans, a.message)
			}
			return
		case !a.retry || e.chokes(b, a):
			e.settle(b, b.spans, Rejected)
			e.report.rejected(b.spans, a.text, a.remedy)
			return
		}
		if e.ctx.Err() == nil {
			b.heldUp = true
			e.failed(a)
		}
		if a.forbidden && e.isClosed() {
			e.settle(b, b.spans, Forbidden)
			return
		}
		if e.pause(pause, kicks) {
			pause = min(2*pause, e.longestPause)
		} else {
			pause = e.firstPause
		}
	}
}

// awaitTurn waits for as long as the backend has asked for. It returns the
// state of kicks for pause, and false when there will be no turn before the
// end.
func (e *Exporter) awaitTurn() (kicks int, ok bool) {
	for {
		e.mu.Lock()
		kicks, changed, until := e.kicks, e.changed, e.notBefore
		hopeless := e.closed && until.After(e.deadline)
		e.mu.Unlock()
		wait := time.Until(until)
		switch {
		case e.ctx.Err() != nil:
			return 0, false
		case wait <= 0:
			return kicks, true
		case hopeless:
			return 0, false
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-changed:
		case <-e.ctx.Done():
		}
		timer.Stop()
	}
}

// pause waits for d, give or take, but no longer than until the next kick after
// kicks, or the end. It returns whether it waited to the end of the pause.
func (e *Exporter) pause(d time.Duration, kicks int) bool {
	timer := time.NewTimer(d/2 + rand.N(d/2+1))
	defer timer.Stop()
	for {
		e.mu.Lock()
		kicked, changed := e.kicks != kicks, e.changed
		e.mu.Unlock()
		if kicked {
			return false
		}
		select {
		case <-timer.C:
			return true
		case <-changed:
		case <-e.ctx.Done():
			return false
		}
	}
}

// failed notes an attempt that is to be repeated.
func (e *Exporter) failed(a answer) {
	now := time.Now()
	e.mu.Lock()
	if e.failing.IsZero() {
		e.failing = now
	}
	if until := now.Add(a.retryAfter); a.retryAfter > 0 && until.After(e.notBefore) {
		e.notBefore = until
	}
	e.mu.Unlock()
	e.report.outage(a.text)
}

// recovered notes a success.
func (e *Exporter) recovered(b *batch) {
	e.mu.Lock()
	since, waiting := e.failing, e.totals.Pending
	e.failing = time.Time{}
	lasted := time.Since(since)
	if !since.IsZero() && lasted >= longOutage && b.heldUp {
		e.kicks++
		e.broadcast()
	}
	e.mu.Unlock()
	if !since.IsZero() {
		e.report.recovery(lasted, waiting)
	}
}

// chokes tells whether it is this batch, and not the state it is in, that the
// backend fails at.
func (e *Exporter) chokes(b *batch, a answer) bool {
	if !a.doubtful {
		return false
	}
	delivered := e.Totals().Delivered
	if delivered != b.delivered {
		b.delivered = delivered
		b.strikes++
	}
	return b.strikes >= rejectAfter
}

// answer is what an attempt came to.
type answer struct {
	taken    bool
	rejected int    // of the spans taken
	message  string // the backend's, with a request that was taken

	retry      bool
	retryAfter time.Duration // 0 when the backend did not say
	doubtful   bool          // retry, though OTLP says that there is no point
	forbidden  bool          // retry, though the system does not let this process connect, which seldom changes

	text   string // for the log, when not taken
	remedy string // the same; may be empty
}

// attempt posts a batch once.
func (e *Exporter) attempt(b *batch) answer {
	ctx, cancel := context.WithTimeout(e.ctx, e.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.endpoint, bytes.NewReader(b.body))
	if err != nil {
		return answer{text: err.Error()} // New has seen to it that this cannot be
	}
	req.Header = e.header
	resp, err := e.client.Do(req)
	if err != nil {
		a := answer{retry: true, forbidden: errors.Is(err, fs.ErrPermission), text: e.cause(err)}
		if a.forbidden {
			a.text += " (if the program locks itself into a sandbox, start it with \"lumigo run\", which sends from outside)"
		}
		return a
	}
	defer resp.Body.Close()
	// The status decides. A body that breaks off only loses what it had to say.
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	code := resp.StatusCode
	if code/100 == 2 {
		rejected, message := partialSuccess(media, body)
		return answer{taken: true, rejected: int(min(max(rejected, 0), int64(b.spans))), message: clip(message)}
	}
	a := answer{text: resp.Status, remedy: remedy(resp, e.token)}
	if message := errorMessage(media, body); message != "" {
		a.text += fmt.Sprintf(" %q", message)
	}
	switch code {
	case http.StatusRequestTimeout, http.StatusTooManyRequests,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		a.retry = true
	default:
		a.retry = code >= 500
		a.doubtful = a.retry
	}
	if a.retry {
		a.retryAfter = retryAfter(resp.Header.Get("Retry-After"), time.Now())
	}
	return a
}

// cause says why a request got no answer, without the URL that net/http puts
// in front: it may hold credentials.
func (e *Exporter) cause(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("no answer within %v", e.timeout)
	}
	return withoutURL(err).Error()
}

func withoutURL(err error) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		return u.Err
	}
	return err
}

// remedy says what to do about an answer; token tells whether the request had one.
func remedy(resp *http.Response, token bool) string {
	switch code := resp.StatusCode; {
	case code/100 == 3:
		if to, err := resp.Location(); err == nil {
			return fmt.Sprintf("redirects to other hosts are not followed; if spans should go to %s, set that as the endpoint", shown(to))
		}
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		if token {
			return "check LUMIGO_TRACER_TOKEN"
		}
		return "check OTEL_EXPORTER_OTLP_HEADERS"
	case code == http.StatusNotFound || code == http.StatusMethodNotAllowed:
		return "check the path of the endpoint"
	case code == http.StatusProxyAuthRequired:
		return "check the credentials of the proxy"
	case code == http.StatusRequestEntityTooLarge:
		return "lower OTEL_BSP_MAX_EXPORT_BATCH_SIZE"
	case code == http.StatusUnsupportedMediaType:
		return "check OTEL_EXPORTER_OTLP_PROTOCOL and OTEL_EXPORTER_OTLP_COMPRESSION"
	}
	return ""
}

// partialSuccess reads the answer to a request that was taken. What is not
// OTLP says nothing: that the backend answered 2xx is enough.
func partialSuccess(media string, body []byte) (rejected int64, message string) {
	if media == "application/json" {
		var a struct {
			PartialSuccess struct {
				RejectedSpans      json.Number // a number, or a string that holds one
				RejectedLogRecords json.Number
				ErrorMessage       string
			}
		}
		if json.Unmarshal(body, &a) != nil {
			return 0, ""
		}
		rejected, err := a.PartialSuccess.RejectedSpans.Int64()
		if err != nil {
			rejected, _ = a.PartialSuccess.RejectedLogRecords.Int64()
		}
		return rejected, a.PartialSuccess.ErrorMessage
	}
	rejected, message, err := otlp.ParsePartialSuccess(body)
	if err != nil {
		return 0, ""
	}
	return rejected, message
}

// errorMessage finds what the backend says about a request it did not take.
func errorMessage(media string, body []byte) string {
	switch media {
	case "application/x-protobuf":
		if message, err := otlp.ParseStatus(body); err == nil {
			return clip(message)
		}
	case "application/json":
		var status struct{ Message string }
		if json.Unmarshal(body, &status) == nil {
			return clip(status.Message)
		}
	case "text/plain":
		return clip(string(body))
	}
	return ""
}

func clip(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > maxQuote {
		s = strings.ToValidUTF8(s[:maxQuote], "") + "…"
	}
	return s
}

// retryAfter reads a Retry-After header: seconds, or a date. What is neither,
// or not in the future, is 0.
func retryAfter(header string, now time.Time) time.Duration {
	if header == "" {
		return 0
	}
	if seconds, err := strconv.ParseInt(header, 10, 64); err == nil {
		return time.Duration(min(max(seconds, 0), int64(longestRetryAfter/time.Second))) * time.Second
	}
	if date, err := http.ParseTime(header); err == nil {
		return min(max(date.Sub(now), 0), longestRetryAfter)
	}
	return 0
}

// gzipPool spares the megabyte that a gzip.Writer consists of; an idle one is
// collected.
var gzipPool = sync.Pool{New: func() any {
	w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	return w
}}

func compress(body []byte) []byte {
	z := gzipPool.Get().(*gzip.Writer)
	defer gzipPool.Put(z)
	packed := bytes.NewBuffer(make([]byte, 0, len(body)/4+64))
	z.Reset(packed)
	z.Write(body)
	z.Close()
	return bytes.Clone(packed.Bytes())
}
