package receiver

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

func listen(t *testing.T) *Receiver {
	t.Helper()
	r, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// request holds spans of one trace with these ids.
func request(ids ...byte) []byte {
	text := func(s string) *commonpb.AnyValue {
		return &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: s}}
	}
	var spans []*tracepb.Span
	for _, id := range ids {
		spans = append(spans, &tracepb.Span{
			TraceId: bytes.Repeat([]byte{1}, 16), SpanId: bytes.Repeat([]byte{id}, 8), Name: "n",
			Kind:       tracepb.Span_SPAN_KIND_SERVER,
			Status:     &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR},
			Attributes: []*commonpb.KeyValue{{Key: "k", Value: text("v")}},
		})
	}
	b, _ := proto.Marshal(&tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{{
		Resource:   &resourcepb.Resource{Attributes: []*commonpb.KeyValue{{Key: "service.name", Value: text("shop")}}},
		ScopeSpans: []*tracepb.ScopeSpans{{Scope: &commonpb.InstrumentationScope{Name: "scope"}, Spans: spans}},
	}}})
	return b
}

func post(t *testing.T, r *Receiver, body []byte, headers ...string) (status int, answer string, err error) {
	t.Helper()
	req, _ := http.NewRequest("POST", r.URL(), bytes.NewReader(body))
	req.Header.Set("Content-Type", "application/x-protobuf")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), nil
}

func TestWhatArrivesIsRecorded(t *testing.T) {
	r := listen(t)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write(request(2))
	z.Close()
	bodies := []struct {
		body    []byte
		headers []string
	}{
		{request(1), nil},
		{zipped.Bytes(), []string{"Content-Encoding", "gzip"}},
		{[]byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0123456789abcdef0123456789abcdef","spanId":"0123456789abcdef"}]}]}]}`),
			[]string{"Content-Type", "application/json"}},
		{request(1), nil},
	}
	for _, b := range bodies {
		if status, answer, err := post(t, r, b.body, b.headers...); status != 200 || err != nil {
			t.Fatalf("got %d %q, %v", status, answer, err)
		}
	}
	got := r.Counts()
	got.Bytes = 0
	if want := (Counts{Requests: 4, Accepted: 4, Spans: 4, Duplicates: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	s := r.Spans()[0]
	if s.TraceID != strings.Repeat("01", 16) || s.SpanID != strings.Repeat("01", 8) || s.ParentID != "" || s.Kind != "SERVER" ||
		s.Status != "ERROR" || s.Attributes["k"] != "v" || s.Resource["service.name"] != "shop" || s.Scope != "scope" {
		t.Errorf("got %+v", s)
	}
	if s := r.Spans()[2]; s.SpanID != "0123456789abcdef" || s.Kind != "UNSPECIFIED" {
		t.Errorf("from JSON: got %+v", s)
	}
	if req := r.Requests()[1]; req.Path != "/v1/traces" || req.Header.Get("Content-Encoding") != "gzip" || req.Size != zipped.Len() {
		t.Errorf("got %+v", req)
	}
	if r.Reset(); len(r.Spans()) != 0 || r.Counts() != (Counts{}) {
		t.Error("Reset left something")
	}
}

func TestWhatCannotBeDecodedIs400(t *testing.T) {
	tests := []struct{ name, body, contentType, encoding string }{
		{"not protobuf", "<html>", "application/x-protobuf", ""},
		{"not JSON", "<html>", "application/json", ""},
		{"an id that is not hexadecimal", `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"x!"}]}]}]}`, "application/json", ""},
		{"another type", "x", "text/plain", ""},
		{"not gzip", "x", "application/x-protobuf", "gzip"},
		{"another compression", "x", "application/x-protobuf", "br"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := listen(t)
			status, _, err := post(t, r, []byte(tt.body), "Content-Type", tt.contentType, "Content-Encoding", tt.encoding)
			if status != 400 || err != nil || r.Requests()[0].Err == nil {
				t.Errorf("got %d, %v", status, err)
			}
		})
	}
}

func TestAnswers(t *testing.T) {
	tests := []struct {
		name    string
		answer  Answer
		headers []string
		status  int
		body    string
		spans   int
	}{
		{"an error records nothing", Answer{Status: 503, Message: "full"}, nil, 503, "\x12\x04full", 0},
		{"an error in JSON", Answer{Status: 400, Message: "bad"}, []string{"Content-Type", "application/json"}, 400, `{"message":"bad"}`, 0},
		{"partial success", Answer{Rejected: 1, Message: "no"}, nil, 200, "\x0a\x06\x08\x01\x12\x02no", 1},
		{"delayed", Answer{Delay: time.Millisecond}, nil, 200, "", 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := listen(t)
			r.Always(tt.answer)
			body := request(1, 2)
			if tt.headers != nil {
				body = []byte("{}")
			}
			status, answer, err := post(t, r, body, tt.headers...)
			if status != tt.status || answer != tt.body || err != nil || r.Counts().Spans != tt.spans {
				t.Errorf("got %d %q, %v, %+v", status, answer, err, r.Counts())
			}
		})
	}
	t.Run("aborted", func(t *testing.T) {
		r := listen(t)
		r.Always(Answer{Abort: true})
		if _, _, err := post(t, r, request(1)); err == nil || r.Counts().Requests != 1 {
			t.Errorf("got %v, %+v", err, r.Counts())
		}
	})
	t.Run("hanging until Close", func(t *testing.T) {
		r, _ := Listen("127.0.0.1:0")
		r.Always(Answer{Hang: true})
		failed := make(chan error)
		go func() {
			_, _, err := post(t, r, request(1))
			failed <- err
		}()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := r.WaitCounts(ctx, func(c Counts) bool { return c.Requests == 1 }); err != nil {
			t.Fatal(err)
		}
		r.Close()
		if err := <-failed; err == nil {
			t.Error("the request succeeded")
		}
	})
	t.Run("by number", func(t *testing.T) {
		r := listen(t)
		r.Answer(func(n int, _ *http.Request) Answer { return Answer{Status: 500 - 300*(n-1), RetryAfter: "1"} })
		for _, want := range []int{500, 200} {
			if status, _, _ := post(t, r, request(1)); status != want {
				t.Errorf("got %d, want %d", status, want)
			}
		}
	})
}

func TestRefusing(t *testing.T) {
	r := listen(t)
	for range 2 {
		if _, _, err := post(t, r, request(1)); err != nil {
			t.Fatal(err)
		}
		r.Refuse(true)
		http.DefaultClient.CloseIdleConnections() // else it may find out on an old one
		if _, _, err := post(t, r, request(1)); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatalf("got %v, want connection refused", err)
		}
		if err := r.Refuse(false); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWaitSaysWhatThereWas(t *testing.T) {
	r := listen(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := r.Wait(ctx, func(s []Span) bool { return len(s) > 0 })
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "Requests:0") {
		t.Errorf("got %v", err)
	}
}

func TestLeanCountsAlone(t *testing.T) {
	r := listen(t)
	r.Lean()
	var called int
	r.OnSpans(func(s []Span) { called += len(s) })
	post(t, r, request(1, 2))
	if called != 2 || r.Counts().Spans != 2 || len(r.Spans()) != 0 || len(r.Requests()) != 0 {
		t.Errorf("called with %d spans, %+v", called, r.Counts())
	}
	resp, err := http.Get(strings.TrimSuffix(r.URL(), "/v1/traces") + "/counts")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var got Counts
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil || got != r.Counts() {
		t.Errorf("GET /counts: got %+v, %v", got, err)
	}
}
