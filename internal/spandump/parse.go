package spandump

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

// ParseLine reads a line of a span dump, ours or the original's. What the format does not tell is lost: the scope,
// all of a time but its microseconds, and whether a text was bytes. The error is one line.
func ParseLine(line []byte) (*otlp.Resource, []byte, error) {
	var d dumpLine
	if err := json.Unmarshal(line, &d); err != nil {
		return nil, nil, fmt.Errorf("span dump: %w", err)
	}
	var s otlp.Span
	traceID, spanID, err := d.Context.ids()
	if err != nil {
		return nil, nil, err
	}
	var parentID [8]byte
	if d.ParentID != "" {
		if err := decodeID(parentID[:], d.ParentID); err != nil {
			return nil, nil, fmt.Errorf("span dump: parent_id: %w", err)
		}
	}
	s.Context(traceID, spanID, parentID, d.Context.traceState(), 0)
	s.Name(d.Name)
	s.Kind(otlp.Kind(1 + max(0, slices.Index(kinds, strings.TrimPrefix(d.Kind, "SpanKind.")))))
	s.Times(uint64(d.Start), uint64(d.End))
	s.Status(otlp.StatusCode(max(0, slices.Index(statuses, d.Status.Code))), d.Status.Description)
	d.Attributes.add(&s)
	for _, e := range d.Events {
		s.BeginEvent(uint64(e.Time), e.Name)
		e.Attributes.add(&s)
		s.EndEvent()
	}
	for _, l := range d.Links {
		traceID, spanID, err := l.Context.ids()
		if err != nil {
			return nil, nil, err
		}
		s.BeginLink(traceID, spanID, l.Context.traceState(), 0)
		l.Attributes.add(&s)
		s.EndLink()
	}
	return otlp.NewResource(d.Resource.attributes, d.Resource.schemaURL), slices.Clone(s.Encoded()), nil
}

var (
	kinds    = []string{"INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"} // numbered from 1
	statuses = []string{"UNSET", "OK", "ERROR"}
)

// dumpLine is a line, as package json reads it.
type dumpLine struct {
	Name     string      `json:"name"`
	Context  dumpContext `json:"context"`
	Kind     string      `json:"kind"`
	ParentID string      `json:"parent_id"`
	Start    dumpTime    `json:"start_time"`
	End      dumpTime    `json:"end_time"`
	Status   struct {
		Code        string `json:"status_code"`
		Description string `json:"description"`
	} `json:"status"`
	Attributes object `json:"attributes"`
	Events     []struct {
		Name       string   `json:"name"`
		Time       dumpTime `json:"timestamp"`
		Attributes object   `json:"attributes"`
	} `json:"events"`
	Links []struct {
		Context    dumpContext `json:"context"`
		Attributes object      `json:"attributes"`
	} `json:"links"`
	Resource dumpResource `json:"resource"`
}

type dumpContext struct {
	TraceID    string `json:"trace_id"`
	SpanID     string `json:"span_id"`
	TraceState string `json:"trace_state"`
}

func (c *dumpContext) ids() (traceID [16]byte, spanID [8]byte, err error) {
	if err = decodeID(traceID[:], c.TraceID); err != nil {
		return traceID, spanID, fmt.Errorf("span dump: trace_id: %w", err)
	}
	if err = decodeID(spanID[:], c.SpanID); err != nil {
		err = fmt.Errorf("span dump: span_id: %w", err)
	}
	return traceID, spanID, err
}

// decodeID reads what appendID writes.
func decodeID(id []byte, text string) error {
	digits, prefixed := strings.CutPrefix(text, "0x")
	if b, err := hex.DecodeString(digits); err == nil && prefixed && len(b) == len(id) {
		copy(id, b)
		return nil
	}
	return fmt.Errorf("want 0x and %d hexadecimal digits, got %.40q", 2*len(id), text)
}

// traceState turns what the function of this name writes back into a header.
func (c *dumpContext) traceState() string {
	var members []string
	for rest := c.TraceState; ; {
		i := strings.IndexAny(rest, `'"`)
		if i < 0 {
			return strings.Join(members, ",")
		}
		var member string
		member, rest = unquote(rest[i+1:], rest[i])
		member = strings.TrimSuffix(strings.TrimPrefix(member, "{key="), "}")
		if key, value, found := strings.Cut(member, ", value="); found {
			members = append(members, key+"="+value)
		}
	}
}

// unquote reads what repr quotes, after the quote that it begins with.
func unquote(s string, quote byte) (text, rest string) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == quote:
			return b.String(), s[i+1:]
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), ""
}

// dumpTime is what appendTime writes, in nanoseconds since 1970.
type dumpTime uint64

func (t *dumpTime) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return nil
	}
	v, err := time.Parse(`"`+time.RFC3339Nano+`"`, string(text))
	if err != nil || v.UnixNano() < 0 {
		return fmt.Errorf("want a time such as 2026-01-02T15:04:05.000000Z, got %.40s", text)
	}
	*t = dumpTime(v.UnixNano())
	return nil
}

// dumpResource is that of today, with its schema, or the attributes alone, as older versions have it.
type dumpResource struct {
	attributes object
	schemaURL  string
}

func (r *dumpResource) UnmarshalJSON(text []byte) error {
	var nested struct {
		Attributes *object `json:"attributes"`
		SchemaURL  string  `json:"schema_url"`
	}
	if err := json.Unmarshal(text, &nested); err == nil && nested.Attributes != nil {
		r.attributes, r.schemaURL = *nested.Attributes, nested.SchemaURL
		return nil
	}
	return json.Unmarshal(text, &r.attributes)
}

// object is a JSON object in its order. Its values are of the types that otlp.Attribute names.
type object []otlp.Attribute

func (o *object) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	first, err := d.Token()
	if err != nil || first == nil {
		return err
	}
	if first != json.Delim('{') {
		return errors.New("want an object of attributes")
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		var value any
		if err := d.Decode(&value); err != nil {
			return err
		}
		*o = append(*o, otlp.Attribute{Key: key.(string), Value: plain(value)})
	}
	return nil
}

// plain turns what package json makes into what an attribute holds.
func plain(value any) any {
	switch v := value.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64()
		return f
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case map[string]any:
		text, _ := json.Marshal(v)
		return string(text)
	}
	return value
}

// add adds the attributes to what is open.
func (o object) add(s *otlp.Span) {
	for _, a := range o {
		switch v := a.Value.(type) {
		case string:
			s.String(a.Key, v)
		case bool:
			s.Bool(a.Key, v)
		case int64:
			s.Int(a.Key, v)
		case float64:
			s.Double(a.Key, v)
		case []any:
			s.BeginArray(a.Key)
			for _, element := range v {
				switch e := element.(type) {
				case string:
					s.StringElement(e)
				case bool:
					s.BoolElement(e)
				case int64:
					s.IntElement(e)
				case float64:
					s.DoubleElement(e)
				}
			}
			s.EndArray()
		}
	}
}
