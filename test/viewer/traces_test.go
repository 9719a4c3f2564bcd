package viewer

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// trace builds one trace and its logs, as the services of a small shop would send it.
type trace struct {
	id     [16]byte
	start  time.Time
	random *rand.Rand
	spans  map[string][]*tracepb.Span // by service
	logs   map[string][]*logspb.LogRecord
	order  []string
}

// newTrace makes an empty trace whose id, and all that is random in it, comes from its name.
func newTrace(name string, start time.Time) *trace {
	sum := sha256.Sum256([]byte(name))
	t := &trace{start: start, spans: map[string][]*tracepb.Span{}, logs: map[string][]*logspb.LogRecord{}}
	copy(t.id[:], sum[:])
	t.random = rand.New(rand.NewPCG(binary.BigEndian.Uint64(sum[16:]), 1))
	return t
}

func (t *trace) hex() string { return fmt.Sprintf("%x", t.id) }

type span struct {
	*tracepb.Span
	trace   *trace
	service string
}

func (s span) hex() string { return fmt.Sprintf("%x", s.SpanId) }

const (
	server   = tracepb.Span_SPAN_KIND_SERVER
	client   = tracepb.Span_SPAN_KIND_CLIENT
	internal = tracepb.Span_SPAN_KIND_INTERNAL
	producer = tracepb.Span_SPAN_KIND_PRODUCER
	consumer = tracepb.Span_SPAN_KIND_CONSUMER
)

// span adds a span to the trace; at is when it begins after the trace does. A parent without ids makes it a root.
func (t *trace) span(parent span, service, name string, kind tracepb.Span_SpanKind, at, length time.Duration, attributes ...*commonpb.KeyValue) span {
	id := binary.BigEndian.AppendUint64(nil, t.random.Uint64())
	begin := uint64(t.start.Add(at).UnixNano())
	s := &tracepb.Span{
		TraceId: t.id[:], SpanId: id, Name: name, Kind: kind, Flags: 0x101,
		StartTimeUnixNano: begin, EndTimeUnixNano: begin + uint64(length), Attributes: attributes,
	}
	if parent.Span != nil {
		s.ParentSpanId = parent.SpanId
	}
	t.know(service)
	t.spans[service] = append(t.spans[service], s)
	return span{s, t, service}
}

// failed is the span of the trace that has an exception.
func (t *trace) failed() span {
	for _, service := range t.order {
		for _, s := range t.spans[service] {
			if len(s.Events) > 0 && s.Events[0].Name == "exception" {
				return span{s, t, service}
			}
		}
	}
	panic("no span has failed")
}

// forget takes out what was sent already, for the rest to be sent later.
func (t *trace) forget() {
	clear(t.spans)
	clear(t.logs)
	t.order = nil
}

func (t *trace) know(service string) {
	if t.spans[service] == nil && t.logs[service] == nil {
		t.order = append(t.order, service)
	}
}

// fail makes it an error span, with an exception if there is a stack trace.
func (s span) fail(message, exception, stack string) span {
	s.Status = &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR, Message: message}
	if stack != "" {
		s.Events = append(s.Events, &tracepb.Span_Event{
			Name: "exception", TimeUnixNano: s.EndTimeUnixNano - 1000,
			Attributes: []*commonpb.KeyValue{attribute("exception.type", exception), attribute("exception.message", message), attribute("exception.stacktrace", stack)},
		})
	}
	return s
}

func (s span) event(name string, at time.Duration, attributes ...*commonpb.KeyValue) {
	s.Events = append(s.Events, &tracepb.Span_Event{Name: name, TimeUnixNano: s.StartTimeUnixNano + uint64(at), Attributes: attributes})
}

// log adds a log record that was written in the span.
func (s span) log(at time.Duration, severity logspb.SeverityNumber, body string, attributes ...*commonpb.KeyValue) {
	s.trace.know(s.service)
	s.trace.logs[s.service] = append(s.trace.logs[s.service], &logspb.LogRecord{
		TimeUnixNano: s.StartTimeUnixNano + uint64(at), SeverityNumber: severity, SeverityText: strings.TrimPrefix(severity.String(), "SEVERITY_NUMBER_"),
		Body: text(body), Attributes: attributes, TraceId: s.TraceId, SpanId: s.SpanId,
	})
}

func text(s string) *commonpb.AnyValue {
	return &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: s}}
}

func attribute(key string, value any) *commonpb.KeyValue {
	var v *commonpb.AnyValue
	switch value := value.(type) {
	case string:
		v = text(value)
	case int:
		v = &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: int64(value)}}
	case int64:
		v = &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: value}}
	case bool:
		v = &commonpb.AnyValue{Value: &commonpb.AnyValue_BoolValue{BoolValue: value}}
	case []string:
		list := &commonpb.ArrayValue{}
		for _, s := range value {
			list.Values = append(list.Values, text(s))
		}
		v = &commonpb.AnyValue{Value: &commonpb.AnyValue_ArrayValue{ArrayValue: list}}
	default:
		panic(fmt.Sprintf("no attribute value: %T", value))
	}
	return &commonpb.KeyValue{Key: key, Value: v}
}

func resource(service string) *resourcepb.Resource {
	language, runtime := "python", "CPython"
	if service == "catalog" || service == "orders" {
		language, runtime = "go", "go"
	}
	return &resourcepb.Resource{Attributes: []*commonpb.KeyValue{
		attribute("service.name", service), attribute("telemetry.sdk.language", language), attribute("process.runtime.name", runtime),
		attribute("host.name", service+"-7d9f8b"), attribute("process.pid", 1), attribute("lumigo.distro.version", "0.1.0"),
		attribute("process.environ", `{"PATH": "/usr/local/bin:/usr/bin", "DATABASE_URL": "****", "PORT": "8080"}`),
	}}
}

// requests makes OTLP of the trace: the spans, and the logs or nil. On the wire, a TracesData and an
// ExportTraceServiceRequest are the same.
func (t *trace) requests() (spans *tracepb.TracesData, logs *logspb.LogsData) {
	spans = &tracepb.TracesData{}
	for _, service := range t.order {
		if list := t.spans[service]; list != nil {
			spans.ResourceSpans = append(spans.ResourceSpans, &tracepb.ResourceSpans{Resource: resource(service),
				ScopeSpans: []*tracepb.ScopeSpans{{Scope: &commonpb.InstrumentationScope{Name: "lumigo", Version: "0.1.0"}, Spans: list}}})
		}
		if list := t.logs[service]; list != nil {
			if logs == nil {
				logs = &logspb.LogsData{}
			}
			logs.ResourceLogs = append(logs.ResourceLogs, &logspb.ResourceLogs{Resource: resource(service), ScopeLogs: []*logspb.ScopeLogs{{LogRecords: list}}})
		}
	}
	return spans, logs
}

// send posts traces to a viewer as exporters do.
func send(t testing.TB, viewer string, traces ...*trace) {
	t.Helper()
	for _, tr := range traces {
		spans, logs := tr.requests()
		post(t, viewer+"/v1/traces", spans)
		if logs != nil {
			post(t, viewer+"/v1/logs", logs)
		}
	}
}

func post(t testing.TB, url string, m proto.Message) {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Post(url, "application/x-protobuf", bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("POST %s: %s", url, response.Status)
	}
}

// --- the shop -----------------------------------------------------------------------------

const ms = time.Millisecond

// served are the attributes of a request that is served.
func served(method, route string, code int, more ...*commonpb.KeyValue) []*commonpb.KeyValue {
	return append([]*commonpb.KeyValue{
		attribute("http.request.method", method), attribute("url.path", route), attribute("url.scheme", "http"), attribute("http.route", route),
		attribute("http.response.status_code", code), attribute("server.address", "shop.example"), attribute("server.port", 8080),
		attribute("client.address", "10.0.3.17"), attribute("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64)"), attribute("network.protocol.version", "1.1"),
		attribute("http.request.headers", `{"host": "shop.example", "accept": "application/json", "authorization": "****", "cookie": "****", "x-request-id": "9f2c4e"}`),
		attribute("http.response.headers", `{"content-type": "application/json", "set-cookie": "****", "server": "gunicorn"}`),
	}, more...)
}

// called are those of a request that is made.
func called(method, url string, code int, more ...*commonpb.KeyValue) []*commonpb.KeyValue {
	host := strings.Split(strings.TrimPrefix(url, "http://"), "/")[0]
	return append([]*commonpb.KeyValue{
		attribute("http.request.method", method), attribute("url.full", url), attribute("server.address", host), attribute("http.response.status_code", code),
	}, more...)
}

func statement(system, namespace, sql string) []*commonpb.KeyValue {
	return []*commonpb.KeyValue{
		attribute("db.system.name", system), attribute("db.namespace", namespace), attribute("db.query.text", sql),
		attribute("server.address", "db.internal"), attribute("server.port", 5432),
	}
}

const stack = `Traceback (most recent call last):
  File "/app/payments/api.py", line 88, in charge
    receipt = gateway.charge(card=order.card, amount=order.total)
  File "/app/payments/gateway.py", line 41, in charge
    raise GatewayTimeout(f"no answer from {self.host} after {self.timeout} s")
payments.gateway.GatewayTimeout: no answer from bank.example after 0.25 s`

// checkout is the shop's longest path. It goes wrong at the bank if it is to fail, and slow means many queries instead
// of one.
func checkout(name string, start time.Time, slow, fails bool) *trace {
	t := newTrace(name, start)
	code, bankCode := 201, 200
	if fails {
		code, bankCode = 502, 504
	}
	jitter := func(d time.Duration) time.Duration {
		return time.Duration(float64(d) * (0.85 + 0.3*t.random.Float64()))
	}
	stock := jitter(22 * ms)
	if slow {
		stock = jitter(310 * ms)
	}
	pay := jitter(96 * ms)
	if fails {
		pay = jitter(262 * ms)
	}
	total := 9*ms + stock + 6*ms + pay + 30*ms
	response := `{"order":{"id":81274,"state":"paid","total":"64.90","currency":"EUR"},"receipt":{"number":"R-2281-77","token":"****"}}`
	if fails {
		response = `{"error":"payment failed","retry":true}`
	}
	web := t.span(span{}, "web", "POST /checkout", server, 0, total, served("POST", "/checkout", code,
		attribute("http.request.body", `{"cart":[{"sku":"teapot-blue","quantity":1,"price":"39.90"},{"sku":"cup","quantity":2,"price":"12.50"}],"customer":{"id":5521,"email":"ada@shop.example","password":"****"},"card":{"number":"4111…","secret":"****"},"voucher":null,"newsletter":false}`),
		attribute("http.response.body", response))...)
	t.span(web, "web", "GET session", client, 1*ms, jitter(1200*time.Microsecond), attribute("db.system.name", "redis"), attribute("db.query.text", "GET session:****"), attribute("server.address", "cache.internal"))
	web.log(2*ms, logspb.SeverityNumber_SEVERITY_NUMBER_INFO, "checkout of 3 items begins", attribute("cart.items", 3))

	at := 4 * ms
	reserve := t.span(web, "web", "POST", client, at, stock, called("POST", "http://catalog.internal:8080/reserve", 200)...)
	catalog := t.span(reserve, "catalog", "POST /reserve", server, at+ms/2, stock-ms, served("POST", "/reserve", 200)...)
	if slow {
		for i := range 24 {
			step := (stock - 3*ms) / 24
			t.span(catalog, "catalog", "SELECT stock", client, at+ms+time.Duration(i)*step, step*9/10,
				statement("postgresql", "catalog", fmt.Sprintf("SELECT s.id, s.quantity, w.name FROM stock s LEFT JOIN warehouse w ON w.id = s.warehouse_id WHERE s.sku = 'part-%d' AND s.quantity > 0 ORDER BY w.distance LIMIT 1", i))...)
		}
		catalog.log(stock/2, logspb.SeverityNumber_SEVERITY_NUMBER_WARN, "24 queries for one reservation: stock is looked up item by item")
	} else {
		t.span(catalog, "catalog", "SELECT stock", client, at+2*ms, stock/3,
			statement("postgresql", "catalog", "SELECT s.id, s.quantity, w.name FROM stock s LEFT JOIN warehouse w ON w.id = s.warehouse_id WHERE s.sku IN ($1, $2) AND s.quantity > 0 ORDER BY w.distance LIMIT 2")...)
		t.span(catalog, "catalog", "UPDATE stock", client, at+2*ms+stock/3+ms, stock/4,
			statement("postgresql", "catalog", "UPDATE stock SET quantity = quantity - $1, reserved_by = $2 WHERE id = $3 RETURNING quantity")...)
	}

	// Prices are worked out beside the payment, so they are on no critical path.
	at += stock + 2*ms
	prices := t.span(web, "web", "price the cart", internal, at, pay*2/5, attribute("cart.items", 3), attribute("pricing.rules", []string{"vat", "volume"}))
	ask := t.span(prices, "web", "GET", client, at+ms, pay*2/5-2*ms, called("GET", "http://catalog.internal:8080/prices?sku=teapot-blue&sku=cup", 200)...)
	t.span(ask, "catalog", "GET /prices", server, at+2*ms, pay*2/5-4*ms, served("GET", "/prices", 200)...)

	charge := t.span(web, "web", "POST", client, at, pay, called("POST", "http://payments.internal:8000/charges", code)...)
	payments := t.span(charge, "payments", "POST /charges", server, at+ms, pay-2*ms, served("POST", "/charges", code)...)
	bank := t.span(payments, "payments", "POST", client, at+5*ms, pay-9*ms, called("POST", "http://bank.example/v2/charges", bankCode,
		attribute("http.request.body", `{"amount":6490,"currency":"EUR","source":{"number":"4111…","secret":"****"},"idempotency_key":"****"}`))...)
	if fails {
		bank.fail("no answer from bank.example after 0.25 s", "", "")
		payments.fail("no answer from bank.example after 0.25 s", "payments.gateway.GatewayTimeout", stack)
		payments.log(pay-4*ms, logspb.SeverityNumber_SEVERITY_NUMBER_ERROR, "charge failed: no answer from bank.example after 0.25 s", attribute("order.id", 81274), attribute("attempt", 1))
		charge.fail("502 Bad Gateway", "", "")
		web.fail("payment failed", "", "")
		web.log(total-2*ms, logspb.SeverityNumber_SEVERITY_NUMBER_ERROR, `{"event": "checkout.failed", "order": 81274, "reason": "payment", "card_token": "****"}`)
		return t
	}
	bank.event("response.first_byte", (pay-9*ms)*4/5)
	payments.log(pay-4*ms, logspb.SeverityNumber_SEVERITY_NUMBER_INFO, "charge accepted", attribute("order.id", 81274))
	at += pay + ms
	place := t.span(web, "web", "POST", client, at, 18*ms, called("POST", "http://orders.internal:8080/orders", 201)...)
	orders := t.span(place, "orders", "POST /orders", server, at+ms/2, 17*ms, served("POST", "/orders", 201)...)
	insert := t.span(orders, "orders", "transaction", internal, at+ms, 9*ms)
	t.span(insert, "orders", "INSERT orders", client, at+2*ms, 4*ms, statement("postgresql", "orders", "INSERT INTO orders (customer_id, total, currency, card_token) VALUES ($1, $2, 'EUR', '****') RETURNING id")...)
	t.span(insert, "orders", "COMMIT", client, at+7*ms, 3*ms-100*time.Microsecond, statement("postgresql", "orders", "COMMIT")...)
	queued := t.span(orders, "orders", "send orders.placed", producer, at+11*ms, 2*ms, attribute("messaging.system", "rabbitmq"), attribute("messaging.destination.name", "orders.placed"), attribute("messaging.message.body", `{"order":81274,"items":3}`))
	t.span(queued, "warehouse", "process orders.placed", consumer, at+15*ms, 12*ms, attribute("messaging.system", "rabbitmq"), attribute("messaging.destination.name", "orders.placed"))
	return t
}

// browse is a short request, which is most of what a shop does.
func browse(name string, start time.Time) *trace {
	t := newTrace(name, start)
	total := time.Duration(4+t.random.IntN(20)) * ms
	code := 200
	path := [...]string{"/products", "/products/{sku}", "/cart", "/search"}[t.random.IntN(4)]
	if t.random.IntN(12) == 0 {
		code = 404
	}
	web := t.span(span{}, "web", "GET "+path, server, 0, total, served("GET", path, code)...)
	call := t.span(web, "web", "GET", client, ms/2, total-ms, called("GET", "http://catalog.internal:8080"+path, code)...)
	catalog := t.span(call, "catalog", "GET "+path, server, ms, total-2*ms, served("GET", path, code)...)
	t.span(catalog, "catalog", "SELECT products", client, ms*3/2, (total-2*ms)/2, statement("postgresql", "catalog", "SELECT sku, title, price FROM products WHERE visible AND category = $1 ORDER BY rank LIMIT 24")...)
	return t
}

// shop is what the shop does in a minute or so before now.
func shop(now time.Time) []*trace {
	var traces []*trace
	for i := range 36 {
		start := now.Add(-time.Duration(36-i)*1700*ms - 40*time.Second/36)
		switch {
		case i%9 == 4:
			traces = append(traces, checkout(fmt.Sprint("failing ", i), start, false, true))
		case i%9 == 7:
			traces = append(traces, checkout(fmt.Sprint("slow ", i), start, true, false))
		case i%3 == 1:
			traces = append(traces, checkout(fmt.Sprint("checkout ", i), start, false, false))
		default:
			traces = append(traces, browse(fmt.Sprint("browse ", i), start))
		}
	}
	return traces
}

// huge is a trace of n spans: batches of jobs of many services, some of which fail.
func huge(n int, start time.Time) *trace {
	t := newTrace("huge", start)
	length := time.Duration(n) * 2 * ms
	root := t.span(span{}, "scheduler", "nightly import", internal, 0, length)
	var batch, job span
	for i := 1; i < n; i++ {
		at := time.Duration(i) * 2 * ms
		service := fmt.Sprintf("worker-%d", i/100%11)
		switch {
		case i%100 == 1:
			batch = t.span(root, "scheduler", fmt.Sprintf("batch %d", i/100), internal, at, min(200*ms, length-at))
		case i%10 == 2:
			job = t.span(batch, service, "import record", consumer, at, 16*ms)
		default:
			s := t.span(job, service, "INSERT records", client, at, time.Duration(1+i%3)*ms, statement("postgresql", "imports", "INSERT INTO records (id, body) VALUES ($1, $2)")...)
			if i%997 == 0 {
				s.fail("duplicate key value violates unique constraint \"records_pkey\"", "", "")
			}
		}
	}
	return t
}

// hostile is a trace by somebody who wishes the reader ill. Whatever of it ran would set window.harmed or ask for
// harm.example.
func hostile(start time.Time) *trace {
	const markup = `<img src="http://harm.example/a.png" onerror="window.harmed=1"><script>window.harmed=2</script><style>@import "http://harm.example/b.css"</style>`
	t := newTrace("hostile", start)
	root := t.span(span{}, `web<script>window.harmed=3</script>`, markup, server, 0, 50*ms,
		attribute("http.request.method", "GET"), attribute("url.full", `javascript:window.harmed=4`), attribute("http.response.status_code", 200),
		attribute("http.request.headers", `{"x": "<svg onload=window.harmed=5>", "__proto__": "`+"\u202e"+`"}`),
		attribute("http.request.body", `{"a": "</span><script>window.harmed=6</script>", "deep": `+strings.Repeat(`[`, 3000)),
		attribute("db.query.text", "SELECT '"+strings.Repeat("(", 5000)+markup),
		attribute(markup, markup),
		attribute("style", "position:fixed;inset:0"),
		attribute("reversed", "safe\u202egnp.exe\u2066 and \u200bhidden\x00\x1b[31m"),
		attribute("gigantic", strings.Repeat("0123456789abcdef", 1<<16)),
		attribute("large integer", int64(9007199254740993)),
		attribute("constructor", "x"), attribute("toString", "y"))
	root.fail(markup, markup, markup+"\n  at "+strings.Repeat("a", 100000))
	root.event(markup, ms, attribute(markup, markup))
	root.log(ms, logspb.SeverityNumber_SEVERITY_NUMBER_ERROR, markup)
	root.Links = []*tracepb.Span_Link{{TraceId: bytes.Repeat([]byte{7}, 16), SpanId: bytes.Repeat([]byte{7}, 8), Attributes: []*commonpb.KeyValue{attribute(markup, markup)}}}
	root.TraceState = "x=" + strings.Repeat("y", 300)
	parent := root
	for i := range 300 {
		parent = t.span(parent, fmt.Sprintf("service %d \u202e%s", i%20, strings.Repeat("x", 200)), strings.Repeat("very long name ", 1000), internal, time.Duration(i)*50*time.Microsecond, ms)
	}
	return t
}

// orphans is a trace whose root and one parent are missing.
func orphans(start time.Time) *trace {
	t := newTrace("orphans", start)
	lost := t.span(span{}, "nowhere", "lost", server, 0, ms)
	t.forget()
	t.span(lost, "payments", "POST /refunds", server, 0, 30*ms, served("POST", "/refunds", 200)...)
	t.span(lost, "payments", "refund later", internal, 40*ms, 5*ms)
	return t
}
