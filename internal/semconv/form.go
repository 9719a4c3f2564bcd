package semconv

import (
	"bytes"
	"strings"

	"github.com/lumigo-io/opentelemetry-distro/internal/mask"
)

// SkipExport is the attribute that keeps a span from being exported, when it is
// the boolean true.
const SkipExport = "SKIP_EXPORT"

// Form is how an attribute's value is to be masked.
type Form byte

// The forms.
const (
	Plain       Form = iota
	Dump             // any value, as masked JSON text
	Headers          // a dict or pairs, as a masked JSON object
	Body             // text or bytes, perhaps cut
	Address          // a URL or a part of one that may have a query
	Query            // a query string alone
	Statement        // SQL
	Parameters       // what a statement's placeholders stand for
	NamedSecret      // the rest of the attribute's name says whether it is one
	KeepEnd          // a stack trace, whose end matters most
	Message          // text for people
	Arguments        // those of a command line
)

// FormOf decides by an attribute's name alone; the category is whose patterns
// apply. For NamedSecret, rest is the name that they are matched against.
func FormOf(key string) (f Form, c mask.Category, rest string) {
	switch key {
	case "http.request.headers":
		return Headers, mask.RequestHeaders, ""
	case "http.response.headers":
		return Headers, mask.ResponseHeaders, ""
	case "http.request.body", "rpc.grpc.request.payload":
		return Body, mask.RequestBodies, ""
	case "http.response.body", "rpc.grpc.response.payload":
		return Body, mask.ResponseBodies, ""
	case "db.request.body", "db.response.body":
		return Body, mask.General, ""
	case "gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions":
		return Body, mask.General, ""
	case "url.full", "url.path", "http.url", "http.target", "http.request.path":
		return Address, mask.QueryParameters, ""
	case "url.query", "http.request.query_string":
		return Query, mask.QueryParameters, ""
	case "db.query.text", "db.statement":
		return Statement, mask.General, ""
	case "db.statement.parameters":
		return Parameters, mask.General, ""
	case "input_args", "input_kwargs", "return_value", "faas.event", "faas.return_value":
		return Dump, mask.General, ""
	case "exception.stacktrace":
		return KeepEnd, mask.General, ""
	case "exception.message", "error.message", "process.command_line":
		return Message, mask.General, ""
	case "process.command_args":
		return Arguments, mask.General, ""
	}
	switch {
	case strings.HasPrefix(key, "http.re"):
		if rest, ok := strings.CutPrefix(key, "http.request.header."); ok {
			return NamedSecret, mask.RequestHeaders, rest
		}
		if rest, ok := strings.CutPrefix(key, "http.response.header."); ok {
			return NamedSecret, mask.ResponseHeaders, rest
		}
	case strings.HasPrefix(key, "messaging."):
		if strings.HasSuffix(key, ".body") {
			return Body, mask.General, ""
		}
	case strings.HasPrefix(key, "rpc.grpc."):
		if strings.HasSuffix(key, ".payload") {
			return Body, mask.General, ""
		}
	case strings.HasPrefix(key, "db.query.parameter."):
		return NamedSecret, mask.General, key[len("db.query.parameter."):]
	}
	return Plain, mask.General, ""
}

// IsSecret says whether the name that a [NamedSecret] goes by is one of a secret.
func IsSecret(m *mask.Masker, c mask.Category, rest string) bool {
	return m.Matches(c, rest) || strings.Contains(rest, "_") && m.Matches(c, strings.ReplaceAll(rest, "_", "-"))
}

// IsURL reports whether a text of any name is a URL, in which a password or a
// key may stand: an address of a broker, the source of a download.
func IsURL(s []byte) bool {
	scheme := bytes.Index(s, []byte("://"))
	return scheme > 0 && scheme < 32 && bytes.IndexByte(s, ' ') < 0
}

// Cut returns the first characters of s, at most limit unless that is negative.
func Cut[T string | []byte](s T, limit int) T {
	if limit < 0 || len(s) <= limit {
		return s
	}
	for i := range len(s) {
		if s[i]&0xC0 != 0x80 { // a character begins
			if limit == 0 {
				return s[:i]
			}
			limit--
		}
	}
	return s
}

// CutFront returns the last characters instead.
func CutFront[T string | []byte](s T, limit int) T {
	if limit < 0 || len(s) <= limit {
		return s
	}
	for i := len(s) - 1; i >= 0; i-- {
		if limit == 0 {
			return s[i+1:]
		}
		if s[i]&0xC0 != 0x80 {
			limit--
		}
	}
	return s
}
