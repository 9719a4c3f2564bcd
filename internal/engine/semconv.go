package engine

import (
	"slices"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

// renamed is the one table of the attribute names that the stable semantic
// conventions have replaced, for OTEL_SEMCONV_STABILITY_OPT_IN=http/dup and
// database/dup. http.target and http.host, which need two attributes each, are
// in oldNames.finish.
var renamed = map[string]struct {
	convention convention
	old        string            // "" when it depends on the kind of span:
	server     string            // of server and consumer spans
	client     string            // of all others
	values     map[string]string // values that have changed too
}{
	"http.request.method":       {convention: http, old: "http.method"},
	"http.response.status_code": {convention: http, old: "http.status_code"},
	"http.request.body.size":    {convention: http, old: "http.request_content_length"},
	"http.response.body.size":   {convention: http, old: "http.response_content_length"},
	"url.full":                  {convention: http, old: "http.url"},
	"url.scheme":                {convention: http, old: "http.scheme"},
	"user_agent.original":       {convention: http, old: "http.user_agent"},
	"client.address":            {convention: http, old: "http.client_ip"},
	"server.address":            {convention: http | database, server: "net.host.name", client: "net.peer.name"},
	"server.port":               {convention: http | database, server: "net.host.port", client: "net.peer.port"},
	"network.peer.address":      {convention: http | database, old: "net.sock.peer.addr"},
	"network.peer.port":         {convention: http | database, old: "net.sock.peer.port"},
	"network.local.address":     {convention: http, old: "net.sock.host.addr"},
	"network.protocol.name":     {convention: http, old: "net.protocol.name"},
	"network.protocol.version":  {convention: http, old: "http.flavor", values: map[string]string{"1": "1.0", "2": "2.0", "3": "3.0"}},
	"db.namespace":              {convention: database, old: "db.name"},
	"db.query.text":             {convention: database, old: "db.statement"},
	"db.operation.name":         {convention: database, old: "db.operation"},
	"db.collection.name":        {convention: database, old: "db.sql.table"},
	"db.system.name":            {convention: database, old: "db.system", values: oldSystems},
}

var oldSystems = map[string]string{
	"actian.ingres": "ingres", "aws.dynamodb": "dynamodb", "aws.redshift": "redshift", "azure.cosmosdb": "cosmosdb",
	"gcp.spanner": "spanner", "ibm.db2": "db2", "ibm.informix": "informix", "microsoft.sql_server": "mssql",
	"oracle.db": "oracle", "sap.hana": "hanadb", "sap.maxdb": "maxdb", "softwareag.adabas": "adabas",
}

type convention byte

const (
	http convention = 1 << iota
	database
)

// oldNames adds to one span the attributes by their former names.
type oldNames struct {
	wanted  convention // of this span; 0 for none
	kind    otlp.Kind
	has     []string // keys the span has: what the app sets itself is not set again
	path    []byte
	query   []byte
	address []byte
	port    int64
}

// begin learns what keys a span has, before its attributes are written.
func (o *oldNames) begin(enabled convention, kind otlp.Kind) {
	*o = oldNames{has: o.has[:0], kind: kind, wanted: enabled}
}

func (o *oldNames) saw(key string) { o.has = append(o.has, key) }

// ready decides by the keys which conventions the span follows.
func (o *oldNames) ready() {
	var follows convention
	if slices.Contains(o.has, "http.request.method") {
		follows |= http
	}
	if slices.Contains(o.has, "db.system.name") {
		follows |= database
	}
	o.wanted &= follows
}

// name returns the former name of key, "" when there is none to be added, and
// with it the value to be used when that has changed.
func (o *oldNames) name(key string, value []byte) (string, []byte) {
	row, ok := renamed[key]
	if !ok || row.convention&o.wanted == 0 {
		return "", nil
	}
	old := row.old
	switch {
	case old != "":
	case o.isServer():
		old = row.server
	default:
		old = row.client
	}
	if slices.Contains(o.has, old) {
		return "", nil
	}
	if former, ok := row.values[string(value)]; ok {
		value = []byte(former)
	}
	return old, value
}

func (o *oldNames) isServer() bool {
	return o.kind == otlp.KindServer || o.kind == otlp.KindConsumer
}

func (o *oldNames) text(span *otlp.Span, key string, value []byte) {
	switch key {
	case "url.path":
		o.path = value
	case "url.query":
		o.query = value
	case "server.address":
		o.address = value
	}
	if old, value := o.name(key, value); old != "" {
		span.StringBytes(old, value)
	}
}

func (o *oldNames) int(span *otlp.Span, key string, value int64) {
	if key == "server.port" {
		o.port = value
	}
	if old, _ := o.name(key, nil); old != "" {
		span.Int(old, value)
	}
}

// finish adds what is made of more than one attribute.
func (o *oldNames) finish(d *decoder) {
	if o.wanted&http == 0 {
		return
	}
	if len(o.path) > 0 && !slices.Contains(o.has, "http.target") {
		start := len(d.scratch)
		d.scratch = append(d.scratch, o.path...)
		if len(o.query) > 0 {
			d.scratch = append(append(d.scratch, '?'), o.query...)
		}
		d.span.StringBytes("http.target", d.cut(d.scratch[start:]))
	}
	if len(o.address) > 0 && o.isServer() && !slices.Contains(o.has, "http.host") {
		start := len(d.scratch)
		d.scratch = append(d.scratch, o.address...)
		if o.port > 0 && o.port != 80 && o.port != 443 {
			d.scratch = append(d.scratch, ':')
			d.scratch = appendInt(d.scratch, o.port)
		}
		d.span.StringBytes("http.host", d.scratch[start:])
	}
}
