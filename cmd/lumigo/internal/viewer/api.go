package viewer

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/viewer/analysis"
	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/viewer/page"
	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/viewer/store"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/traces", s.receive(otlp.Traces))
	mux.HandleFunc("POST /v1/logs", s.receive(otlp.Logs))
	mux.HandleFunc("POST /v1/metrics", s.receiveMetrics)

	mux.HandleFunc("GET /api/v1/status", s.status)
	mux.HandleFunc("GET /api/v1/traces", s.list)
	mux.HandleFunc("DELETE /api/v1/traces", s.clear)
	mux.HandleFunc("GET /api/v1/traces/{trace}", s.trace)
	mux.HandleFunc("GET /api/v1/traces/{trace}/spans/{span}", s.span)
	mux.HandleFunc("GET /api/v1/traces/{trace}/logs", s.logs)
	mux.HandleFunc("GET /api/v1/traces/{trace}/export", s.export)
	mux.HandleFunc("POST /api/v1/import", s.load)
	mux.HandleFunc("GET /api/v1/compare", s.compare)
	mux.HandleFunc("GET /api/v1/services", s.services)
	mux.HandleFunc("GET /api/v1/map", s.serviceMap)
	mux.HandleFunc("GET /api/v1/attributes", s.attributes)
	mux.HandleFunc("/api/", notThere)
	mux.HandleFunc("/v1/", notThere)
	mux.HandleFunc("/", servePage)
	return mux
}

func notThere(w http.ResponseWriter, r *http.Request) {
	refuse(w, http.StatusNotFound, fmt.Sprintf("there is no %s %s", r.Method, r.URL.Path), "docs/viewer.md describes the API")
}

// servePage serves the files of the page. Its addresses, which have no dot, are all the same file.
func servePage(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		notThere(w, r)
		return
	}
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	if path.Ext(name) == "" {
		name = "index.html"
	}
	if info, err := fs.Stat(page.Files(), name); err != nil || !info.Mode().IsRegular() {
		http.NotFound(w, r)
		return
	}
	http.ServeFileFS(w, r, page.Files(), name)
}

func (s *Server) status(w http.ResponseWriter, r *http.Request) {
	if p := parametersOf(r.URL.RawQuery); p.done() != nil {
		p.refuse(w)
		return
	}
	c, dropped := s.store.Counts(), s.intake.drops()
	answer(w, http.StatusOK, statusAnswer{
		Version: s.options.Version, Since: instant(uint64(s.started.UnixNano())),
		Spans: c.Spans, Traces: c.Traces, Logs: c.Logs,
		Bytes: c.Bytes, CapacityBytes: c.Capacity, IndexBytes: c.Index,
		ReceivedSpans: c.Received + dropped, DroppedSpans: c.Rejected + dropped, DuplicateSpans: c.Duplicates,
		EvictedSpans: c.Evicted, ForgottenSpans: c.Forgotten, EvictedTraces: c.EvictedTraces,
		Persistent: c.Persistent, Problem: c.Problem,
	})
}

func (s *Server) clear(w http.ResponseWriter, r *http.Request) {
	if p := parametersOf(r.URL.RawQuery); p.done() != nil {
		p.refuse(w)
		return
	}
	s.store.Clear()
	answer(w, http.StatusOK, struct{}{})
}

const mostTraces = 100_000 // that a list may ask for

func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	p := parametersOf(r.URL.RawQuery)
	query, limit, follow := p.query(), p.number("limit", 100, 1, mostTraces), p.flag("follow")
	if p.done() != nil {
		p.refuse(w)
		return
	}
	if follow {
		s.follow(w, r, query, limit)
		return
	}
	found, err := s.store.Find(r.Context(), query, limit)
	if err != nil {
		return // the client has gone
	}
	lines := newLines(w)
	for i := range found {
		lines.write(summaryOf(&found[i]))
	}
	lines.flush()
}

func (s *Server) trace(w http.ResponseWriter, r *http.Request) {
	p := parametersOf(r.URL.RawQuery)
	found, ok := s.find(w, r.PathValue("trace"), p)
	if !ok {
		return
	}
	tree := analysis.NewTree(found.spans)
	// What could be tens of megabytes is written piece by piece.
	w.Header().Set("Content-Type", "application/json")
	b := bufio.NewWriterSize(w, 64<<10)
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	b.WriteString(`{"summary":`)
	e.Encode(summaryOf(&found.summary))
	b.WriteString(`,"spans":[`)
	for i := range tree.Nodes {
		if i > 0 {
			b.WriteByte(',')
		}
		e.Encode(spanOf(&tree.Nodes[i], found.summary.Start))
	}
	b.WriteString(`],"criticalPath":[`)
	for i, step := range tree.CriticalPath() {
		if i > 0 {
			b.WriteByte(',')
		}
		e.Encode(stepOf(tree, step, found.summary.Start))
	}
	b.WriteString("]}\n")
	b.Flush()
}

func (s *Server) span(w http.ResponseWriter, r *http.Request) {
	p := parametersOf(r.URL.RawQuery)
	occurrence := p.number("occurrence", 0, 0, 1<<30)
	found, ok := s.find(w, r.PathValue("trace"), p)
	if !ok {
		return
	}
	id, ok := spanID(r.PathValue("span"))
	if !ok {
		refuse(w, http.StatusBadRequest, fmt.Sprintf("the span's id is %q", r.PathValue("span")), "it has 16 hexadecimal digits")
		return
	}
	tree := analysis.NewTree(found.spans)
	for i := range tree.Nodes {
		n := &tree.Nodes[i]
		if n.Span.ID != id || n.Occurrence != occurrence {
			continue
		}
		item, err := s.store.Read(n.Span)
		if errors.Is(err, store.ErrGone) {
			break
		}
		var details detailsAnswer
		if err == nil {
			details, err = detailsOf(spanOf(n, found.summary.Start), item, found.summary.Start)
		}
		if err != nil {
			refuse(w, http.StatusInternalServerError, fmt.Sprintf("the span cannot be read: %v", err), "")
			return
		}
		answer(w, http.StatusOK, details)
		return
	}
	refuse(w, http.StatusNotFound, fmt.Sprintf("the trace has no span %s", r.PathValue("span")), "it may have made room for newer ones")
}

func (s *Server) logs(w http.ResponseWriter, r *http.Request) {
	found, ok := s.find(w, r.PathValue("trace"), parametersOf(r.URL.RawQuery))
	if !ok {
		return
	}
	lines := newLines(w)
	for i := range found.logs {
		item, err := s.store.ReadLog(&found.logs[i])
		if err != nil {
			continue // it has made room for newer ones
		}
		if l, err := otlp.ParseLog(item.Bytes); err == nil {
			lines.write(logOf(&found.logs[i], &l, found.summary.Start))
		}
	}
	lines.flush()
}

func (s *Server) compare(w http.ResponseWriter, r *http.Request) {
	p := parametersOf(r.URL.RawQuery)
	idA, idB := p.text("a"), p.text("b")
	a, ok := s.find(w, idA, p)
	if !ok {
		return
	}
	b, ok := s.find(w, idB, p)
	if !ok {
		return
	}
	rows := []rowAnswer{}
	for _, row := range analysis.Compare(analysis.NewTree(a.spans), analysis.NewTree(b.spans)) {
		rows = append(rows, rowOf(&row))
	}
	answer(w, http.StatusOK, map[string]any{
		"a": summaryOf(&a.summary), "b": summaryOf(&b.summary), "rows": rows,
		"delta": int64(b.summary.End-b.summary.Start) - int64(a.summary.End-a.summary.Start),
	})
}

func (s *Server) services(w http.ResponseWriter, r *http.Request) {
	if p := parametersOf(r.URL.RawQuery); p.done() != nil {
		p.refuse(w)
		return
	}
	var operations analysis.Operations
	s.store.Each(0, endOfTime, operations.Add)
	services := []serviceAnswer{}
	operations.Each(func(o analysis.Operation, t *analysis.Traffic) {
		if n := len(services); n == 0 || services[n-1].Name != o.Service {
			services = append(services, serviceAnswer{Name: o.Service, Operations: []operationAnswer{}})
		}
		last := &services[len(services)-1]
		last.Spans += t.Requests
		last.Errors += t.Errors
		last.Operations = append(last.Operations, operationAnswer{o.Name, kindName(o.Kind), t.Requests, t.Errors, t.Percentile(50), t.Percentile(95)})
	})
	answer(w, http.StatusOK, map[string]any{"services": services})
}

func (s *Server) serviceMap(w http.ResponseWriter, r *http.Request) {
	p := parametersOf(r.URL.RawQuery)
	since, until := p.instant("since", 0), p.instant("until", endOfTime)
	if p.done() != nil {
		p.refuse(w)
		return
	}
	var m analysis.Map
	first, last := uint64(endOfTime), uint64(0)
	s.store.Each(since, until, func(spans []store.Span) {
		for i := range spans {
			if spans[i].Start > 0 {
				first, last = min(first, spans[i].Start), max(last, spans[i].End)
			}
		}
		m.Add(spans)
	})
	seconds := max(1, float64(offset(last, first))/1e9)
	nodes, edges := []nodeAnswer{}, []edgeAnswer{}
	m.Nodes(func(e analysis.Endpoint, t *analysis.Traffic) {
		nodes = append(nodes, nodeAnswer{endpointID(e), e.Kind, e.Name, trafficOf(t, seconds)})
	})
	m.Edges(func(c analysis.Call, t *analysis.Traffic) {
		edges = append(edges, edgeAnswer{endpointID(c.From), endpointID(c.To), trafficOf(t, seconds)})
	})
	answer(w, http.StatusOK, map[string]any{"nodes": nodes, "edges": edges})
}

func (s *Server) attributes(w http.ResponseWriter, r *http.Request) {
	p := parametersOf(r.URL.RawQuery)
	prefix, limit := p.text("prefix"), p.number("limit", 100, 1, 10_000)
	if p.done() != nil {
		p.refuse(w)
		return
	}
	answer(w, http.StatusOK, map[string]any{"keys": s.store.Keys(prefix, limit)})
}

// found is a trace.
type found struct {
	summary store.Summary
	spans   []store.Span
	logs    []store.Log
}

// find finds the trace that a request is about, or answers it. Nothing more is asked of its parameters.
func (s *Server) find(w http.ResponseWriter, text string, p *parameters) (f found, ok bool) {
	if p.done() != nil {
		p.refuse(w)
		return found{}, false
	}
	id, ok := traceID(text)
	if !ok {
		refuse(w, http.StatusBadRequest, fmt.Sprintf("the trace's id is %q", text), "it has 32 hexadecimal digits")
		return found{}, false
	}
	if f.summary, f.spans, f.logs, ok = s.store.Trace(id); !ok {
		refuse(w, http.StatusNotFound, fmt.Sprintf("there is no trace %s", text), "it may not have arrived yet, or have made room for newer ones")
	}
	return f, ok
}

func (p *parameters) refuse(w http.ResponseWriter) {
	refuse(w, http.StatusBadRequest, p.err.Error(), p.hint)
}

// refuse answers with an error.
func refuse(w http.ResponseWriter, status int, problem, hint string) {
	e := map[string]string{"error": problem}
	if hint != "" {
		e["hint"] = hint
	}
	answer(w, status, e)
}

// answer answers with JSON.
func answer(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.Encode(value)
}
