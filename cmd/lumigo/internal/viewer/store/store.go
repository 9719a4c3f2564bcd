package store

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

// TraceID and SpanID are OpenTelemetry's.
type (
	TraceID [16]byte
	SpanID  [8]byte
)

const (
	// MinSize is the least that may be kept, in bytes.
	MinSize = 16 << 20

	// MaxItem bounds a span, or a log record, in bytes.
	MaxItem = 4 << 20

	mostParts   = 1 << 16     // attributes, values, events and so on of a span
	maxPayload  = 2 * MaxItem // of a frame: a group's may hold a resource and a scope
	maxResource = 256 << 10   // with the scope

	largestSegment = 16 << 20
	mostWrite      = 1 << 20 // bytes that are written at a time, but for a single item
	mostSegments   = 16
	memoryLimit    = 32 << 20 // of segments in memory
	indexLimit     = 48 << 20
	mostKeys       = 2048
	longestKey     = 128
)

// ErrInUse is the error of a directory that another process has opened.
var ErrInUse = errors.New("another viewer is using it")

// Options says what a store keeps, and where.
type Options struct {
	Dir     string       // created if need be, for the user alone; "" to keep all in memory
	MaxSize int64        // bytes of segments, at least MinSize; of those in memory, 32 MiB
	Warn    func(string) // is told, once, that the disk fails, and of damages; must not call the store
}

// Store keeps traces. Its methods are safe for concurrent use.
type Store struct {
	options     Options
	segmentSize int64
	lock        *os.File

	writing sync.Mutex // held by whoever appends
	scanner scanner
	buffer  []byte
	next    uint64 // number of the next segment
	warned  bool   // that the disk fails

	mu       sync.RWMutex // guards the index, and what follows
	segments []*segment   // oldest first; the last is appended to
	traces   map[TraceID]*trace
	recent   trace // the ring of traces by changed: recent.older is the latest
	changes  uint64
	changed  chan struct{} // closed, and replaced, at every change
	keys     map[string]struct{}
	counts   Counts
	problem  string
}

// Counts is the account of a store. Each span received is in one place:
//
//	Received = Spans + Evicted + Duplicates + Rejected + Forgotten
type Counts struct {
	Received   int64 // spans since the store was opened, and those it found then
	Spans      int64 // there now
	Evicted    int64 // gone with their segment
	Duplicates int64 // received again, and kept once
	Rejected   int64 // damaged, too large, or without ids
	Forgotten  int64 // by Clear

	Traces        int64 // that have spans
	Logs          int64 // there now
	EvictedTraces int64 // of which nothing is left

	Bytes    int64 // of all segments
	Capacity int64 // that they may have
	Index    int64 // bytes in memory, approximately

	Persistent bool   // what arrives now is written to disk
	Problem    string // why it is not, "" if it is not meant to be
}

// Open opens the store in a directory, with what is in it, and locks it for this process.
func Open(o Options) (*Store, error) {
	if o.Warn == nil {
		o.Warn = func(string) {}
	}
	s := &Store{options: o, traces: map[TraceID]*trace{}, keys: map[string]struct{}{}, changed: make(chan struct{}), next: 1}
	s.scanner.onKey = s.noteKey
	s.recent.newer, s.recent.older = &s.recent, &s.recent
	if o.Dir == "" {
		s.options.MaxSize = min(cmp.Or(o.MaxSize, memoryLimit), memoryLimit)
	}
	s.segmentSize = min(s.options.MaxSize/mostSegments, largestSegment)
	if o.Dir != "" {
		if err := s.openDirectory(); err != nil {
			return nil, err
		}
	}
	s.counts.Capacity = s.options.MaxSize
	if n := len(s.segments); n == 0 || s.segments[n-1].size >= s.segmentSize {
		s.rotate()
	}
	return s, nil
}

func (s *Store) openDirectory() (err error) {
	if s.lock, err = lockDirectory(s.options.Dir); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	numbers, err := segmentNumbers(s.options.Dir)
	if err != nil {
		return err
	}
	for _, number := range numbers {
		if err := s.openSegment(number); err != nil {
			return err
		}
		s.next = number + 1
		s.evict(0)
	}
	return nil
}

// openSegment reads a segment into the index, and cuts off what was not written whole.
func (s *Store) openSegment(number uint64) error {
	path := segmentPath(s.options.Dir, number)
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return err
	}
	g := newSegment(number, onDisk{file}, true)
	s.segments = append(s.segments, g)
	end, err := readFrames(bufio.NewReaderSize(io.LimitReader(file, math.MaxUint32), 1<<20), func(f frame) { s.replay(g, f) })
	if err != nil {
		return err
	}
	if cut := info.Size() - end; cut > 0 {
		s.options.Warn(fmt.Sprintf("%s was not written to its end, or is damaged: its last %d bytes are cut off", path, cut))
		if err := file.Truncate(end); err != nil {
			return err
		}
	}
	if end == 0 { // there is not even a header
		s.segments = s.segments[:len(s.segments)-1]
		g.medium.Remove()
		return nil
	}
	g.size = end
	s.counts.Bytes += end
	return nil
}

// replay indexes a frame that was there before.
func (s *Store) replay(g *segment, f frame) {
	switch {
	case f.kind == frameGroup:
		g.addGroup(slices.Clone(f.payload), s.noteKey)
	case f.group >= uint32(len(g.groups)):
	case f.kind == frameSpan:
		s.counts.Received++
		if scanned, err := s.scanner.scan(f.payload); err == nil {
			s.indexSpan(g, f.group, &scanned, f.at, len(f.payload))
		} else {
			s.counts.Rejected++
		}
	case f.kind == frameLog:
		if l, body, err := otlp.ScanLog(f.payload); err == nil {
			s.indexLog(g, f.group, &l, logFingerprint(&l, body), f.at, len(f.payload))
		}
	}
}

// Close ends the store. Nothing may be added after.
func (s *Store) Close() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	var failures []error
	for _, g := range s.segments {
		failures = append(failures, g.medium.Close())
	}
	if s.lock != nil {
		failures = append(failures, s.lock.Close())
	}
	return errors.Join(failures...)
}

// item is a span or a log record on its way into a segment.
type item struct {
	kind  byte
	group []byte // its request
	bytes []byte
	at    int64

	span scanned // of a span
	log  otlp.LogData
	mark uint64
}

// AddSpans keeps the spans of a request. It returns how many it rejects, and why, in one line.
func (s *Store) AddSpans(groups []otlp.Group) (rejected int64, reason string) {
	s.writing.Lock()
	defer s.writing.Unlock()
	var items []item
	var total, duplicates int64
	for request, spans := range each(groups) {
		for _, b := range spans {
			total++
			scanned, err := s.scanner.scan(b)
			why := ""
			switch {
			case len(b) > MaxItem:
				why = fmt.Sprintf("a span of %d bytes is too large", len(b))
			case hasTooManyParts(otlp.Traces, b):
				why = "a span consists of too many parts"
			case len(request) > maxResource:
				why = fmt.Sprintf("a resource of %d bytes is too large", len(request))
			case err != nil:
				why = fmt.Sprintf("a span is damaged: %v", err)
			case scanned.TraceID == TraceID{}:
				why = "a span has no trace id"
			case scanned.SpanID == SpanID{}:
				why = "a span has no span id"
			}
			if why != "" {
				rejected, reason = rejected+1, why
				continue
			}
			if s.has(scanned.TraceID, scanned.fingerprint) {
				duplicates++
				continue
			}
			items = append(items, item{kind: frameSpan, group: request, bytes: b, span: scanned})
		}
	}
	s.mu.Lock()
	s.counts.Received += total
	s.counts.Rejected += rejected
	s.counts.Duplicates += duplicates
	s.mu.Unlock()
	s.append(items)
	return rejected, reason
}

// AddLogs keeps the log records of a request that belong to a trace. It returns how many it rejects, and why; those
// of no trace, which nobody could find, are not kept.
func (s *Store) AddLogs(groups []otlp.Group) (rejected int64, reason string) {
	s.writing.Lock()
	defer s.writing.Unlock()
	var items []item
	for request, records := range each(groups) {
		for _, b := range records {
			l, body, err := otlp.ScanLog(b)
			switch {
			case len(b) > MaxItem:
				rejected, reason = rejected+1, fmt.Sprintf("a log record of %d bytes is too large", len(b))
			case hasTooManyParts(otlp.Logs, b):
				rejected, reason = rejected+1, "a log record consists of too many parts"
			case len(request) > maxResource:
				rejected, reason = rejected+1, fmt.Sprintf("a resource of %d bytes is too large", len(request))
			case err != nil:
				rejected, reason = rejected+1, fmt.Sprintf("a log record is damaged: %v", err)
			case l.TraceID != TraceID{}:
				if mark := logFingerprint(&l, body); !s.has(l.TraceID, mark) {
					items = append(items, item{kind: frameLog, group: request, bytes: b, log: l, mark: mark})
				}
			}
		}
	}
	s.append(items)
	return rejected, reason
}

// hasTooManyParts reports whether an item would take much more memory, when it is shown, than its size tells.
func hasTooManyParts(s otlp.Signal, b []byte) bool {
	return len(b) > mostParts && otlp.Parts(s, b, mostParts) == mostParts // each part has a byte at least
}

// has reports whether a trace has an item already. Who holds s.writing need not fear that it gets one meanwhile.
func (s *Store) has(id TraceID, fingerprint uint64) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	t := s.traces[id]
	return t != nil && t.seen.has(fingerprint)
}

// each yields the spans of each scope, with a request of the resource and the scope alone.
func each(groups []otlp.Group) func(func([]byte, [][]byte) bool) {
	return func(yield func([]byte, [][]byte) bool) {
		for _, g := range groups {
			for _, scope := range g.Scopes {
				if len(scope.Spans) == 0 {
					continue
				}
				alone := otlp.Group{Resource: g.Resource, Scopes: []otlp.ScopeSpans{{Scope: scope.Scope}}}
				if !yield(otlp.AppendRequest(nil, []otlp.Group{alone}), scope.Spans) {
					return
				}
			}
		}
	}
}

// append writes items and indexes them, a segment after the other; s.writing is held.
func (s *Store) append(items []item) {
	for len(items) > 0 {
		g := s.segments[len(s.segments)-1]
		n, groups := s.frame(g, items)
		if n == 0 { // not one more has room
			s.rotate()
			continue
		}
		s.mu.Lock()
		s.evict(int64(len(s.buffer)))
		s.mu.Unlock()
		if _, err := g.medium.WriteAt(s.buffer, g.size); err != nil {
			s.giveUp(g)
			s.fail(err)
			continue
		}
		s.mu.Lock()
		for _, request := range groups {
			g.addGroup(request, s.noteNewKey)
		}
		for i := range items[:n] {
			switch it := &items[i]; it.kind {
			case frameSpan:
				s.indexSpan(g, g.known[string(it.group)], &it.span, g.size+it.at, len(it.bytes))
			case frameLog:
				s.indexLog(g, g.known[string(it.group)], &it.log, it.mark, g.size+it.at, len(it.bytes))
			}
		}
		g.size += int64(len(s.buffer))
		s.counts.Bytes += int64(len(s.buffer))
		s.notify()
		s.mu.Unlock()
		items = items[n:]
	}
	if cap(s.buffer) > 2*mostWrite {
		s.buffer = nil
	}
}

// frame fills the buffer with items, as many as are written at a time and the segment has room for, at least one if
// it is empty. A segment is full as well when its index takes its share of memory. It returns how many, and the requests of the groups that are new.
func (s *Store) frame(g *segment, items []item) (n int, groups [][]byte) {
	s.buffer = s.buffer[:0]
	if g.memory > indexLimit/mostSegments*2 {
		return 0, nil
	}
	fresh := map[string]uint32{}
	for i := range items {
		it := &items[i]
		length := len(s.buffer)
		number, known := g.known[string(it.group)]
		if !known {
			number, known = fresh[string(it.group)]
		}
		if !known {
			number = uint32(len(g.groups) + len(fresh))
			s.buffer, _ = appendFrame(s.buffer, frameGroup, 0, it.group)
		}
		var at int
		s.buffer, at = appendFrame(s.buffer, it.kind, number, it.bytes)
		it.at = int64(at)
		isFirst := i == 0 && g.size == int64(len(segmentHeader))
		if !isFirst && g.size+int64(len(s.buffer)) > s.sizeOf(g) || i > 0 && len(s.buffer) > mostWrite {
			s.buffer = s.buffer[:length]
			return i, groups
		}
		if !known {
			fresh[string(it.group)] = number
			groups = append(groups, it.group)
		}
	}
	return len(items), groups
}

// sizeOf is how large a segment should become.
func (s *Store) sizeOf(g *segment) int64 {
	if g.disk {
		return s.segmentSize
	}
	return min(s.segmentSize, memoryLimit/mostSegments)
}

// rotate begins a new segment; s.writing is held.
func (s *Store) rotate() {
	if s.options.Dir != "" {
		g, err := s.create()
		if err == nil {
			s.begin(g)
			return
		}
		s.fail(err)
		return
	}
	s.beginInMemory()
}

// create makes a segment on disk.
func (s *Store) create() (*segment, error) {
	file, err := os.OpenFile(segmentPath(s.options.Dir, s.next), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err := file.WriteString(segmentHeader); err != nil {
		onDisk{file}.Remove()
		return nil, err
	}
	return newSegment(s.next, onDisk{file}, true), nil
}

// fail has what comes next kept in memory, because the disk did not take it.
func (s *Store) fail(err error) {
	if pathError := (*os.PathError)(nil); errors.As(err, &pathError) {
		err = pathError.Err
	}
	problem := fmt.Sprintf("cannot write to %s: %v; traces are kept in memory, fewer of them, until that works again", s.options.Dir, err)
	if !s.warned {
		s.options.Warn(problem)
		s.warned = true
	}
	s.beginInMemory()
	s.mu.Lock()
	s.problem = problem
	s.mu.Unlock()
}

// giveUp leaves a segment as it was before a write that failed.
func (s *Store) giveUp(g *segment) {
	if g.size > int64(len(segmentHeader)) {
		g.medium.Truncate(g.size)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(len(s.segments) - 1)
}

func (s *Store) beginInMemory() {
	m := new(inMemory)
	m.WriteAt([]byte(segmentHeader), 0)
	s.begin(newSegment(s.next, m, false))
}

func (s *Store) begin(g *segment) {
	s.next++
	s.mu.Lock()
	defer s.mu.Unlock()
	if g.disk {
		s.problem = ""
	}
	s.segments = append(s.segments, g)
	s.counts.Bytes += g.size
}

// evict makes room for n bytes more: the oldest segments go; s.mu and s.writing are held.
func (s *Store) evict(n int64) {
	for len(s.segments) > 1 {
		var inMemory, index int64
		for _, g := range s.segments {
			index += g.memory
			if !g.disk {
				inMemory += g.size
			}
		}
		switch current := s.segments[len(s.segments)-1]; {
		case s.counts.Bytes+n > s.options.MaxSize, index > indexLimit:
			s.drop(0)
		case !current.disk && inMemory+n > memoryLimit:
			s.drop(slices.IndexFunc(s.segments, func(g *segment) bool { return !g.disk }))
		default:
			return
		}
	}
}

// drop removes a segment and what it has of each trace; s.mu is held.
func (s *Store) drop(i int) {
	g := s.segments[i]
	s.segments = slices.Delete(s.segments, i, i+1)
	s.counts.Bytes -= g.size
	for _, t := range g.traces {
		k := slices.IndexFunc(t.parts, func(p part) bool { return p.segment == g })
		s.counts.Spans -= int64(t.parts[k].spans)
		s.counts.Evicted += int64(t.parts[k].spans)
		s.counts.Logs -= int64(t.parts[k].logs)
		had, _ := t.count()
		t.parts = slices.Delete(t.parts, k, k+1)
		if left, _ := t.count(); had > 0 && left == 0 {
			s.counts.Traces--
			s.counts.EvictedTraces++
		}
		if len(t.parts) == 0 {
			t.unlink()
			delete(s.traces, t.id)
			continue
		}
		t.seen = fingerprints{}
		t.eachSpan(func(g *segment, e *spanEntry) {
			t.seen.add(fingerprint(e.spanID, e.parentID, e.start, e.end, g.texts[e.name]))
		})
		t.eachLog(func(_ *segment, e *logEntry) { t.seen.add(e.mark) })
	}
	g.medium.Remove()
}

// Clear forgets everything.
func (s *Store) Clear() {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	for _, g := range s.segments {
		g.medium.Remove()
	}
	s.segments = nil
	clear(s.traces)
	clear(s.keys)
	s.recent.newer, s.recent.older = &s.recent, &s.recent
	s.counts.Forgotten += s.counts.Spans
	s.counts.Spans, s.counts.Traces, s.counts.Logs, s.counts.Bytes = 0, 0, 0, 0
	s.notify()
	s.mu.Unlock()
	s.rotate()
}

// indexSpan notes a span; s.mu is held, or nobody else knows the store yet.
func (s *Store) indexSpan(g *segment, group uint32, span *scanned, at int64, size int) {
	e := spanEntry{
		spanID: span.SpanID, parentID: span.ParentID,
		start: span.Start, end: span.End,
		at: uint32(at), size: uint32(size), group: group,
		name: g.text(span.Name), message: g.text(span.StatusMessage), peer: g.text(span.peer),
		attributes: uint16(min(span.attributes, math.MaxUint16)), events: uint16(min(span.events, math.MaxUint16)),
		httpStatus: uint16(max(0, min(span.httpStatus, 999))),
		kind:       uint8(max(0, min(span.Kind, otlp.KindConsumer))), status: uint8(max(0, min(span.Status, otlp.StatusError))),
	}
	t := s.trace(span.TraceID)
	if !t.seen.add(span.fingerprint) {
		s.counts.Duplicates++
		return
	}
	if spans, _ := t.count(); spans == 0 {
		s.counts.Traces++
	}
	p := t.part(g)
	e.before = p.lastSpan
	p.lastSpan = g.spans.add(e)
	p.spans++
	g.memory += spanMemory
	s.counts.Spans++
	s.touch(t)
}

// indexLog notes a log record, likewise.
func (s *Store) indexLog(g *segment, group uint32, l *otlp.LogData, mark uint64, at int64, size int) {
	t := s.trace(l.TraceID)
	if !t.seen.add(mark) {
		return
	}
	p := t.part(g)
	p.lastLog = g.logs.add(logEntry{
		spanID: l.SpanID, time: clamp(cmp.Or(l.Time, l.Observed)), mark: mark,
		at: uint32(at), size: uint32(size), before: p.lastLog, group: group,
	})
	p.logs++
	g.memory += logMemory
	s.counts.Logs++
	s.touch(t)
}

func (s *Store) trace(id TraceID) *trace {
	t := s.traces[id]
	if t == nil {
		t = &trace{id: id}
		t.newer, t.older = t, t
		s.traces[id] = t
	}
	return t
}

// touch notes that a trace has changed.
func (s *Store) touch(t *trace) {
	s.changes++
	t.changed = s.changes
	t.unlink()
	t.newer, t.older = &s.recent, s.recent.older
	t.newer.older, t.older.newer = t, t
}

func (t *trace) unlink() { t.newer.older, t.older.newer = t.older, t.newer }

// notify wakes those who wait for changes; s.mu is held.
func (s *Store) notify() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// noteKey notes an attribute's key, for completion. Only who holds s.writing changes what is known.
func (s *Store) noteKey(key []byte) {
	if _, known := s.keys[string(key)]; known || len(s.keys) >= mostKeys {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noteNewKey(key)
}

// noteNewKey does the same when s.mu is held.
func (s *Store) noteNewKey(key []byte) {
	if len(s.keys) < mostKeys && 0 < len(key) && len(key) <= longestKey && utf8.Valid(key) {
		s.keys[string(key)] = struct{}{}
	}
}

// Keys returns the keys of attributes that begin with prefix, sorted, at most so many. A store knows some 2000.
func (s *Store) Keys(prefix string, most int) []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	keys := []string{}
	for key := range s.keys {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys[:min(len(keys), most)]
}

// Counts returns the account.
func (s *Store) Counts() Counts {
	s.mu.RLock()
	defer s.mu.RUnlock()
	c := s.counts
	for _, g := range s.segments {
		c.Index += g.memory
	}
	c.Persistent = len(s.segments) > 0 && s.segments[len(s.segments)-1].disk
	c.Problem = s.problem
	return c
}
