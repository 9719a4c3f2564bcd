package viewer

import (
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"path"
	"sort"
	"strconv"
	"strings"

	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/viewer/page"
	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/viewer/store"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/traces", s.receive)
	mux.HandleFunc("GET /api/v1/traces", s.list)
	mux.HandleFunc("DELETE /api/v1/traces", func(w http.ResponseWriter, r *http.Request) { s.store.Clear(); answer(w, struct{}{}) })
	mux.HandleFunc("GET /api/v1/traces/{id}", s.trace)
	mux.HandleFunc("GET /api/v1/status", func(w http.ResponseWriter, r *http.Request) {
		answer(w, map[string]any{"version": s.options.Version, "traces": len(s.store.Traces()), "since": strconv.FormatInt(s.started.UnixNano(), 10)})
	})
	mux.HandleFunc("/", servePage)
	return mux
}

func servePage(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	if name == "" || path.Ext(name) == "" {
		name = "index.html"
	}
	if info, err := fs.Stat(page.Files(), name); err != nil || info.IsDir() {
		http.NotFound(w, r)
		return
	}
	http.ServeFileFS(w, r, page.Files(), name)
}

func (s *Server) receive(w http.ResponseWriter, r *http.Request) {
	var body io.Reader = http.MaxBytesReader(w, r.Body, 16<<20)
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		body = z
	}
	b, err := io.ReadAll(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	groups, err := otlp.ParseRequest(b, 1<<18)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.store.AddSpans(groups)
	w.Header().Set("Content-Type", "application/x-protobuf")
}

type summary struct {
	TraceID  string         `json:"traceId"`
	Start    string         `json:"start"`
	Duration uint64         `json:"duration"`
	Spans    int            `json:"spans"`
	Errors   int            `json:"errors"`
	Status   string         `json:"status"`
	Services []serviceCount `json:"services"`
	Root     *root          `json:"root,omitempty"`
	Complete bool           `json:"complete"`
	Logs     int            `json:"logs"`
}

type serviceCount struct {
	Name  string `json:"name"`
	Spans int    `json:"spans"`
}

type root struct {
	Service string `json:"service"`
	Name    string `json:"name"`
	Kind    string `json:"kind"`
}

type span struct {
	SpanID        string `json:"spanId"`
	ParentSpanID  string `json:"parentSpanId,omitempty"`
	Depth         int    `json:"depth"`
	MissingParent bool   `json:"missingParent"`
	Service       string `json:"service"`
	Name          string `json:"name"`
	Kind          string `json:"kind"`
	Scope         string `json:"scope"`
	Start         uint64 `json:"start"`
	Duration      uint64 `json:"duration"`
	Self          uint64 `json:"self"`
	Status        string `json:"status"`
	StatusMessage string `json:"statusMessage,omitempty"`
	Errors        bool   `json:"errors"`
	Attributes    int    `json:"attributes"`
	Events        int    `json:"events"`
}

func kindName(k otlp.Kind) string {
	return [...]string{"internal", "internal", "server", "client", "producer", "consumer"}[max(0, min(int(k), 5))]
}

func statusName(s otlp.StatusCode) string {
	return [...]string{"unset", "ok", "error"}[max(0, min(int(s), 2))]
}

func summarise(id [16]byte, spans []store.Span) summary {
	sum := summary{TraceID: hex.EncodeToString(id[:]), Status: "unset", Spans: len(spans), Services: []serviceCount{}}
	start, end := spans[0].Start, uint64(0)
	for _, sp := range spans {
		start, end = min(start, sp.Start), max(end, sp.End)
		if sp.Status == otlp.StatusError {
			sum.Errors++
			sum.Status = "error"
		}
		if sp.ParentID == [8]byte{} {
			sum.Complete = true
			sum.Root = &root{sp.Service, sp.Name, kindName(sp.Kind)}
		}
		known := false
		for i := range sum.Services {
			if sum.Services[i].Name == sp.Service {
				sum.Services[i].Spans++
				known = true
			}
		}
		if !known {
			sum.Services = append(sum.Services, serviceCount{sp.Service, 1})
		}
	}
	sum.Start, sum.Duration = strconv.FormatUint(start, 10), max(end, start)-start
	return sum
}

func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	summaries := []summary{}
	for _, id := range s.store.Traces() {
		if spans := s.store.Trace(id); len(spans) > 0 {
			summaries = append(summaries, summarise(id, spans))
		}
	}
	sort.Slice(summaries, func(i, j int) bool { return summaries[i].Start > summaries[j].Start })
	w.Header().Set("Content-Type", "application/x-ndjson")
	e := json.NewEncoder(w)
	for _, sum := range summaries {
		e.Encode(sum)
	}
}

func (s *Server) trace(w http.ResponseWriter, r *http.Request) {
	var id [16]byte
	spans := []store.Span(nil)
	if b, err := hex.DecodeString(r.PathValue("id")); err == nil && len(b) == 16 {
		copy(id[:], b)
		spans = s.store.Trace(id)
	}
	if spans == nil {
		w.WriteHeader(http.StatusNotFound)
		answer(w, map[string]string{"error": "there is no such trace", "hint": "it may have been evicted by newer ones"})
		return
	}
	sum := summarise(id, spans)
	start, _ := strconv.ParseUint(sum.Start, 10, 64)
	children := map[[8]byte][]int{}
	known := map[[8]byte]bool{}
	for _, sp := range spans {
		known[sp.SpanID] = true
	}
	for i, sp := range spans {
		parent := sp.ParentID
		if !known[parent] {
			parent = [8]byte{}
		}
		children[parent] = append(children[parent], i)
	}
	rows := []span{}
	shown := map[int]bool{}
	var walk func(parent [8]byte, depth int)
	walk = func(parent [8]byte, depth int) {
		for _, i := range children[parent] {
			if shown[i] {
				continue
			}
			shown[i] = true
			sp := spans[i]
			row := span{
				SpanID: hex.EncodeToString(sp.SpanID[:]), Depth: depth, Service: sp.Service, Name: sp.Name, Kind: kindName(sp.Kind),
				Scope: sp.Scope, Start: sp.Start - start, Duration: max(sp.End, sp.Start) - sp.Start, Self: max(sp.End, sp.Start) - sp.Start,
				Status: statusName(sp.Status), StatusMessage: sp.StatusMessage, Errors: sp.Status == otlp.StatusError,
				Attributes: len(sp.Attributes), Events: len(sp.Events),
			}
			if sp.ParentID != [8]byte{} {
				row.ParentSpanID = hex.EncodeToString(sp.ParentID[:])
				row.MissingParent = !known[sp.ParentID]
			}
			rows = append(rows, row)
			walk(sp.SpanID, depth+1)
		}
	}
	walk([8]byte{}, 0)
	answer(w, map[string]any{"summary": sum, "spans": rows, "criticalPath": []any{}})
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v)
}
