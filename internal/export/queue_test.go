package export

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

// TestQueueKeepsWhatItIsGiven compares the queue with a plain list under
// random calls.
func TestQueueKeepsWhatItIsGiven(t *testing.T) {
	type entry struct {
		origin
		span []byte
	}
	for seed := range uint64(50) {
		g := rand.New(rand.NewPCG(seed, 0))
		var origins []origin
		for range 1 + g.IntN(6) {
			r := otlp.NewResource(nil, "")
			for range 1 + g.IntN(3) {
				origins = append(origins, origin{r, otlp.NewScope("s", "")})
			}
		}
		chunkSize := 1 << 10
		if seed%2 == 0 {
			chunkSize = largestChunk
		}
		q := queue{chunkSize: chunkSize}
		const limit = 1 << 20
		var model []entry
		refused := 0
		for range 2000 {
			if g.IntN(50) > 0 {
				span := bytes.Repeat([]byte{byte(g.Uint32())}, 1+g.IntN(3000))
				if g.IntN(100) == 0 {
					span = bytes.Repeat([]byte{7}, 2*largestChunk) // larger than any chunk
				}
				o := origins[g.IntN(len(origins))]
				if q.add(o.resource, o.scope, span, limit) {
					model = append(model, entry{o, bytes.Clone(span)})
					clear(span) // the queue has its own copy
				} else {
					refused++
				}
			} else {
				maxSpans, maxBytes := 1+g.IntN(400), 1+g.IntN(1<<18)
				groups, n, size := q.take(maxSpans, maxBytes)
				wantN, wantSize := 0, 0
				for wantN < len(model) && wantN < maxSpans && (wantN == 0 || wantSize+len(model[wantN].span) <= maxBytes) {
					wantSize += len(model[wantN].span)
					wantN++
				}
				if n != wantN || size != wantSize {
					t.Fatalf("seed %d: took %d spans of %d bytes, want %d of %d", seed, n, size, wantN, wantSize)
				}
				got := map[origin][][]byte{}
				for _, group := range groups {
					for _, s := range group.Scopes {
						o := origin{group.Resource, s.Scope}
						if _, twice := got[o]; twice || len(s.Spans) == 0 {
							t.Fatalf("seed %d: an origin is empty, or listed twice", seed)
						}
						got[o] = s.Spans
					}
				}
				for _, e := range model[:n] { // within an origin, order is kept
					if !bytes.Equal(got[e.origin][0], e.span) {
						t.Fatalf("seed %d: a span differs", seed)
					}
					got[e.origin] = got[e.origin][1:]
				}
				q.drop(n, size)
				model = model[n:]
			}
			var sum int64
			for _, c := range q.chunks {
				sum += c.memory
			}
			if q.spans != len(model) || q.memory > limit || q.memory != sum || q.memory < int64(q.bytes) {
				t.Fatalf("seed %d: %d spans in %d bytes, want %d spans; chunks say %d bytes", seed, q.spans, q.memory, len(model), sum)
			}
		}
		if q.drop(q.spans, q.bytes); q.memory != 0 || q.bytes != 0 || q.chunks != nil {
			t.Fatalf("seed %d: an empty queue holds %+v", seed, q)
		}
	}
}

func TestASpanFillsNoMoreThanItsShareOfMemory(t *testing.T) {
	q := queue{chunkSize: largestChunk}
	r, s := otlp.NewResource(nil, ""), otlp.NewScope("s", "")
	span := make([]byte, 400)
	for q.add(r, s, span, 16<<20) {
	}
	if share := float64(q.bytes) / float64(q.memory); share < 0.95 {
		t.Errorf("a full queue is spans for %.0f %% only", 100*share)
	}
}

func TestAResourceIsPaidFor(t *testing.T) {
	q := queue{chunkSize: largestChunk}
	s := otlp.NewScope("s", "")
	text := string(bytes.Repeat([]byte("x"), 10_000))
	const limit = 1 << 20
	n := 0
	for q.add(otlp.NewResource([]otlp.Attribute{{Key: fmt.Sprint(n), Value: text}}, ""), s, []byte{1}, limit) {
		n++
	}
	if n > limit/10_000 {
		t.Errorf("%d resources of 10 kB fit into 1 MiB", n)
	}
}
