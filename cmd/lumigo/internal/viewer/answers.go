package viewer

import (
	"encoding/hex"
	"strconv"

	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/viewer/analysis"
	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/viewer/store"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

// What the API answers with, as docs/viewer.md describes it.

type summaryAnswer struct {
	TraceID  string         `json:"traceId"`
	Start    string         `json:"start"`
	Duration uint64         `json:"duration"`
	Spans    int            `json:"spans"`
	Errors   int            `json:"errors"`
	Status   store.Status   `json:"status"`
	Services []serviceCount `json:"services"`
	Root     rootAnswer     `json:"root"`
	Complete bool           `json:"complete"`
	Logs     int            `json:"logs"`
}

type serviceCount struct {
	Name  string `json:"name"`
	Spans int    `json:"spans"`
}

type rootAnswer struct {
	Service    string `json:"service"`
	Name       string `json:"name"`
	Kind       string `json:"kind"`
	StatusCode int    `json:"statusCode,omitempty"`
}

func summaryOf(s *store.Summary) summaryAnswer {
	a := summaryAnswer{
		TraceID: hexadecimal(s.ID[:]), Start: instant(s.Start), Duration: s.End - s.Start,
		Spans: s.Spans, Errors: s.Errors, Status: s.Status(), Complete: s.Complete, Logs: s.Logs,
		Root: rootAnswer{s.Root.Service, s.Root.Name, kindName(s.Root.Kind), s.Root.HTTPStatus},
	}
	for _, c := range s.Services {
		a.Services = append(a.Services, serviceCount(c))
	}
	return a
}

type spanAnswer struct {
	SpanID        string       `json:"spanId"`
	ParentSpanID  string       `json:"parentSpanId,omitempty"`
	Occurrence    int          `json:"occurrence,omitempty"`
	Depth         int          `json:"depth"`
	MissingParent bool         `json:"missingParent"`
	Service       string       `json:"service"`
	Name          string       `json:"name"`
	Kind          string       `json:"kind"`
	Target        string       `json:"target,omitempty"`
	Scope         string       `json:"scope"`
	Start         uint64       `json:"start"`
	Duration      uint64       `json:"duration"`
	Self          uint64       `json:"self"`
	Status        store.Status `json:"status"`
	StatusMessage string       `json:"statusMessage,omitempty"`
	Errors        bool         `json:"errors"`
	Attributes    int          `json:"attributes"`
	Events        int          `json:"events"`
}

func spanOf(n *analysis.Node, start uint64) spanAnswer {
	s := n.Span
	a := spanAnswer{
		SpanID: hexadecimal(s.ID[:]), Occurrence: n.Occurrence, Depth: n.Depth, MissingParent: n.MissingParent,
		Service: s.Service, Name: s.Name, Kind: kindName(s.Kind), Target: s.Peer, Scope: s.Scope,
		Start: offset(s.Start, start), Duration: s.End - s.Start, Self: n.Self,
		Status: statusName(s.Status), StatusMessage: s.StatusMessage, Errors: n.Errors,
		Attributes: s.Attributes, Events: s.Events,
	}
	if (s.Parent != store.SpanID{}) {
		a.ParentSpanID = hexadecimal(s.Parent[:])
	}
	return a
}

type stepAnswer struct {
	SpanID     string `json:"spanId"`
	Occurrence int    `json:"occurrence,omitempty"`
	Start      uint64 `json:"start"`
	Duration   uint64 `json:"duration"`
}

func stepOf(t *analysis.Tree, step analysis.Step, start uint64) stepAnswer {
	n := &t.Nodes[step.Node]
	return stepAnswer{hexadecimal(n.Span.ID[:]), n.Occurrence, offset(step.Start, start), step.End - step.Start}
}

type detailsAnswer struct {
	spanAnswer
	Attributes        []attributeAnswer `json:"attributes"`
	Resource          []attributeAnswer `json:"resource"`
	Events            []eventAnswer     `json:"events"`
	Links             []linkAnswer      `json:"links"`
	ScopeVersion      string            `json:"scopeVersion,omitempty"`
	TraceState        string            `json:"traceState"`
	Flags             uint32            `json:"flags"`
	DroppedAttributes uint32            `json:"droppedAttributes"`
	DroppedEvents     uint32            `json:"droppedEvents"`
	DroppedLinks      uint32            `json:"droppedLinks"`
}

type attributeAnswer struct {
	Key   string `json:"key"`
	Value any    `json:"value"`
	Type  string `json:"type"`
}

type eventAnswer struct {
	Name              string            `json:"name"`
	Offset            uint64            `json:"offset"`
	Attributes        []attributeAnswer `json:"attributes"`
	DroppedAttributes uint32            `json:"droppedAttributes,omitempty"`
}

type linkAnswer struct {
	TraceID           string            `json:"traceId"`
	SpanID            string            `json:"spanId"`
	TraceState        string            `json:"traceState,omitempty"`
	Attributes        []attributeAnswer `json:"attributes"`
	DroppedAttributes uint32            `json:"droppedAttributes,omitempty"`
}

// detailsOf joins what is known of a span with what was read of it.
func detailsOf(known spanAnswer, item store.Item, start uint64) (detailsAnswer, error) {
	s, err := otlp.ParseSpan(item.Bytes)
	if err != nil {
		return detailsAnswer{}, err
	}
	known.Name, known.StatusMessage = s.Name, s.StatusMessage // in full length
	d := detailsAnswer{
		spanAnswer: known,
		Attributes: attributesOf(s.Attributes), Resource: attributesOf(item.Resource.Attributes()),
		Events: []eventAnswer{}, Links: []linkAnswer{},
		ScopeVersion: item.Scope.Version(), TraceState: s.TraceState, Flags: s.Flags,
		DroppedAttributes: s.DroppedAttributes, DroppedEvents: s.DroppedEvents, DroppedLinks: s.DroppedLinks,
	}
	for _, e := range s.Events {
		d.Events = append(d.Events, eventAnswer{e.Name, offset(e.Time, start), attributesOf(e.Attributes), e.DroppedAttributes})
	}
	for _, l := range s.Links {
		d.Links = append(d.Links, linkAnswer{hexadecimal(l.TraceID[:]), hexadecimal(l.SpanID[:]), l.TraceState, attributesOf(l.Attributes), l.DroppedAttributes})
	}
	return d, nil
}

func attributesOf(list []otlp.Attribute) []attributeAnswer {
	answers := make([]attributeAnswer, 0, len(list))
	for _, a := range list {
		answers = append(answers, attributeAnswer{a.Key, store.JSONValue(a.Value), typeName(a.Value)})
	}
	return answers
}

type logAnswer struct {
	Time           string            `json:"time"`
	Offset         uint64            `json:"offset"`
	Severity       string            `json:"severity"`
	SeverityNumber int32             `json:"severityNumber"`
	EventName      string            `json:"eventName,omitempty"`
	Body           any               `json:"body"`
	SpanID         string            `json:"spanId,omitempty"`
	Service        string            `json:"service"`
	Attributes     []attributeAnswer `json:"attributes"`
}

func logOf(known *store.Log, l *otlp.LogData, start uint64) logAnswer {
	a := logAnswer{
		Time: instant(known.Time), Offset: offset(known.Time, start),
		Severity: l.SeverityText, SeverityNumber: l.Severity, EventName: l.EventName,
		Body: store.JSONValue(l.Body), Service: known.Service, Attributes: attributesOf(l.Attributes),
	}
	if (known.Span != store.SpanID{}) {
		a.SpanID = hexadecimal(known.Span[:])
	}
	return a
}

type rowAnswer struct {
	Depth   int             `json:"depth"`
	Service string          `json:"service"`
	Name    string          `json:"name"`
	Kind    string          `json:"kind"`
	A       *sideAnswer     `json:"a"`
	B       *sideAnswer     `json:"b"`
	Change  analysis.Change `json:"change"`
}

type sideAnswer struct {
	Count    int    `json:"count"`
	Duration uint64 `json:"duration"`
	Self     uint64 `json:"self"`
	Errors   int    `json:"errors"`
	Start    uint64 `json:"start"`
}

func rowOf(r *analysis.Row) rowAnswer {
	return rowAnswer{r.Depth, r.Service, r.Name, kindName(r.Kind), (*sideAnswer)(r.A), (*sideAnswer)(r.B), r.Change}
}

type serviceAnswer struct {
	Name       string            `json:"name"`
	Spans      int               `json:"spans"`
	Errors     int               `json:"errors"`
	Operations []operationAnswer `json:"operations"`
}

type operationAnswer struct {
	Name   string `json:"name"`
	Kind   string `json:"kind"`
	Spans  int    `json:"spans"`
	Errors int    `json:"errors"`
	P50    uint64 `json:"p50"`
	P95    uint64 `json:"p95"`
}

type nodeAnswer struct {
	ID   string `json:"id"`
	Kind string `json:"kind"`
	Name string `json:"name"`
	trafficAnswer
}

type edgeAnswer struct {
	From string `json:"from"`
	To   string `json:"to"`
	trafficAnswer
}

type trafficAnswer struct {
	Requests int     `json:"requests"`
	Errors   int     `json:"errors"`
	Rate     float64 `json:"rate"`
	P50      uint64  `json:"p50"`
	P95      uint64  `json:"p95"`
}

func trafficOf(t *analysis.Traffic, seconds float64) trafficAnswer {
	return trafficAnswer{t.Requests, t.Errors, float64(t.Requests) / seconds, t.Percentile(50), t.Percentile(95)}
}

func endpointID(e analysis.Endpoint) string { return e.Kind + ":" + e.Name }

type statusAnswer struct {
	Version        string `json:"version"`
	Since          string `json:"since"`
	Spans          int64  `json:"spans"`
	Traces         int64  `json:"traces"`
	Logs           int64  `json:"logs"`
	Bytes          int64  `json:"bytes"`
	CapacityBytes  int64  `json:"capacityBytes"`
	IndexBytes     int64  `json:"indexBytes"`
	ReceivedSpans  int64  `json:"receivedSpans"`
	DroppedSpans   int64  `json:"droppedSpans"`
	DuplicateSpans int64  `json:"duplicateSpans"`
	EvictedSpans   int64  `json:"evictedSpans"`
	ForgottenSpans int64  `json:"forgottenSpans"`
	EvictedTraces  int64  `json:"evictedTraces"`
	Persistent     bool   `json:"persistent"`
	Problem        string `json:"problem,omitempty"`
}

// hexadecimal writes an id.
func hexadecimal(id []byte) string { return hex.EncodeToString(id) }

// instant writes nanoseconds since 1970, which JavaScript's numbers would not hold.
func instant(ns uint64) string { return strconv.FormatUint(ns, 10) }

// offset is the time from the start of a trace, 0 for what is not known or was before.
func offset(t, start uint64) uint64 { return max(t, start) - start }

func kindName(k otlp.Kind) string {
	switch k {
	case otlp.KindServer:
		return "server"
	case otlp.KindClient:
		return "client"
	case otlp.KindProducer:
		return "producer"
	case otlp.KindConsumer:
		return "consumer"
	}
	return "internal"
}

func statusName(s otlp.StatusCode) store.Status {
	switch s {
	case otlp.StatusOK:
		return store.StatusOK
	case otlp.StatusError:
		return store.StatusError
	}
	return store.StatusUnset
}

// typeName names the type of an attribute's value.
func typeName(value any) string {
	switch value.(type) {
	case string:
		return "string"
	case bool:
		return "bool"
	case int64:
		return "int"
	case float64:
		return "double"
	case []byte:
		return "bytes"
	case []any:
		return "array"
	case []otlp.Attribute:
		return "map"
	}
	return "empty"
}
