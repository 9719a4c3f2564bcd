package semconv

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
	"github.com/lumigo-io/opentelemetry-distro/internal/mask"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

func TestFormOf(t *testing.T) {
	for key, want := range map[string]struct {
		form     Form
		category mask.Category
		rest     string
	}{
		"http.request.headers":           {Headers, mask.RequestHeaders, ""},
		"http.response.headers":          {Headers, mask.ResponseHeaders, ""},
		"http.request.body":              {Body, mask.RequestBodies, ""},
		"http.response.body":             {Body, mask.ResponseBodies, ""},
		"http.request.body.size":         {Plain, mask.General, ""},
		"rpc.grpc.request.payload":       {Body, mask.RequestBodies, ""},
		"rpc.grpc.response.payload":      {Body, mask.ResponseBodies, ""},
		"rpc.grpc.other.payload":         {Body, mask.General, ""},
		"rpc.grpc.status_code":           {Plain, mask.General, ""},
		"db.request.body":                {Body, mask.General, ""},
		"db.response.body":               {Body, mask.General, ""},
		"messaging.message.body":         {Body, mask.General, ""},
		"messaging.message.body.size":    {Plain, mask.General, ""},
		"url.full":                       {Address, mask.QueryParameters, ""},
		"url.path":                       {Address, mask.QueryParameters, ""},
		"http.url":                       {Address, mask.QueryParameters, ""},
		"http.target":                    {Address, mask.QueryParameters, ""},
		"http.request.path":              {Address, mask.QueryParameters, ""},
		"url.query":                      {Query, mask.QueryParameters, ""},
		"http.request.query_string":      {Query, mask.QueryParameters, ""},
		"db.query.text":                  {Statement, mask.General, ""},
		"db.statement":                   {Statement, mask.General, ""},
		"db.statement.parameters":        {Parameters, mask.General, ""},
		"db.query.parameter.password":    {NamedSecret, mask.General, "password"},
		"http.request.header.x-api-key":  {NamedSecret, mask.RequestHeaders, "x-api-key"},
		"http.response.header.x_api_key": {NamedSecret, mask.ResponseHeaders, "x_api_key"},
		"input_args":                     {Dump, mask.General, ""},
		"input_kwargs":                   {Dump, mask.General, ""},
		"return_value":                   {Dump, mask.General, ""},
		"faas.event":                     {Dump, mask.General, ""},
		"faas.return_value":              {Dump, mask.General, ""},
		"exception.stacktrace":           {KeepEnd, mask.General, ""},
		"exception.message":              {Message, mask.General, ""},
		"error.message":                  {Message, mask.General, ""},
		"process.command_line":           {Message, mask.General, ""},
		"process.command_args":           {Arguments, mask.General, ""},
		"http.response.status_code":      {Plain, mask.General, ""},
		"anything":                       {Plain, mask.General, ""},
		"":                               {Plain, mask.General, ""},
	} {
		if form, category, rest := FormOf(key); form != want.form || category != want.category || rest != want.rest {
			t.Errorf("%q has form %d, category %v, and %q of a name; want %+v", key, form, category, rest, want)
		}
	}
}

func TestIsSecret(t *testing.T) {
	c, _ := config.Parse([]string{`LUMIGO_SECRET_MASKING_REGEX_HTTP_REQUEST_HEADERS=["x-mine"]`})
	m, _ := mask.New(c.Masking, nil)
	for name, want := range map[string]bool{"x-mine": true, "x_mine": true, "X_Mine": true, "xmine": false, "accept": false} {
		if got := IsSecret(m, mask.RequestHeaders, name); got != want {
			t.Errorf("%s is a secret: %v", name, got)
		}
	}
}

func TestIsURL(t *testing.T) {
	for text, want := range map[string]bool{
		"https://h/?token=x": true, "amqp://user:password@host": true, "a://": true,
		"see https://h/": false, "://h": false, "http:/h": false, "": false,
		strings.Repeat("x", 31) + "://h": true, strings.Repeat("x", 32) + "://h": false,
	} {
		if got := IsURL([]byte(text)); got != want {
			t.Errorf("%q is a URL: %v", text, got)
		}
	}
}

func TestCut(t *testing.T) {
	for _, test := range []struct {
		text        string
		limit       int
		first, last string
	}{
		{"abc", 2, "ab", "bc"},
		{"abc", 3, "abc", "abc"},
		{"abc", 4, "abc", "abc"},
		{"abc", 0, "", ""},
		{"abc", -1, "abc", "abc"},
		{"äöü€", 2, "äö", "ü€"},
		{"äöü", 3, "äöü", "äöü"}, // of more bytes than that
		{"äöü", 0, "", ""},
		{"", 1, "", ""},
		{"\xff\xff\xff", 2, "\xff\xff", "\xff\xff"}, // no text, but no reason to fail
	} {
		if got := Cut(test.text, test.limit); got != test.first {
			t.Errorf("the first %d of %q are %q, want %q", test.limit, test.text, got, test.first)
		}
		if got := CutFront([]byte(test.text), test.limit); string(got) != test.last {
			t.Errorf("the last %d of %q are %q, want %q", test.limit, test.text, got, test.last)
		}
	}
}

// add writes an attribute, key=value.
func add(names *FormerNames, span *otlp.Span, attribute string) {
	key, value, _ := strings.Cut(attribute, "=")
	if n, err := strconv.ParseInt(value, 10, 64); err == nil && !strings.HasSuffix(key, "version") {
		span.Int(key, n)
		names.Int(span, key, n)
	} else {
		span.String(key, value)
		names.Text(span, key, []byte(value))
	}
}

func TestFormerNames(t *testing.T) {
	for _, test := range []struct {
		name       string
		enabled    Convention
		kind       otlp.Kind
		attributes string
		want       string // in the order that they are added in
	}{
		{"a server", HTTP, otlp.KindServer,
			"http.request.method=GET url.scheme=https url.path=/a url.query=b=c server.address=h server.port=8443 http.response.status_code=200 client.address=1.2.3.4 network.protocol.version=1.1",
			"http.method=GET http.scheme=https net.host.name=h net.host.port=8443 http.status_code=200 http.client_ip=1.2.3.4 http.flavor=1.1 http.target=/a?b=c http.host=h:8443"},
		{"a server at the usual port", HTTP, otlp.KindServer, "http.request.method=GET server.address=h server.port=443 url.path=/",
			"http.method=GET net.host.name=h net.host.port=443 http.target=/ http.host=h"},
		{"a client", HTTP, otlp.KindClient, "http.request.method=GET url.full=http://h/ server.address=h server.port=80 network.protocol.version=2 http.request.body.size=3",
			"http.method=GET http.url=http://h/ net.peer.name=h net.peer.port=80 http.flavor=2.0 http.request_content_length=3"},
		{"a statement", Database, otlp.KindClient, "db.system.name=microsoft.sql_server db.query.text=SELECT db.operation.name=SELECT db.namespace=n db.collection.name=t server.address=h",
			"db.system=mssql db.statement=SELECT db.operation=SELECT db.name=n db.sql.table=t net.peer.name=h"},
		{"a statement, when those of HTTP are asked for", HTTP, otlp.KindClient, "db.system.name=mysql server.address=h", ""},
		{"something else", HTTP | Database, otlp.KindInternal, "server.address=h server.port=80 url.path=/", ""},
		{"nothing asked for", 0, otlp.KindServer, "http.request.method=GET url.path=/", ""},
		{"what the application has set itself", HTTP, otlp.KindServer, "http.request.method=GET http.method=own http.target=own http.host=own net.host.name=own url.path=/ server.address=h", ""},
		{"a path that is long", HTTP, otlp.KindServer, "http.request.method=GET url.path=/0123456789 url.query=q", "http.method=GET http.target=/01234567"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var names FormerNames
			var span otlp.Span
			attributes := strings.Fields(test.attributes)
			names.Begin(test.enabled, test.kind)
			for _, a := range attributes {
				key, _, _ := strings.Cut(a, "=")
				names.Saw(key)
			}
			names.Ready()
			for _, a := range attributes {
				add(&names, &span, a)
			}
			limit := -1
			if strings.Contains(test.name, "long") {
				limit = 9
			}
			names.Finish(&span, nil, limit)
			names.Finish(&span, nil, limit) // only the first counts
			data, err := otlp.ParseSpan(span.Encoded())
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, a := range data.Attributes {
				if text := fmt.Sprint(a.Key, "=", a.Value); !slices.Contains(attributes, text) {
					got = append(got, text)
				}
			}
			if got := strings.Join(got, " "); got != test.want {
				t.Errorf("added\n%s, want\n%s", got, test.want)
			}
		})
	}
}

func TestFormerNamesOfOneSpanAreNotTheNext(t *testing.T) {
	var names FormerNames
	var span otlp.Span
	names.Begin(HTTP, otlp.KindServer)
	names.Saw("http.request.method")
	names.Saw("http.method")
	names.Ready()
	add(&names, &span, "url.path=/first")
	names.Begin(HTTP, otlp.KindServer)
	names.Saw("http.request.method")
	names.Ready()
	span.Reset()
	add(&names, &span, "http.request.method=GET")
	names.Finish(&span, nil, -1)
	data, _ := otlp.ParseSpan(span.Encoded())
	if len(data.Attributes) != 2 || data.Attributes[1].Key != "http.method" {
		t.Errorf("got %v", data.Attributes)
	}
}
