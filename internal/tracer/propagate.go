package tracer

import (
	"encoding/hex"
	"strings"
)

// A propagator reads and writes headers under their canonical names.
type propagator byte

const (
	traceContext propagator = iota
	baggage
	b3
	b3Multi
)

var propagators = map[string]propagator{"tracecontext": traceContext, "baggage": baggage, "b3": b3, "b3multi": b3Multi}

// extract, written this way, lets id stay on the stack.
func (p propagator) extract(h map[string][]string, id *Identity) bool {
	switch p {
	case traceContext:
		return extractW3C(h, id)
	case baggage:
		return extractBaggage(h, id)
	}
	return extractB3(h, id)
}

func (p propagator) inject(h map[string][]string, id *Identity) {
	switch p {
	case traceContext:
		injectW3C(h, id)
	case baggage:
		injectBaggage(h, id)
	case b3:
		injectB3(h, id)
	case b3Multi:
		injectB3Multi(h, id)
	}
}

// longestBaggage is what W3C asks propagators to pass on at least, in bytes.
const longestBaggage = 8192

// Extract fills id with what headers say of the remote parent; false when they say nothing of a span. The names of
// the headers are canonical, as in an http.Header.
func (t *Tracer) Extract(h map[string][]string, id *Identity) bool {
	found := false
	for _, p := range t.propagators {
		if p.extract(h, id) {
			found = true
		}
	}
	id.Remote = found
	return found
}

// Remote returns the remote parent that headers name, or the baggage that comes without one; nil for nothing of it.
func (t *Tracer) Remote(h map[string][]string) *Identity {
	var id Identity // on the stack: most requests of a public server have no parent
	if !t.Extract(h, &id) && id.Baggage == "" {
		return nil
	}
	return &Identity{TraceID: id.TraceID, SpanID: id.SpanID, Flags: id.Flags, Remote: id.Remote, State: id.State, Baggage: id.Baggage}
}

// Inject adds headers that make the span the parent of what the receiver does.
func (t *Tracer) Inject(h map[string][]string, id *Identity) {
	for _, p := range t.propagators {
		p.inject(h, id)
	}
}

func first(h map[string][]string, name string) string {
	if values := h[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// ParentIn returns the span id in headers that say what the parent is, by whichever propagator.
func ParentIn(h map[string][]string) (spanID [8]byte, found bool) {
	var id Identity
	found = extractW3C(h, &id) || extractB3(h, &id)
	return id.SpanID, found
}

func extractW3C(h map[string][]string, id *Identity) bool {
	values := h["Traceparent"]
	if len(values) != 1 {
		return false
	}
	v := strings.TrimSpace(values[0])
	if len(v) < 55 || v[2] != '-' || v[35] != '-' || v[52] != '-' || v[:2] == "ff" || v[:2] == "00" && len(v) != 55 || len(v) > 55 && v[55] != '-' {
		return false
	}
	var version, flags [1]byte
	var traceID [16]byte
	var spanID [8]byte
	if !unhex(version[:], v[:2]) || !unhex(traceID[:], v[3:35]) || !unhex(spanID[:], v[36:52]) || !unhex(flags[:], v[53:55]) {
		return false
	}
	if traceID == [16]byte{} || spanID == [8]byte{} {
		return false
	}
	id.TraceID, id.SpanID, id.Flags = traceID, spanID, flags[0]&(sampled|2)
	if states := h["Tracestate"]; len(states) > 0 {
		if s := strings.Join(states, ","); len(s) <= 2048 {
			id.State = s
		}
	}
	return true
}

// unhex reads lower-case hexadecimal digits, as W3C wants them.
func unhex(dst []byte, s string) bool {
	for i := range dst {
		high, low := nibble(s[2*i]), nibble(s[2*i+1])
		if high|low > 15 {
			return false
		}
		dst[i] = high<<4 | low
	}
	return true
}

func nibble(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	}
	return 0xff
}

func injectW3C(h map[string][]string, id *Identity) {
	var b [55]byte
	copy(b[:], "00-")
	hex.Encode(b[3:35], id.TraceID[:])
	b[35] = '-'
	hex.Encode(b[36:52], id.SpanID[:])
	b[52] = '-'
	hex.Encode(b[53:], []byte{id.Flags})
	h["Traceparent"] = []string{string(b[:])}
	if id.State != "" {
		h["Tracestate"] = []string{id.State}
	} else {
		delete(h, "Tracestate")
	}
}

func extractBaggage(h map[string][]string, id *Identity) bool {
	if values := h["Baggage"]; len(values) > 0 {
		if s := strings.Join(values, ","); len(s) <= longestBaggage {
			id.Baggage = s
		}
	}
	return false
}

// injectBaggage leaves alone what the application sends itself.
func injectBaggage(h map[string][]string, id *Identity) {
	if id.Baggage != "" && len(h["Baggage"]) == 0 {
		h["Baggage"] = []string{id.Baggage}
	}
}

func extractB3(h map[string][]string, id *Identity) bool {
	trace, span, state := first(h, "X-B3-Traceid"), first(h, "X-B3-Spanid"), first(h, "X-B3-Sampled")
	if first(h, "X-B3-Flags") == "1" {
		state = "d"
	}
	if single := first(h, "B3"); single != "" {
		parts := strings.Split(single, "-")
		if len(parts) < 2 {
			return false
		}
		trace, span, state = parts[0], parts[1], ""
		if len(parts) > 2 {
			state = parts[2]
		}
	}
	if len(trace) == 16 {
		trace = "0000000000000000" + trace
	}
	var traceID [16]byte
	var spanID [8]byte
	if len(trace) != 32 || len(span) != 16 || !unhex(traceID[:], strings.ToLower(trace)) || !unhex(spanID[:], strings.ToLower(span)) ||
		traceID == [16]byte{} || spanID == [8]byte{} {
		return false
	}
	id.TraceID, id.SpanID, id.Flags, id.State = traceID, spanID, sampled, ""
	if state == "0" || strings.EqualFold(state, "false") {
		id.Flags = 0
	}
	return true
}

func injectB3(h map[string][]string, id *Identity) {
	h["B3"] = []string{hex.EncodeToString(id.TraceID[:]) + "-" + hex.EncodeToString(id.SpanID[:]) + "-" + b3Sampled(id)}
}

func injectB3Multi(h map[string][]string, id *Identity) {
	h["X-B3-Traceid"] = []string{hex.EncodeToString(id.TraceID[:])}
	h["X-B3-Spanid"] = []string{hex.EncodeToString(id.SpanID[:])}
	h["X-B3-Sampled"] = []string{b3Sampled(id)}
	delete(h, "X-B3-Parentspanid")
}

func b3Sampled(id *Identity) string {
	if id.Sampled() {
		return "1"
	}
	return "0"
}
