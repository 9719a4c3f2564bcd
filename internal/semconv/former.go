package semconv

import (
	"slices"
	"strconv"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

// renamed is the one table of the attribute names that the stable semantic
// conventions have replaced, for OTEL_SEMCONV_STABILITY_OPT_IN=http/dup and
// database/dup. http.target and http.host, which need two attributes each, are
// in FormerNames.Finish.
var renamed = map[string]struct {
	convention Convention
	old        string            // "" when it depends on the kind of span:
	server     string            // of server and consumer spans
	client     string            // of all others
	values     map[string]string // values that have changed too
}{
	"http.request.method":       {convention: HTTP, old: "http.method"},
	"http.response.status_code": {convention: HTTP, old: "http.status_code"},
	"http.request.body.size":    {convention: HTTP, old: "http.request_content_length"},
	"http.response.body.size":   {convention: HTTP, old: "http.response_content_length"},
	"url.full":                  {convention: HTTP, old: "http.url"},
	"url.scheme":                {convention: HTTP, old: "http.scheme"},
	"user_agent.original":       {convention: HTTP, old: "http.user_agent"},
	"client.address":            {convention: HTTP, old: "http.client_ip"},
	"server.address":            {convention: HTTP | Database, server: "net.host.name", client: "net.peer.name"},
	"server.port":               {convention: HTTP | Database, server: "net.host.port", client: "net.peer.port"},
	"network.peer.address":      {convention: HTTP | Database, old: "net.sock.peer.addr"},
	"network.peer.port":         {convention: HTTP | Database, old: "net.sock.peer.port"},
	"network.local.address":     {convention: HTTP, old: "net.sock.host.addr"},
	"network.protocol.name":     {convention: HTTP, old: "net.protocol.name"},
	"network.protocol.version":  {convention: HTTP, old: "http.flavor", values: map[string]string{"1": "1.0", "2": "2.0", "3": "3.0"}},
	"db.namespace":              {convention: Database, old: "db.name"},
	"db.query.text":             {convention: Database, old: "db.statement"},
	"db.operation.name":         {convention: Database, old: "db.operation"},
	"db.collection.name":        {convention: Database, old: "db.sql.table"},
	"db.system.name":            {convention: Database, old: "db.system", values: oldSystems},
}

var oldSystems = map[string]string{
	"actian.ingres": "ingres", "aws.dynamodb": "dynamodb", "aws.redshift": "redshift", "azure.cosmosdb": "cosmosdb",
	"gcp.spanner": "spanner", "ibm.db2": "db2", "ibm.informix": "informix", "microsoft.sql_server": "mssql",
	"oracle.db": "oracle", "sap.hana": "hanadb", "sap.maxdb": "maxdb", "softwareag.adabas": "adabas",
}

// Convention is one whose names have changed.
type Convention byte

// The conventions, which can be joined.
const (
	HTTP Convention = 1 << iota
	Database
)

// FormerNames adds to one span the attributes by their former names.
type FormerNames struct {
	wanted  Convention // of this span; 0 for none
	kind    otlp.Kind
	has     []string // keys the span has: what the app sets itself is not set again
	path    []byte
	query   []byte
	address []byte
	port    int64
}

// Begin starts a span. What keys it has is to be said with Saw before Ready, and Ready before its attributes are
// written.
func (o *FormerNames) Begin(enabled Convention, kind otlp.Kind) {
	*o = FormerNames{has: o.has[:0], kind: kind, wanted: enabled}
}

// Saw says that the span has an attribute.
func (o *FormerNames) Saw(key string) { o.has = append(o.has, key) }

// Ready decides by the keys which conventions the span follows.
func (o *FormerNames) Ready() {
	var follows Convention
	if slices.Contains(o.has, "http.request.method") {
		follows |= HTTP
	}
	if slices.Contains(o.has, "db.system.name") {
		follows |= Database
	}
	o.wanted &= follows
}

// name returns the former name of key, "" when there is none to be added, and
// with it the value to be used when that has changed.
func (o *FormerNames) name(key string, value []byte) (string, []byte) {
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

func (o *FormerNames) isServer() bool {
	return o.kind == otlp.KindServer || o.kind == otlp.KindConsumer
}

// Text adds what a text attribute was called before.
func (o *FormerNames) Text(span *otlp.Span, key string, value []byte) {
	if o.wanted == 0 {
		return
	}
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

// Int adds what an integer attribute was called before.
func (o *FormerNames) Int(span *otlp.Span, key string, value int64) {
	if o.wanted == 0 {
		return
	}
	if key == "server.port" {
		o.port = value
	}
	if old, _ := o.name(key, nil); old != "" {
		span.Int(old, value)
	}
}

// Finish adds what is made of more than one attribute, texts cut at limit. It
// makes them in scratch, which it returns.
func (o *FormerNames) Finish(span *otlp.Span, scratch []byte, limit int) []byte {
	wanted := o.wanted
	o.wanted = 0
	if wanted&HTTP == 0 {
		return scratch
	}
	if len(o.path) > 0 && !slices.Contains(o.has, "http.target") {
		start := len(scratch)
		scratch = append(scratch, o.path...)
		if len(o.query) > 0 {
			scratch = append(append(scratch, '?'), o.query...)
		}
		span.StringBytes("http.target", Cut(scratch[start:], limit))
	}
	if len(o.address) > 0 && o.isServer() && !slices.Contains(o.has, "http.host") {
		start := len(scratch)
		scratch = append(scratch, o.address...)
		if o.port > 0 && o.port != 80 && o.port != 443 {
			scratch = strconv.AppendInt(append(scratch, ':'), o.port, 10)
		}
		span.StringBytes("http.host", scratch[start:])
	}
	return scratch
}
