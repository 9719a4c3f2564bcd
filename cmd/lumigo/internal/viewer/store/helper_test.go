package store

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

// made is a span for a test. Ids are small numbers; times are in milliseconds after a beginning, and a span without
// an end takes one.
type made struct {
	trace, id, parent uint64
	service           string // "shop" if empty
	name              string
	kind              otlp.Kind
	start, end        uint64
	status            otlp.StatusCode
	message           string
	attributes        []otlp.Attribute // texts and integers
	event             string
}

const (
	beginning = uint64(1_700_000_000_000_000_000)
	ms        = uint64(1_000_000)
)

func trID(n uint64) (id TraceID) {
	binary.BigEndian.PutUint64(id[8:], n)
	return id
}

func spID(n uint64) (id SpanID) {
	binary.BigEndian.PutUint64(id[:], n)
	return id
}

func (m made) encoded() []byte {
	var s otlp.Span
	s.Context(trID(m.trace), spID(m.id), spID(m.parent), "", 1)
	s.Name(m.name)
	s.Kind(m.kind)
	if m.end == 0 {
		m.end = m.start + 1
	}
	s.Times(beginning+m.start*ms, beginning+m.end*ms)
	s.Status(m.status, m.message)
	for _, a := range m.attributes {
		switch v := a.Value.(type) {
		case string:
			s.String(a.Key, v)
		case int:
			s.Int(a.Key, int64(v))
		}
	}
	if m.event != "" {
		s.BeginEvent(beginning, m.event)
	}
	return s.Encoded()
}

func (m made) group() otlp.Group {
	service := m.service
	if service == "" {
		service = "shop"
	}
	return otlp.Group{
		Resource: otlp.NewResource([]otlp.Attribute{{Key: "service.name", Value: service}, {Key: "host.name", Value: "host of " + service}}, ""),
		Scopes:   []otlp.ScopeSpans{{Scope: otlp.NewScope("scope of "+service, ""), Spans: [][]byte{m.encoded()}}},
	}
}

func add(t testing.TB, s *Store, spans ...made) {
	t.Helper()
	var groups []otlp.Group
	for _, m := range spans {
		groups = append(groups, m.group())
	}
	if rejected, reason := s.AddSpans(groups); rejected > 0 {
		t.Fatalf("%d spans rejected: %s", rejected, reason)
	}
}

// addLog adds a log record of a span.
func addLog(s *Store, trace, span uint64, body string) (rejected int64, reason string) {
	record, err := otlp.ParseJSON(otlp.Logs, fmt.Appendf(nil,
		`{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},"scopeLogs":[{"logRecords":[
		{"timeUnixNano":"%d","severityText":"INFO","body":{"stringValue":%q},"traceId":"%x","spanId":"%x"}]}]}]}`,
		beginning+trace*ms, body, trID(trace), spID(span)))
	if err != nil {
		panic(err)
	}
	groups, err := otlp.ParseRequest(record, 100)
	if err != nil {
		panic(err)
	}
	return s.AddLogs(groups)
}

func open(t testing.TB, o Options) *Store {
	t.Helper()
	if o.MaxSize == 0 {
		o.MaxSize = MinSize
	}
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// names of a trace's spans in their order, with their services.
func names(s *Store, trace uint64) string {
	_, spans, _, _ := s.Trace(trID(trace))
	var texts []string
	for _, span := range spans {
		texts = append(texts, span.Service+" "+span.Name)
	}
	return strings.Join(texts, ", ")
}

// found lists the traces that a query wants, as numbers, newest first.
func found(t testing.TB, s *Store, q Query) string {
	t.Helper()
	summaries, err := s.Find(context.Background(), q, 100)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, sum := range summaries {
		texts = append(texts, fmt.Sprint(binary.BigEndian.Uint64(sum.ID[8:])))
	}
	return strings.Join(texts, " ")
}

// balance checks that every span is accounted for.
func balance(t testing.TB, s *Store) Counts {
	t.Helper()
	c := s.Counts()
	if sum := c.Spans + c.Evicted + c.Duplicates + c.Rejected + c.Forgotten; sum != c.Received {
		t.Errorf("%d spans received, %d accounted for: %+v", c.Received, sum, c)
	}
	return c
}

// files returns the segments in a directory and how many bytes they have together.
func files(t testing.TB, dir string) (paths []string, bytes int64) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.segment"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		bytes += info.Size()
	}
	return paths, bytes
}
