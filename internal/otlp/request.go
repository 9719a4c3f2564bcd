package otlp

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Attribute is a key and its value: a string, bool, int64, float64, []byte, a
// list ([]any) or a map that keeps its order ([]Attribute). NewResource also
// takes int, []string and anything else, which it prints as fmt.Sprint does.
type Attribute struct {
	Key   string
	Value any
}

// Resource is an encoded resource: whose spans these are. It is immutable and
// safe for concurrent use. Spans are grouped in a request by the identity of
// their *Resource, so make one for each process, not one for each span.
type Resource struct {
	attributes []Attribute // nil of one that was read
	schemaURL  string
	encoded    []byte // the fields of ResourceSpans other than scope_spans
}

// Field numbers of resource.v1, common.v1 and ResourceSpans, ScopeSpans.
const (
	requestResourceSpans                       = 1
	resourceSpansResource, resourceSpansScopes = 1, 2
	resourceSpansSchema                        = 3
	resourceAttributes, resourceDropped        = 1, 2
	scopeSpansScope, scopeSpansSpans           = 1, 2
	scopeSpansSchema                           = 3
	scopeName, scopeVersion                    = 1, 2
	scopeAttributes, scopeDropped              = 3, 4
	responsePartialSuccess                     = 1
	partialRejected, partialMessage            = 1, 2
)

// NewResource encodes a resource. It keeps attrs, which must not change after.
// An empty schemaURL is left out.
func NewResource(attrs []Attribute, schemaURL string) *Resource {
	var body []byte
	for _, a := range attrs {
		body = appendAttribute(body, resourceAttributes, a)
	}
	r := &Resource{attributes: attrs, schemaURL: valid(schemaURL)}
	r.encoded = appendText(nil, resourceSpansResource, body)
	if r.schemaURL != "" {
		r.encoded = appendText(r.encoded, resourceSpansSchema, r.schemaURL)
	}
	return r
}

// Attributes returns what NewResource was given, or what there is in the request
// that the resource was read from, up to a damage; it must not be changed.
func (r *Resource) Attributes() []Attribute {
	if r.attributes != nil {
		return r.attributes
	}
	var attributes []Attribute
	r.each(func(field *reader) { attributes = field.attribute(attributes, 0) })
	return attributes
}

// EachAttribute calls f with each attribute as it is encoded, up to a damage, so
// that it takes no memory.
func (r *Resource) EachAttribute(f func(key []byte, value RawValue)) {
	r.each(func(field *reader) {
		var key []byte
		var value RawValue
		if key, value, field.err = scanAttribute(field.data); field.err == nil {
			f(key, value)
		}
	})
}

// each calls f with a reader at the field of each attribute.
func (r *Resource) each(f func(field *reader)) {
	outer := reader{rest: r.encoded}
	for outer.next() {
		if !outer.is(resourceSpansResource, wireBytes) {
			continue
		}
		inner := reader{rest: outer.data}
		for inner.next() {
			if inner.is(resourceAttributes, wireBytes) {
				f(&inner)
			}
		}
	}
}

// SchemaURL returns the schema that the attributes follow, or "".
func (r *Resource) SchemaURL() string { return r.schemaURL }

// Size is the memory the resource holds, in bytes, approximately.
func (r *Resource) Size() int { return 2*len(r.encoded) + 48*len(r.attributes) }

// Scope is an encoded instrumentation scope: what made these spans. It is
// immutable and safe for concurrent use, and groups spans by identity, as a
// Resource does.
type Scope struct {
	name, version string
	encoded       []byte // the scope field of ScopeSpans
}

// NewScope encodes a scope. An empty version is left out.
func NewScope(name, version string) *Scope {
	s := &Scope{name: valid(name), version: valid(version)}
	var body []byte
	if s.name != "" {
		body = appendText(body, scopeName, s.name)
	}
	if s.version != "" {
		body = appendText(body, scopeVersion, s.version)
	}
	s.encoded = appendText(nil, scopeSpansScope, body)
	return s
}

// Name returns the scope's name.
func (s *Scope) Name() string { return s.name }

// Version returns the scope's version, or "".
func (s *Scope) Version() string { return s.version }

// Group is the part of a request that has one resource. Neither it nor its
// scopes may be nil.
type Group struct {
	Resource *Resource
	Scopes   []ScopeSpans
}

// ScopeSpans are encoded spans that have one resource and one scope.
type ScopeSpans struct {
	Scope *Scope
	Spans [][]byte
}

// AppendRequest appends the body of an export request in protobuf
// (ExportTraceServiceRequest, which is also TracesData) to dst, growing it once
// and no further than needed.
func AppendRequest(dst []byte, groups []Group) []byte {
	size := 0
	for _, g := range groups {
		size += sizeBytes(groupSize(g))
	}
	dst = slices.Grow(dst, size)
	for _, g := range groups {
		dst = appendHeader(dst, requestResourceSpans, groupSize(g))
		dst = append(dst, g.Resource.encoded...)
		for _, s := range g.Scopes {
			dst = appendHeader(dst, resourceSpansScopes, scopeSize(s))
			dst = append(dst, s.Scope.encoded...)
			for _, span := range s.Spans {
				dst = appendText(dst, scopeSpansSpans, span)
			}
		}
	}
	return dst
}

func groupSize(g Group) int {
	n := len(g.Resource.encoded)
	for _, s := range g.Scopes {
		n += sizeBytes(scopeSize(s))
	}
	return n
}

func scopeSize(s ScopeSpans) int {
	n := len(s.Scope.encoded)
	for _, span := range s.Spans {
		n += sizeBytes(len(span))
	}
	return n
}

// ParseRequest takes the body of an export request apart, of spans or, since
// the two are built alike, of log records, which are then what Spans holds.
// AppendRequest makes the same of the result, unknown fields included. It does
// not look into the spans, which are slices of b, and refuses a request in which
// groups, scopes and spans are more than most. At an error the groups before the
// damage are returned.
func ParseRequest(b []byte, most int) ([]Group, error) {
	var groups []Group
	r := reader{rest: b}
	count := func() error {
		if most--; most < 0 {
			return errTooMany
		}
		return nil
	}
	for r.next() {
		if r.is(requestResourceSpans, wireBytes) {
			if r.err = count(); r.err != nil {
				break
			}
			var g Group
			g, r.err = parseGroup(r.data, count)
			groups = append(groups, g)
		}
	}
	return groups, r.err
}

var errTooMany = errors.New("the request consists of too many parts")

func parseGroup(b []byte, count func() error) (g Group, err error) {
	res := new(Resource)
	g.Resource = res
	res.encoded, err = otherFields(b, resourceSpansScopes, func(data []byte) error {
		if err := count(); err != nil {
			return err
		}
		s, err := parseScope(data, count)
		g.Scopes = append(g.Scopes, s)
		return err
	})
	r := reader{rest: res.encoded, err: err}
	for r.next() {
		if r.is(resourceSpansSchema, wireBytes) {
			res.schemaURL = r.text()
		}
	}
	return g, r.err
}

func parseScope(b []byte, count func() error) (s ScopeSpans, err error) {
	scope := new(Scope)
	s.Scope = scope
	scope.encoded, err = otherFields(b, scopeSpansSpans, func(data []byte) error {
		s.Spans = append(s.Spans, data)
		return count()
	})
	r := reader{rest: scope.encoded, err: err}
	for r.next() {
		if !r.is(scopeSpansScope, wireBytes) {
			continue
		}
		inner := reader{rest: r.data}
		for inner.next() {
			switch {
			case inner.is(scopeName, wireBytes):
				scope.name = inner.text()
			case inner.is(scopeVersion, wireBytes):
				scope.version = inner.text()
			}
		}
		r.err = inner.err
	}
	return s, r.err
}

// otherFields returns a copy of a message's fields without those numbered
// field, which are messages that it gives to f.
func otherFields(b []byte, field uint64, f func(data []byte) error) (others []byte, err error) {
	r := reader{rest: b}
	for {
		before := r.rest
		if !r.next() {
			return others, r.err
		}
		if r.is(field, wireBytes) {
			r.err = f(r.data)
		} else {
			others = append(others, before[:len(before)-len(r.rest)]...)
		}
	}
}

// ParsePartialSuccess reads the body of a successful answer
// (ExportTraceServiceResponse): how many spans the backend rejected all the
// same, and what it has to say.
func ParsePartialSuccess(b []byte) (rejected int64, message string, err error) {
	r := reader{rest: b}
	for r.next() {
		if r.is(responsePartialSuccess, wireBytes) {
			if rejected, message, err = parseNumberAndText(r.data); err != nil {
				return rejected, message, err
			}
		}
	}
	return rejected, message, r.err
}

// ParseStatus reads the body of an unsuccessful answer (google.rpc.Status): the
// backend's message.
func ParseStatus(b []byte) (message string, err error) {
	_, message, err = parseNumberAndText(b)
	return message, err
}

// parseNumberAndText reads ExportTracePartialSuccess, and google.rpc.Status,
// which has the same shape.
func parseNumberAndText(b []byte) (number int64, text string, err error) {
	r := reader{rest: b}
	for r.next() {
		switch {
		case r.is(partialRejected, wireVarint):
			number = int64(r.num)
		case r.is(partialMessage, wireBytes):
			text = valid(string(r.data))
		}
	}
	return number, text, r.err
}

// AppendPartialSuccess appends the body of a successful answer, which says that
// so many spans were rejected all the same, and why. With neither it is empty.
func AppendPartialSuccess(dst []byte, rejected int64, message string) []byte {
	if rejected == 0 && message == "" {
		return dst
	}
	return appendText(dst, responsePartialSuccess, appendNumberAndText(nil, rejected, message))
}

// AppendStatus appends the body of an unsuccessful answer: a code of
// google.rpc.Code, and what is wrong.
func AppendStatus(dst []byte, code int32, message string) []byte {
	return appendNumberAndText(dst, int64(code), message)
}

func appendNumberAndText(dst []byte, number int64, text string) []byte {
	if number != 0 {
		dst = appendUint(dst, partialRejected, uint64(number))
	}
	if text != "" {
		dst = appendText(dst, partialMessage, valid(text))
	}
	return dst
}

func appendAttribute(b []byte, field byte, a Attribute) []byte {
	key, value := valid(a.Key), appendAny(nil, a.Value)
	b = appendHeader(b, field, sizeBytes(len(key))+sizeBytes(len(value)))
	b = appendText(b, keyValueKey, key)
	return appendText(b, keyValueValue, value)
}

// appendAny appends an AnyValue. It is for resources, made once: it allocates.
func appendAny(b []byte, value any) []byte {
	switch v := value.(type) {
	case nil:
		return b
	case string:
		return appendText(b, anyString, valid(v))
	case bool:
		return append(b, tag(anyBool, wireVarint), bit(v))
	case int:
		return appendUint(b, anyInt, uint64(v))
	case int64:
		return appendUint(b, anyInt, uint64(v))
	case float64:
		return appendFixed64(b, anyDouble, math.Float64bits(v))
	case []byte:
		return appendText(b, anyBytes, v)
	case []string:
		return appendArray(b, v)
	case []any:
		return appendArray(b, v)
	case []Attribute:
		var list []byte
		for _, e := range v {
			list = appendAttribute(list, listValues, e)
		}
		return appendText(b, anyList, list)
	default:
		return appendText(b, anyString, valid(fmt.Sprint(v)))
	}
}

func appendArray[T any](b []byte, values []T) []byte {
	var list []byte
	for _, v := range values {
		list = appendText(list, arrayValues, appendAny(nil, v))
	}
	return appendText(b, anyArray, list)
}
