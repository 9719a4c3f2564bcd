package store

import (
	"bytes"
	"context"
	"math"
	"os"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

// FuzzSegment opens a directory with a segment of any bytes, and wants the store to work, and to find the same when
// it is opened again.
func FuzzSegment(f *testing.F) {
	dir := f.TempDir()
	s := open(f, Options{Dir: dir})
	shopTraces(f, s)
	s.Close()
	paths, _ := files(f, dir)
	f.Add(must(os.ReadFile(paths[0])))
	f.Add([]byte(segmentHeader))
	frame, _ := appendFrame([]byte(segmentHeader), frameSpan, 7, []byte("of no group"))
	frame, _ = appendFrame(frame, 99, 0, []byte("of no kind"))
	frame, _ = appendFrame(frame, frameGroup, 0, []byte("\x0a\x05no request"))
	frame, _ = appendFrame(frame, frameSpan, 0, made{trace: 1, id: 1, name: "n"}.encoded())
	f.Add(frame)
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(segmentPath(dir, 3), b, 0o600); err != nil {
			t.Fatal(err)
		}
		s := open(t, Options{Dir: dir})
		before := balance(t, s)
		examine(t, s)
		s.Close()
		s = open(t, Options{Dir: dir})
		if after := balance(t, s); after != before {
			t.Errorf("opened again: %+v, before: %+v", after, before)
		}
		add(t, s, made{trace: 77, id: 77, name: "new"})
		if got := names(s, 77); got != "shop new" && !bytes.Contains(b, trIDBytes(77)) {
			t.Errorf("added: %q", got)
		}
	})
}

func trIDBytes(n uint64) []byte { id := trID(n); return id[:] }

// FuzzAdd adds requests of any bytes, as spans and as logs.
func FuzzAdd(f *testing.F) {
	f.Add(otlp.AppendRequest(nil, []otlp.Group{made{trace: 1, id: 1, name: "n", attributes: []otlp.Attribute{{Key: "db.system", Value: "x"}}}.group()}))
	f.Add([]byte("\x0a\x0e\x12\x0c\x12\x0a\x4a\x01x\x52\x00\x2a\x03\x0a\x01b"))
	s := open(f, Options{})
	f.Fuzz(func(t *testing.T, b []byte) {
		groups, err := otlp.ParseRequest(b, 1000)
		if err != nil {
			return
		}
		s.AddSpans(groups)
		s.AddLogs(groups)
		balance(t, s)
		examine(t, s)
		s.Clear()
	})
}

// examine asks a store everything.
func examine(t *testing.T, s *Store) {
	for _, q := range []Query{{}, {Text: "a"}, {Text: "1"}, {Name: "n", Attributes: []Condition{{Key: "k", Contains: true, Value: "v"}}}} {
		summaries, err := s.Find(context.Background(), q, math.MaxInt)
		if err != nil {
			t.Fatal(err)
		}
		for _, sum := range summaries {
			again, spans, logs, ok := s.Trace(sum.ID)
			if !ok || again.Spans != len(spans) || again.Logs != len(logs) || sum.End < sum.Start {
				t.Errorf("listed %+v, found %+v with %d spans and %d logs", sum, again, len(spans), len(logs))
			}
			for i := range spans {
				if spans[i].End < spans[i].Start {
					t.Errorf("%+v", spans[i])
				}
			}
			s.ReadSpans(spans)
			s.ReadLogs(logs)
		}
	}
	s.Each(0, math.MaxUint64, func([]Span) {})
}
