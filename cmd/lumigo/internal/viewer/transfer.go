package viewer

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
	"github.com/lumigo-io/opentelemetry-distro/internal/spandump"
)

const (
	exportedAtOnce = 1000     // spans, or log records, of a line of an exported file
	mostDocument   = 16 << 20 // bytes of a JSON document, or of a file of protobuf, that is imported
	mostFile       = 1 << 30  // bytes of a file
	importTimeout  = 10 * time.Minute
)

// export writes a trace as a file: OTLP JSON in lines, as the Collector's file exporter writes it; with no more than
// 1000 spans that is one JSON document. Or as protobuf, where requests that follow each other are one.
func (s *Server) export(w http.ResponseWriter, r *http.Request) {
	p := parametersOf(r.URL.RawQuery)
	asJSON := parameter(p, "format", true, func(text string) (bool, bool) {
		return text == "json", text == "json" || text == "protobuf"
	}, "it is json or protobuf")
	f, ok := s.find(w, r.PathValue("trace"), p)
	if !ok {
		return
	}
	name, media := "trace-"+hexadecimal(f.summary.ID[:]), "application/json"
	switch {
	case !asJSON:
		name, media = name+".binpb", "application/x-protobuf"
	case len(f.spans) > exportedAtOnce || len(f.logs) > exportedAtOnce:
		name, media = name+".jsonl", "application/x-ndjson"
	default:
		name += ".json"
	}
	w.Header().Set("Content-Type", media)
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", name))
	for len(f.spans) > 0 || asJSON && len(f.logs) > 0 {
		n := min(len(f.spans), exportedAtOnce)
		spans := otlp.AppendRequest(nil, s.store.ReadSpans(f.spans[:n]))
		f.spans = f.spans[n:]
		if !asJSON {
			w.Write(spans)
			continue
		}
		n = min(len(f.logs), exportedAtOnce)
		logs := otlp.AppendRequest(nil, s.store.ReadLogs(f.logs[:n]))
		f.logs = f.logs[n:]
		w.Write(append(bothJSON(spans, logs), '\n'))
	}
}

// bothJSON writes a request of spans and one of logs as one object.
func bothJSON(spans, logs []byte) []byte {
	text := otlp.AppendJSON(nil, otlp.Traces, spans)
	switch {
	case len(logs) == 0:
		return text
	case len(spans) == 0:
		return otlp.AppendJSON(nil, otlp.Logs, logs)
	}
	text[len(text)-1] = ',' // in the place of the brace
	at := len(text)
	text = otlp.AppendJSON(text, otlp.Logs, logs)
	return append(text[:at], text[at+1:]...)
}

// loaded is what was found in a file.
type loaded struct {
	Traces  []string `json:"traces"`
	Spans   int      `json:"spans"`
	Logs    int      `json:"logs"`
	Skipped int      `json:"skipped"`           // lines, spans and log records that could not be used
	Problem string   `json:"problem,omitempty"` // why, of the first

	known map[string]bool
}

func (l *loaded) skip(n int, problem string) {
	if l.Skipped += n; l.Problem == "" {
		l.Problem = problem
	}
}

// load imports a file: of OTLP in JSON, one document or many lines, or in protobuf; or a span dump. It may be gzipped.
func (s *Server) load(w http.ResponseWriter, r *http.Request) {
	p := parametersOf(r.URL.RawQuery)
	if p.done() != nil {
		p.refuse(w)
		return
	}
	if !s.loading.TryLock() { // it takes memory
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusServiceUnavailable, "another file is being imported", "try again when that is done")
		return
	}
	defer s.loading.Unlock()
	c := http.NewResponseController(w)
	c.SetReadDeadline(time.Now().Add(importTimeout))
	c.SetWriteDeadline(time.Now().Add(importTimeout))
	l := loaded{Traces: []string{}, known: map[string]bool{}}
	err := s.loadFile(&l, bufio.NewReaderSize(http.MaxBytesReader(w, r.Body, mostFile), 64<<10))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) || errors.Is(err, errDocument) {
		refuse(w, http.StatusRequestEntityTooLarge, err.Error(), "split the file")
		return
	}
	if err == nil && l.Spans == 0 && l.Logs == 0 {
		if err = errors.New("there is neither a span nor a log record in the file"); l.Problem != "" {
			err = errors.New(l.Problem)
		}
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error(), "a file is OTLP as JSON, in lines or not, or as protobuf; or a span dump")
		return
	}
	answer(w, http.StatusOK, l)
}

var errDocument = fmt.Errorf("a line, or the whole file, has more than %d bytes", mostDocument)

func (s *Server) loadFile(l *loaded, file *bufio.Reader) error {
	if head, _ := file.Peek(2); string(head) == "\x1f\x8b" {
		z, err := gzip.NewReader(file)
		if err != nil {
			return fmt.Errorf("the file looks like gzip but is not: %w", err)
		}
		file = bufio.NewReaderSize(io.LimitReader(z, mostFile), 64<<10)
	}
	first, err := document(file, true)
	if err != nil {
		return err
	}
	text := bytes.TrimSpace(first)
	if len(text) == 0 || text[0] != '{' || !json.Valid(text) {
		// Not lines, so it is one document, if it is none of protobuf. One that begins with a line break and a brace
		// may be either.
		rest, err := document(file, false)
		if err != nil {
			return err
		}
		whole := append(first, rest...)
		if len(whole) > mostDocument {
			return errDocument
		}
		problem := s.loadJSON(l, bytes.TrimSpace(whole))
		if problem == nil {
			return nil
		}
		if groups, err := otlp.ParseRequest(whole, mostParts); err == nil && len(groups) > 0 {
			s.loadSpans(l, groups)
			return nil
		}
		return problem
	}
	for n := 1; ; n++ {
		if text := bytes.TrimSpace(first); len(text) > 0 {
			if err := s.loadJSON(l, text); err != nil {
				l.skip(1, fmt.Sprintf("line %d: %v", n, err))
			}
		}
		if first, err = document(file, true); err != nil {
			return err
		}
		if len(first) == 0 {
			return nil
		}
	}
}

// document reads a line, or all that is left.
func document(file *bufio.Reader, line bool) (text []byte, err error) {
	for {
		part, err := file.ReadSlice('\n')
		if len(text)+len(part) > mostDocument {
			return nil, errDocument
		}
		text = append(text, part...)
		switch {
		case err == io.EOF, err == nil && line:
			return text, nil
		case err != nil && err != bufio.ErrBufferFull:
			return nil, fmt.Errorf("the file cannot be read: %w", err)
		}
	}
}

// loadJSON imports an object: of OTLP, or a span of a span dump.
func (s *Server) loadJSON(l *loaded, text []byte) error {
	var shape struct {
		Spans   present `json:"resourceSpans"`
		Logs    present `json:"resourceLogs"`
		Metrics present `json:"resourceMetrics"`
		Context present `json:"context"`
	}
	if err := json.Unmarshal(text, &shape); err != nil {
		return fmt.Errorf("it is not JSON: %w", err)
	}
	if shape.Context {
		resource, span, err := spandump.ParseLine(text)
		if err != nil {
			return err
		}
		s.loadSpans(l, []otlp.Group{{Resource: resource, Scopes: []otlp.ScopeSpans{{Scope: otlp.NewScope("", ""), Spans: [][]byte{span}}}}})
		return nil
	}
	if !shape.Spans && !shape.Logs && !shape.Metrics {
		return errors.New("it is neither OTLP nor a span of a span dump")
	}
	for signal, load := range map[otlp.Signal]func(*loaded, []otlp.Group){otlp.Traces: s.loadSpans, otlp.Logs: s.loadLogs} {
		request, err := otlp.ParseJSON(signal, text)
		if err != nil {
			return err
		}
		groups, err := otlp.ParseRequest(request, mostParts)
		if err != nil {
			return err
		}
		load(l, groups)
	}
	return nil
}

// present is whether an object has a member.
type present bool

func (p *present) UnmarshalJSON([]byte) error {
	*p = true
	return nil
}

func (s *Server) loadSpans(l *loaded, groups []otlp.Group) {
	spans := 0
	for _, g := range groups {
		for _, scope := range g.Scopes {
			spans += len(scope.Spans)
			for _, b := range scope.Spans {
				span, _, _, err := otlp.ScanSpan(b, nil)
				if id := hexadecimal(span.TraceID[:]); err == nil && span.TraceID != [16]byte{} && !l.known[id] {
					l.known[id] = true
					l.Traces = append(l.Traces, id)
				}
			}
		}
	}
	rejected, problem := s.store.AddSpans(groups)
	l.Spans += spans - int(rejected)
	if rejected > 0 {
		l.skip(int(rejected), problem)
	}
}

func (s *Server) loadLogs(l *loaded, groups []otlp.Group) {
	records := 0
	for _, g := range groups {
		for _, scope := range g.Scopes {
			records += len(scope.Spans)
		}
	}
	rejected, problem := s.store.AddLogs(groups)
	l.Logs += records - int(rejected)
	if rejected > 0 {
		l.skip(int(rejected), problem)
	}
}
