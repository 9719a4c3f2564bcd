package viewer

import (
	"encoding/hex"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/viewer/store"
)

// parameters reads the query of a URL, and remembers the first mistake in it.
type parameters struct {
	values url.Values
	known  []string
	err    error
	hint   string
}

func parametersOf(query string) *parameters {
	values, err := url.ParseQuery(query)
	p := &parameters{values: values}
	if err != nil {
		p.fail(fmt.Errorf("the query of the URL cannot be read: %w", err), "percent-encode it")
	}
	return p
}

func (p *parameters) fail(err error, hint string) {
	if p.err == nil {
		p.err, p.hint = err, hint
	}
}

// all returns the values of a parameter.
func (p *parameters) all(name string) []string {
	p.known = append(p.known, name)
	return p.values[name]
}

// text returns the value of a parameter that occurs once at most.
func (p *parameters) text(name string) string {
	values := p.all(name)
	if len(values) > 1 {
		p.fail(fmt.Errorf("%s is given %d times", name, len(values)), "give it once")
	}
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// parameter reads a value that is not just a text. What is missing or empty is otherwise.
func parameter[T any](p *parameters, name string, otherwise T, read func(string) (T, bool), hint string) T {
	text := p.text(name)
	if text == "" {
		return otherwise
	}
	value, ok := read(text)
	if !ok {
		p.fail(fmt.Errorf("%s is %q", name, text), hint)
		return otherwise
	}
	return value
}

// done returns the first mistake, or that there is a parameter which nobody has asked for.
func (p *parameters) done() error {
	for name := range p.values {
		if !slices.Contains(p.known, name) {
			hint := "there is none"
			if len(p.known) > 0 {
				hint = "there are " + strings.Join(p.known, ", ")
			}
			p.fail(fmt.Errorf("there is no parameter %q", name), hint)
		}
	}
	return p.err
}

func (p *parameters) flag(name string) bool {
	return parameter(p, name, false, func(text string) (bool, bool) {
		return text == "true", text == "true" || text == "false"
	}, "it is true or false")
}

func (p *parameters) number(name string, otherwise, least, most int) int {
	return parameter(p, name, otherwise, func(text string) (int, bool) {
		n, err := strconv.Atoi(text)
		return n, err == nil && least <= n && n <= most
	}, fmt.Sprintf("it is a number from %d to %d", least, most))
}

func (p *parameters) duration(name string) uint64 {
	return parameter(p, name, 0, func(text string) (uint64, bool) {
		d, err := time.ParseDuration(text)
		return uint64(d), err == nil && d >= 0
	}, "it is a number and one of ns, us, ms, s, m and h, such as 250ms")
}

// instant reads nanoseconds since 1970, a time of RFC 3339, or how long ago.
func (p *parameters) instant(name string, otherwise uint64) uint64 {
	return parameter(p, name, otherwise, func(text string) (uint64, bool) {
		if ns, err := strconv.ParseUint(text, 10, 63); err == nil {
			return ns, true
		}
		if t, err := time.Parse(time.RFC3339, text); err == nil {
			return uint64(max(0, t.UnixNano())), true
		}
		if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
			return uint64(max(0, time.Now().Add(-ago).UnixNano())), true
		}
		return 0, false
	}, "it is a number of nanoseconds since 1970, a time such as 2026-01-02T15:04:05Z, or how long ago, such as 15m")
}

// query reads the filters of a list.
func (p *parameters) query() store.Query {
	q := store.Query{
		Trace:   parameter(p, "traceId", store.TraceID{}, traceID, "it has 32 hexadecimal digits"),
		Text:    strings.TrimSpace(p.text("text")),
		Service: p.text("service"),
		Name:    p.text("name"),
		Status: parameter(p, "status", store.StatusAny, func(text string) (store.Status, bool) {
			s := store.Status(text)
			return s, s == store.StatusError || s == store.StatusOK || s == store.StatusUnset
		}, "it is error, ok or unset"),
		MinDuration: p.duration("minDuration"),
		MaxDuration: p.duration("maxDuration"),
		Since:       p.instant("since", 0),
		Until:       p.instant("until", 0),
	}
	for _, text := range p.all("attribute") {
		c, ok := condition(text)
		if !ok {
			p.fail(fmt.Errorf("attribute is %q", text), "it is key=value, key=~part or key")
		}
		q.Attributes = append(q.Attributes, c)
	}
	return q
}

// condition reads key=value, key=~part, or key alone.
func condition(text string) (store.Condition, bool) {
	key, value, given := strings.Cut(text, "=")
	value, contains := strings.CutPrefix(value, "~")
	key = strings.TrimSpace(key)
	return store.Condition{Key: key, Any: !given, Contains: contains, Value: value}, key != ""
}

// traceID reads an id of a trace.
func traceID(text string) (id store.TraceID, ok bool) { return id, decodeID(id[:], text) }

// spanID reads an id of a span.
func spanID(text string) (id store.SpanID, ok bool) { return id, decodeID(id[:], text) }

func decodeID(id []byte, text string) bool {
	if len(text) != 2*len(id) {
		return false
	}
	_, err := hex.Decode(id, []byte(text))
	return err == nil
}

const endOfTime = math.MaxInt64
