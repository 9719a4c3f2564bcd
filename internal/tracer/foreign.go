package tracer

import (
	"context"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

// Foreign is another tracing interface that the program uses. Its methods are safe for concurrent use.
type Foreign interface {
	// View is what a context that carries id says under a key of the other interface's; nil for nothing.
	View(key any, id *Identity) any

	// Parent finds by what a context carries in the other interface's way what a span of ours is to be part of; nil
	// for nothing, so that it goes by what the context carries in our way.
	Parent(ctx context.Context) *Identity

	// Made returns the innermost span of a context if it was made by the other interface in this process and is
	// recorded, else nil; and whether it arrives where ours go.
	Made(ctx context.Context) (id *Identity, arrives bool)

	// Elsewhere reports whether the program has what it makes by the other interface sent elsewhere than ours, or not
	// at all.
	Elsewhere() bool
}

// Other is the other tracing interface, nil for none. It is set before the first span.
var Other Foreign

// Theirs says, before the identity is shared, that it is that of a span that was made by the other interface, of which
// kind and below which other. If it is absent where ours go, those below it are in its trace, but have no parent there.
func (id *Identity) Theirs(kind otlp.Kind, parent [8]byte, absent bool) *Identity {
	id.kind, id.parent, id.theirs, id.absent = kind, parent, true, absent
	return id
}

// IsTheirs reports whether the span was made by the other interface.
func (id *Identity) IsTheirs() bool { return id.theirs }

// Elsewhere reports whether the program sends what it traces itself elsewhere than ours go.
func Elsewhere() bool { return Other != nil && Other.Elsewhere() }

// MadeElsewhere reports whether the span of an id was made by the program itself for what it does with ctx, and does
// not arrive where ours go.
func MadeElsewhere(ctx context.Context, spanID [8]byte) bool {
	if Other == nil {
		return false
	}
	theirs, arrives := Other.Made(ctx)
	return theirs != nil && !arrives && theirs.SpanID == spanID
}

// Notice is told of contexts that requests are given. If the program has made a span for a request that is being
// served, and that arrives where ours go, it stands in for ours: for those below, and where ours would be sent.
func Notice(ctx context.Context) {
	if Other == nil {
		return
	}
	theirs, arrives := Other.Made(ctx)
	if theirs == nil || !arrives || theirs.kind != otlp.KindServer {
		return
	}
	if id, _ := ctx.Value(contextKey{}).(*Identity); id != nil {
		yields := false
		id.with(func(s *Span) {
			yields = s.kind == otlp.KindServer && !s.yields
			s.yields = s.yields || yields
		})
		if yields {
			id.source().standIn.Store(theirs)
		}
	}
}

// standing returns what stands in for the span, if anything does, else id.
func (id *Identity) standing() *Identity {
	theirs := id.source().standIn.Load()
	switch {
	case theirs == nil:
		return id
	case len(id.tags) > 0:
		return theirs.WithTags(id.tags)
	}
	return theirs
}
