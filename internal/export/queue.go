package export

import (
	"sync"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

// queue is a first-in-first-out store of encoded spans. They lie back to back
// in a few large chunks, so that many spans cost the garbage collector little,
// and chunks are reused, so that a steady stream costs it nothing.
//
// It is guarded by the exporter's mutex, with one exception: what take returned
// may be read without it until drop, because nothing moves or overwrites the
// spans of the queue.
type queue struct {
	chunkSize int
	chunks    []*chunk
	head      int   // spans of chunks[0] that are gone
	spans     int   // waiting
	bytes     int   // of the spans waiting
	memory    int64 // held, in bytes
}

type chunk struct {
	data    []byte // never reallocated
	spans   []spanRef
	origins []origin
	memory  int64
}

// spanRef has no pointers, for the garbage collector's sake.
type spanRef struct {
	end    uint32 // in data; a span starts where the one before it ends
	origin uint32 // index
}

// origin is what a span belongs to.
type origin struct {
	resource *otlp.Resource
	scope    *otlp.Scope
}

const (
	largestChunk = 64 << 10
	spanRefSize  = 8
	originSize   = 64 // with what hangs on it, but for the resource
)

// chunkPool keeps chunks of the largest size; an idle one is collected.
var chunkPool = sync.Pool{New: func() any { return &chunk{data: make([]byte, 0, largestChunk)} }}

// add appends a span, unless the queue would then hold more than limit bytes.
func (q *queue) add(r *otlp.Resource, s *otlp.Scope, span []byte, limit int64) bool {
	var c *chunk
	if n := len(q.chunks); n > 0 {
		c = q.chunks[n-1]
	}
	if c == nil || len(span) > cap(c.data)-len(c.data) {
		size := max(q.chunkSize, len(span))
		if q.memory+int64(size+spanRefSize+originSize+r.Size()) > limit {
			return false
		}
		if size == largestChunk {
			c = chunkPool.Get().(*chunk)
		} else {
			c = &chunk{data: make([]byte, 0, size)}
		}
		q.chunks = append(q.chunks, c)
		q.grow(c, size)
	}
	index, known := c.origin(origin{r, s})
	cost := spanRefSize
	if !known {
		cost += originSize + r.Size()
	}
	if q.memory+int64(cost) > limit {
		return false
	}
	if !known {
		c.origins = append(c.origins, origin{r, s})
	}
	q.grow(c, cost)
	c.data = append(c.data, span...)
	c.spans = append(c.spans, spanRef{uint32(len(c.data)), index})
	q.spans++
	q.bytes += len(span)
	return true
}

// origin finds o among the chunk's, the latest first: spans come in runs.
func (c *chunk) origin(o origin) (index uint32, known bool) {
	for i := len(c.origins) - 1; i >= 0; i-- {
		if c.origins[i] == o {
			return uint32(i), true
		}
	}
	return uint32(len(c.origins)), false
}

func (q *queue) grow(c *chunk, bytes int) {
	c.memory += int64(bytes)
	q.memory += int64(bytes)
}

// take lists the oldest spans, at least one and at most so many and so large,
// grouped as a request wants them. They stay in the queue until drop.
func (q *queue) take(maxSpans, maxBytes int) (groups []otlp.Group, n, bytes int) {
	type place struct{ group, scope int }
	var places []place // of the current chunk's origins
	first := q.head
	for _, c := range q.chunks {
		places = places[:0]
		for _, o := range c.origins {
			var p place
			groups, p.group, p.scope = locate(groups, o)
			places = append(places, p)
		}
		start := 0
		if first > 0 {
			start = int(c.spans[first-1].end)
		}
		for _, ref := range c.spans[first:] {
			size := int(ref.end) - start
			if n == maxSpans || n > 0 && bytes+size > maxBytes {
				return tidy(groups), n, bytes
			}
			p := places[ref.origin]
			s := &groups[p.group].Scopes[p.scope]
			s.Spans = append(s.Spans, c.data[start:ref.end:ref.end])
			start = int(ref.end)
			n++
			bytes += size
		}
		first = 0
	}
	return tidy(groups), n, bytes
}

// locate finds the group and the scope of an origin, making them if need be.
func locate(groups []otlp.Group, o origin) (_ []otlp.Group, group, scope int) {
	for group = range groups {
		if groups[group].Resource == o.resource {
			break
		}
	}
	if len(groups) == 0 || groups[group].Resource != o.resource {
		group = len(groups)
		groups = append(groups, otlp.Group{Resource: o.resource})
	}
	g := &groups[group]
	for scope = range g.Scopes {
		if g.Scopes[scope].Scope == o.scope {
			return groups, group, scope
		}
	}
	g.Scopes = append(g.Scopes, otlp.ScopeSpans{Scope: o.scope})
	return groups, group, len(g.Scopes) - 1
}

// tidy leaves out the groups and scopes that got no span.
func tidy(groups []otlp.Group) []otlp.Group {
	kept := groups[:0]
	for _, g := range groups {
		scopes := g.Scopes[:0]
		for _, s := range g.Scopes {
			if len(s.Spans) > 0 {
				scopes = append(scopes, s)
			}
		}
		if g.Scopes = scopes; len(scopes) > 0 {
			kept = append(kept, g)
		}
	}
	return kept
}

// drop removes the n oldest spans, which are bytes long together.
func (q *queue) drop(n, bytes int) {
	q.spans -= n
	q.bytes -= bytes
	for n > 0 {
		c := q.chunks[0]
		here := len(c.spans) - q.head
		if n < here {
			q.head += n
			return
		}
		n -= here
		q.head = 0
		q.memory -= c.memory
		q.chunks[0] = nil
		q.chunks = q.chunks[1:]
		c.release()
	}
	if len(q.chunks) == 0 {
		q.chunks = nil // with its array, which may have grown long
	}
}

func (c *chunk) release() {
	if cap(c.data) != largestChunk {
		return
	}
	clear(c.origins)
	*c = chunk{data: c.data[:0], spans: c.spans[:0], origins: c.origins[:0]}
	chunkPool.Put(c)
}
