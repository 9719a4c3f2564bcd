package otel

import (
	"sync/atomic"
	"testing"

	"go.opentelemetry.io/otel/trace"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
	"github.com/lumigo-io/opentelemetry-distro/internal/tracer"
)

// What follows is made like OpenTelemetry's SDK and its exporters, which this module does not depend on; test/goapp
// has the real ones.
type (
	sdkProvider struct {
		trace.TracerProvider
		spanProcessors atomic.Pointer[processorStates]
	}
	processorStates []*processorState
	processorState  struct{ sp processor }
	processor       interface{ OnEnd() }
	exporter        interface{ ExportSpans() }
	client          interface{ UploadTraces() }

	batcher      struct{ e exporter }
	filter       struct{ next []processor }
	otlpExporter struct{ client client }
	wrapper      struct{ exporter }
	printer      struct{ to *sdkProvider }
	httpClient   struct{ cfg httpConfig }
	httpConfig   struct {
		Endpoint, URLPath string
		Insecure          bool
	}
	grpcClient struct{ endpoint string }
)

func (*batcher) OnEnd()            {}
func (filter) OnEnd()              {}
func (*otlpExporter) ExportSpans() {}
func (printer) ExportSpans()       {}
func (*httpClient) UploadTraces()  {}
func (*grpcClient) UploadTraces()  {}

func TestWhereTheirsArrive(t *testing.T) {
	before := tracer.Active()
	defer tracer.Activate(before)
	ours := func(endpoint string) {
		tracer.Activate(tracer.New(tracer.Options{Config: &config.Config{Export: config.Export{Endpoint: endpoint}}, Resource: otlp.NewResource(nil, "")}))
	}
	overHTTP := func(address, path string, insecure bool) exporter {
		return &otlpExporter{&httpClient{httpConfig{address, path, insecure}}}
	}
	overGRPC := func(target string) exporter { return &otlpExporter{&grpcClient{target}} }
	here := overHTTP("localhost:4318", "/v1/traces", true)
	for _, test := range []struct {
		name       string
		endpoint   string
		processors []processor
		want       bool
	}{
		{"nothing", "http://localhost:4318/v1/traces", nil, false},
		{"written somewhere", "http://localhost:4318/v1/traces", []processor{&batcher{printer{}}}, false},
		{"the same address", "http://localhost:4318/v1/traces", []processor{&batcher{here}}, true},
		{"besides others", "http://localhost:4318/v1/traces", []processor{&batcher{printer{}}, &batcher{here}}, true},
		{"within others", "http://localhost:4318/v1/traces", []processor{filter{[]processor{&batcher{wrapper{here}}}}}, true},
		{"by another name", "http://127.0.0.1:4318/v1/traces", []processor{&batcher{here}}, true},
		{"another port", "http://localhost:4319/v1/traces", []processor{&batcher{here}}, false},
		{"another path", "http://localhost:4318/tenant/v1/traces", []processor{&batcher{here}}, false},
		{"another host", "http://collector:4318/v1/traces", []processor{&batcher{here}}, false},
		{"the port of the scheme", "https://collector/v1/traces", []processor{&batcher{overHTTP("collector:443", "/v1/traces", false)}}, true},
		{"no port", "http://collector:80/v1/traces", []processor{&batcher{overHTTP("Collector", "/v1/traces/", true)}}, true},
		{"the port of the other scheme", "https://collector/v1/traces", []processor{&batcher{overHTTP("collector", "/v1/traces", true)}}, false},
		{"a Collector's gRPC", "http://collector:4318/v1/traces", []processor{&batcher{overGRPC("dns:///collector:4317")}}, true},
		{"another's gRPC", "http://collector:4318/v1/traces", []processor{&batcher{overGRPC("other:4317")}}, false},
		{"ours go nowhere", "", []processor{&batcher{here}}, false},
	} {
		ours(test.endpoint)
		states := processorStates{}
		for _, p := range test.processors {
			states = append(states, &processorState{p})
		}
		p := new(sdkProvider)
		p.spanProcessors.Store(&states)
		if got := arrives(p); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
	if ours("http://localhost:4318/v1/traces"); arrives(new(sdkProvider)) || arrives(&struct{ trace.TracerProvider }{}) || arrives(noop.TracerProvider()) {
		t.Error("something of which nothing can be seen is said to arrive")
	}
}
