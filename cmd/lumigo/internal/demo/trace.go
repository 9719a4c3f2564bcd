package demo

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// Trace is what the viewer says of a trace.
type Trace struct {
	Summary Summary `json:"summary"`
	Spans   []Span  `json:"spans"` // in the order of the tree

	text []byte // as it came
}

// Summary is what its list of traces has of one.
type Summary struct {
	TraceID  string    `json:"traceId"`
	Duration int64     `json:"duration"` // in nanoseconds, as all times here
	Spans    int       `json:"spans"`
	Errors   int       `json:"errors"`
	Complete bool      `json:"complete"`
	Services []Service `json:"services"`
}

// Service is one that has spans in a trace.
type Service struct {
	Name string `json:"name"`
}

// Span is one of a trace's.
type Span struct {
	SpanID        string `json:"spanId"`
	Depth         int    `json:"depth"`
	MissingParent bool   `json:"missingParent"`
	Service       string `json:"service"`
	Name          string `json:"name"`
	Kind          string `json:"kind"`
	Start         int64  `json:"start"` // after the trace's
	Duration      int64  `json:"duration"`
	Status        string `json:"status"`

	attributes map[string]any
}

// JSON is the trace as the viewer's API has it.
func (t *Trace) JSON() []byte { return t.text }

// A viewer is asked by its API.
type viewer struct{ url string }

func (v viewer) get(ctx context.Context, path string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, v.url+"/api/v1"+path, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the viewer answers %s to %s", response.Status, path)
	}
	return io.ReadAll(response.Body)
}

// await waits for the trace of an order that has failed and that all services had a part in.
func await(ctx context.Context, url string, services []string) (*Trace, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	v := viewer{url}
	next := time.NewTicker(200 * time.Millisecond)
	defer next.Stop()
	spans := 0
	for {
		t, err := v.failed(ctx, services)
		switch {
		case err != nil:
			return nil, err
		case t != nil && spans == t.Summary.Spans: // no more has come for a while
			return t, v.describe(ctx, t)
		case t != nil:
			spans = t.Summary.Spans
		}
		select {
		case <-next.C:
		case <-ctx.Done():
			return nil, fmt.Errorf("no whole trace has arrived within %v", patience)
		}
	}
}

// failed returns a trace with an error and spans of all services, nil if there is none yet that is whole.
func (v viewer) failed(ctx context.Context, services []string) (*Trace, error) {
	text, err := v.get(ctx, "/traces?status=error")
	if err != nil {
		return nil, err
	}
	for lines := json.NewDecoder(bytes.NewReader(text)); ; {
		t := new(Trace)
		if err := lines.Decode(&t.Summary); err == io.EOF {
			return nil, nil
		} else if err != nil {
			return nil, fmt.Errorf("the viewer's list of traces cannot be read: %w", err)
		}
		missing := slices.ContainsFunc(services, func(name string) bool { return !slices.Contains(t.Summary.Services, Service{name}) })
		if !t.Summary.Complete || missing {
			continue
		}
		if t.text, err = v.get(ctx, "/traces/"+url.PathEscape(t.Summary.TraceID)); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(t.text, t); err != nil {
			return nil, fmt.Errorf("the viewer's trace cannot be read: %w", err)
		}
		if !slices.ContainsFunc(t.Spans, func(s Span) bool { return s.MissingParent }) {
			return t, nil
		}
	}
}

// describe adds the attributes of the spans.
func (v viewer) describe(ctx context.Context, t *Trace) error {
	for i := range t.Spans {
		text, err := v.get(ctx, "/traces/"+t.Summary.TraceID+"/spans/"+t.Spans[i].SpanID)
		if err != nil {
			return err
		}
		var details struct {
			Attributes []struct {
				Key   string
				Value any
			}
		}
		if err := json.Unmarshal(text, &details); err != nil {
			return fmt.Errorf("the viewer's span cannot be read: %w", err)
		}
		t.Spans[i].attributes = map[string]any{}
		for _, a := range details.Attributes {
			t.Spans[i].attributes[a.Key] = a.Value
		}
	}
	return nil
}

// text returns the first of the attributes that the span has.
func (s Span) text(keys ...string) (value string) {
	for _, key := range keys {
		if v, ok := s.attributes[key]; ok {
			value = cmp.Or(value, fmt.Sprint(v))
		}
	}
	return value
}
