package store

import (
	"errors"
	"hash/maphash"
	"slices"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

// The index of a segment holds no pointers but to its own few blocks, so that the garbage collector has nothing to
// look for in it, and goes as a whole when the segment does.

// segment is a medium and the index of what is in it.
type segment struct {
	number uint64
	medium medium
	disk   bool
	size   int64

	spans  blocks[spanEntry]
	logs   blocks[logEntry]
	groups []*group
	known  map[string]uint32 // the groups' requests
	texts  []string          // the first is empty
	ids    map[string]uint32 // of texts
	traces []*trace          // that have a part here
	memory int64             // of the index, in bytes, approximately
}

// spanEntry is what is known of a span without reading it.
type spanEntry struct {
	spanID, parentID    SpanID
	start, end          uint64
	at, size            uint32 // of the span in the segment
	before              uint32 // the entry before of the same trace, counted from 1
	group               uint32
	name, message, peer uint32 // texts
	attributes, events  uint16 // at most 65535
	httpStatus          uint16
	kind, status        uint8
}

type logEntry struct {
	spanID   SpanID
	time     uint64
	mark     uint64 // its fingerprint
	at, size uint32
	before   uint32
	group    uint32
}

// group is a resource and a scope.
type group struct {
	request        []byte // of one resource and one scope, without spans
	service, scope uint32 // texts
}

// trace is what is known of a trace.
type trace struct {
	id      TraceID
	parts   []part // by segment, oldest first
	seen    fingerprints
	changed uint64 // when, by the store's count of changes

	newer, older *trace // by changed
}

// part is what a segment has of a trace.
type part struct {
	segment         *segment
	lastSpan, spans uint32 // entry, counted from 1, and number
	lastLog, logs   uint32
}

// Approximate sizes in memory of what is in an index.
const (
	traceMemory = int64(unsafe.Sizeof(trace{})+unsafe.Sizeof(part{})) + 64 // its slot in the map, and pointers to it
	spanMemory  = int64(unsafe.Sizeof(spanEntry{})) + 8                    // its fingerprint
	logMemory   = int64(unsafe.Sizeof(logEntry{})) + 8
	textMemory  = 64
)

// blocks is a list that grows without moving.
type blocks[T any] struct {
	list []*[blockLength]T
	n    int
}

const blockLength = 128

// add appends v and returns its place, counted from 1.
func (b *blocks[T]) add(v T) uint32 {
	if b.n%blockLength == 0 {
		b.list = append(b.list, new([blockLength]T))
	}
	b.list[b.n/blockLength][b.n%blockLength] = v
	b.n++
	return uint32(b.n)
}

// at returns the element at a place, counted from 1.
func (b *blocks[T]) at(place uint32) *T {
	return &b.list[(place-1)/blockLength][(place-1)%blockLength]
}

func newSegment(number uint64, m medium, disk bool) *segment {
	return &segment{
		number: number, medium: m, disk: disk, size: int64(len(segmentHeader)),
		known: map[string]uint32{}, texts: []string{""}, ids: map[string]uint32{"": 0},
	}
}

// mostText bounds the texts of the index, in bytes. What is longer is cut short there, not in the segment.
const mostText = 512

// shorten gives a text as it stands in the index.
func shorten(v string) string {
	if len(v) <= mostText {
		return v
	}
	cut := mostText
	for !utf8.RuneStart(v[cut]) {
		cut--
	}
	return v[:cut] + "…"
}

// text returns the number of a text, which need not stay as it is.
func (s *segment) text(v string) uint32 {
	v = shorten(v)
	if id, ok := s.ids[v]; ok {
		return id
	}
	v = strings.Clone(v)
	id := uint32(len(s.texts))
	s.texts = append(s.texts, v)
	s.ids[v] = id
	s.memory += int64(len(v)) + textMemory
	return id
}

// addGroup notes a group, which gets the next number. It calls onKey with the keys of the resource.
func (s *segment) addGroup(request []byte, onKey func([]byte)) {
	g := &group{request: request}
	if item, err := g.read(); err == nil {
		item.Resource.EachAttribute(func(key []byte, value otlp.RawValue) {
			onKey(key)
			if string(key) == "service.name" {
				g.service = s.text(value.Text())
			}
		})
		g.scope = s.text(item.Scope.Name())
	}
	s.known[string(request)] = uint32(len(s.groups))
	s.groups = append(s.groups, g)
	s.memory += 2*int64(len(request)) + textMemory
}

// read returns an item without bytes.
func (g *group) read() (Item, error) {
	groups, err := otlp.ParseRequest(g.request, 2)
	if err != nil || len(groups) != 1 || len(groups[0].Scopes) != 1 {
		return Item{}, errors.New("its resource is damaged")
	}
	return Item{Resource: groups[0].Resource, Scope: groups[0].Scopes[0].Scope}, nil
}

// part returns what the trace has in the segment.
func (t *trace) part(s *segment) *part {
	if n := len(t.parts); n > 0 && t.parts[n-1].segment == s {
		return &t.parts[n-1]
	}
	t.parts = append(t.parts, part{segment: s})
	s.traces = append(s.traces, t)
	s.memory += traceMemory
	return &t.parts[len(t.parts)-1]
}

// eachSpan calls f with the trace's spans, the later ones of a segment first.
func (t *trace) eachSpan(f func(*segment, *spanEntry)) {
	for _, p := range t.parts {
		for at := p.lastSpan; at > 0; {
			e := p.segment.spans.at(at)
			at = e.before
			f(p.segment, e)
		}
	}
}

func (t *trace) eachLog(f func(*segment, *logEntry)) {
	for _, p := range t.parts {
		for at := p.lastLog; at > 0; {
			e := p.segment.logs.at(at)
			at = e.before
			f(p.segment, e)
		}
	}
}

func (t *trace) count() (spans, logs int) {
	for _, p := range t.parts {
		spans += int(p.spans)
		logs += int(p.logs)
	}
	return spans, logs
}

// fingerprints tells what was there before: exporters send again what they are not sure of, and files may be
// imported twice.
type fingerprints struct {
	few  []uint64
	many map[uint64]struct{} // when there are too many to look through
}

const fewFingerprints = 32

func (p *fingerprints) has(f uint64) bool {
	_, known := p.many[f]
	return known || slices.Contains(p.few, f)
}

// add adds f, and reports whether it is new.
func (p *fingerprints) add(f uint64) bool {
	if p.has(f) {
		return false
	}
	if p.many != nil {
		p.many[f] = struct{}{}
		return true
	}
	p.few = append(p.few, f)
	if len(p.few) > fewFingerprints {
		p.many = make(map[uint64]struct{}, 2*len(p.few))
		for _, f := range p.few {
			p.many[f] = struct{}{}
		}
		p.few = nil
	}
	return true
}

var seed = maphash.MakeSeed()

// fingerprint of a span is that of all that makes it another one; not that of its bytes, which may be encoded
// anew on their way through a file.
func fingerprint(id, parent SpanID, start, end uint64, name string) uint64 {
	return maphash.Comparable(seed, struct {
		id, parent SpanID
		start, end uint64
		name       string
	}{id, parent, start, end, name})
}

// logFingerprint is likewise that of a log record.
func logFingerprint(l *otlp.LogData, body otlp.RawValue) uint64 {
	return maphash.Comparable(seed, struct {
		spanID         SpanID
		time, observed uint64
		severity       int32
		body           string
	}{l.SpanID, l.Time, l.Observed, l.Severity, string(body)})
}
