package tracer

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"weak"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
	"github.com/lumigo-io/opentelemetry-distro/internal/diag"
	"github.com/lumigo-io/opentelemetry-distro/internal/export"
	"github.com/lumigo-io/opentelemetry-distro/internal/handover"
	"github.com/lumigo-io/opentelemetry-distro/internal/mask"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
	"github.com/lumigo-io/opentelemetry-distro/internal/semconv"
	"github.com/lumigo-io/opentelemetry-distro/internal/spandump"
)

// Options are what a tracer is made of.
type Options struct {
	Config   *config.Config
	Masker   *mask.Masker
	Engine   *handover.Client // takes everything, if not nil; then there is no exporter and no dump
	Exporter *export.Exporter // nil to send nothing
	Dump     *spandump.Writer // nil for none
	Console  *spandump.Writer // nil for none
	Resource *otlp.Resource
	Log      *diag.Logger
	Version  string // of the distribution

	// TraceHeader, if not nil, is asked for each root span what AWS Lambda says of its trace.
	TraceHeader func() string
}

// Tracer makes spans and sends them on their way. Its methods are safe for concurrent use.
type Tracer struct {
	config      *config.Config
	masker      *mask.Masker
	engine      *handover.Client
	exporter    *export.Exporter
	dump        *spandump.Writer
	console     *spandump.Writer
	resource    atomic.Pointer[otlp.Resource]
	log         *diag.Logger
	version     string
	traceHeader func() string
	sampler     sampler
	filters     filters
	propagators []propagator
	duplicates  semconv.Convention
	limits      config.Limits
	token       string
	recording   bool // somebody wants the spans
	capture     int

	spans    sync.Pool
	all      registry
	begun    sync.Once
	made     atomic.Int64
	undumped atomic.Int64 // could not be written to the dump
	begin    atomic.Pointer[func()]
}

// New makes a tracer, which is not active.
func New(o Options) *Tracer {
	c := o.Config
	t := &Tracer{
		config: c, masker: o.Masker, engine: o.Engine, exporter: o.Exporter, dump: o.Dump, console: o.Console, log: o.Log, version: o.Version,
		traceHeader: o.TraceHeader, sampler: newSampler(c.Sampler), filters: newFilters(c.Filter, o.Log), limits: c.Limits, token: c.Export.Token,
	}
	t.recording = t.engine != nil || t.exporter != nil || t.dump != nil || t.console != nil
	t.resource.Store(o.Resource)
	for _, name := range c.Propagators {
		if p, ok := propagators[name]; ok {
			t.propagators = append(t.propagators, p)
		}
	}
	if c.SemconvHTTPDup {
		t.duplicates |= semconv.HTTP
	}
	if c.SemconvDatabaseDup {
		t.duplicates |= semconv.Database
	}
	if len(t.token) < 8 {
		t.token = ""
	}
	t.capture = 2 * c.Limits.AttributeValueLength
	if t.capture < 0 || t.capture > mostCapture {
		t.capture = mostCapture
	}
	t.spans.New = func() any {
		s := new(Span)
		t.all.add(s)
		return s
	}
	return t
}

// mostCapture bounds what is kept of a body, in bytes. As in the engine.
const mostCapture = 32 << 10

var active atomic.Pointer[Tracer]

// Active returns the tracer of the process, nil as long as there is none, and when tracing is off.
func Active() *Tracer { return active.Load() }

// Activate makes t the tracer of the process.
func Activate(t *Tracer) { active.Store(t) }

// Records reports whether anything can become of spans: without a backend, their ids lead nowhere.
func (t *Tracer) Records() bool { return t.recording }

// Disabled reports whether the user opted out of an instrumentation by its id.
func (t *Tracer) Disabled(id string) bool {
	for _, d := range t.config.DisabledInstrumentations {
		if d == id {
			return true
		}
	}
	return false
}

// Endpoint is where spans are sent to, "" for nowhere.
func (t *Tracer) Endpoint() string { return t.config.Export.Endpoint }

// Log is the distribution's log.
func (t *Tracer) Log() *diag.Logger { return t.log }

// Capture is how many bytes of a body are worth keeping; 0 for none.
func (t *Tracer) Capture() int { return t.capture }

// GRPCPayloads reports whether the messages of gRPC calls are kept.
func (t *Tracer) GRPCPayloads() bool { return t.config.GRPCPayloads }

// Scope makes the scope of an integration.
func (t *Tracer) Scope(name string) *otlp.Scope { return otlp.NewScope(name, t.version) }

// SetResource replaces the resource, for the spans that end from now on.
func (t *Tracer) SetResource(r *otlp.Resource) { t.resource.Store(r) }

// Start says how a span starts.
type Start struct {
	Name       string
	Kind       otlp.Kind
	Scope      *otlp.Scope
	Parent     *Identity          // nil for a root
	SpanID     [8]byte            // zero for a new one
	Endpoint   string             // what endpoint filters look at; "" for none
	Convention semconv.Convention // that it follows; 0 for none whose names have changed
	Time       time.Time          // zero for now
}

// Start starts a span. It never returns nil; a span that is not recorded has an identity all the same.
func (t *Tracer) Start(o Start) *Span {
	id := &Identity{kind: o.Kind}
	s := t.spans.Get().(*Span)
	s.mu.Lock() // as somebody may still be about to find out that this is not the span it was
	s.tracer, s.id = t, id
	s.mu.Unlock()
	if id.SpanID = o.SpanID; id.SpanID == [8]byte{} {
		binary.NativeEndian.PutUint64(id.SpanID[:], rand.Uint64()|1)
	}
	if p := o.Parent; p != nil && p.TraceID != [16]byte{} {
		id.TraceID, id.State, id.Baggage, id.parent, id.tags = p.TraceID, p.State, p.Baggage, p.SpanID, p.tags
		id.Flags = p.Flags &^ sampled
		s.remoteParent = p.Remote
		if p.absent {
			id.parent = [8]byte{}
		}
	} else {
		if p != nil {
			id.Baggage, id.tags = p.Baggage, p.tags // an identity without a span
		}
		o.Parent = nil
		t.newTraceID(&id.TraceID)
	}
	if t.sampler.keeps(&id.TraceID, o.Parent) && !t.filtered(o.Kind, o.Endpoint) {
		id.Flags |= sampled
	}
	s.recording = t.recording && id.Sampled()
	if !s.recording {
		return s
	}
	s.start = o.Time
	if s.start.IsZero() {
		s.start = time.Now()
	}
	s.name, s.kind, s.scope = o.Name, o.Kind, o.Scope
	if t.duplicates&o.Convention != 0 {
		s.former.Begin(t.duplicates, o.Kind)
		if o.Convention&semconv.HTTP != 0 {
			s.former.Saw("http.request.method")
		}
		if o.Convention&semconv.Database != 0 {
			s.former.Saw("db.system.name")
		}
		s.former.Ready()
	}
	s.panics, _, _ = Panicking()
	for _, tag := range id.tags {
		s.Attribute(tag)
	}
	id.live.Store(s)
	return s
}

func (t *Tracer) newTraceID(id *[16]byte) {
	if t.traceHeader != nil {
		if header := t.traceHeader(); header != "" && lambdaTraceID(header, id) {
			return
		}
	}
	binary.NativeEndian.PutUint64(id[:], rand.Uint64())
	binary.NativeEndian.PutUint64(id[8:], rand.Uint64()|1)
}

// lambdaTraceID takes the unique part of Root=1-<hex>-<24 hex>, and fills it up with zeros.
func lambdaTraceID(header string, id *[16]byte) bool {
	for _, field := range strings.Split(header, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		parts := strings.Split(value, "-")
		if !strings.EqualFold(name, "root") || len(parts) != 3 || parts[0] != "1" || len(parts[2]) != 24 {
			continue
		}
		var unique [16]byte
		if _, err := hex.Decode(unique[:12], []byte(parts[2])); err != nil || unique == [16]byte{} {
			return false
		}
		*id = unique
		return true
	}
	return false
}

// hasBegun is called when there is something to lose.
func (t *Tracer) hasBegun() {
	t.begun.Do(func() {
		if f := t.begin.Load(); f != nil {
			(*f)()
		}
	})
}

// deliver sends an encoded span on its way.
func (t *Tracer) deliver(s *Span, encoded []byte) {
	t.hasBegun()
	t.made.Add(1)
	if t.engine != nil {
		t.engine.Add(s.scope.Name(), encoded, s.skip)
		return
	}
	resource, scope := t.resource.Load(), s.scope
	if t.dump != nil {
		if err := t.dump.Write(resource, scope, encoded); err != nil {
			t.undumped.Add(1)
			if err != spandump.ErrMissing {
				t.log.Warningf("%v", err)
			}
		}
	}
	if s.skip {
		return
	}
	if t.exporter != nil {
		t.exporter.Add(resource, scope, encoded)
	}
	if t.console != nil {
		t.console.Write(resource, scope, encoded)
	}
}

// Interrupt reports the spans that have been announced and have not ended, as errors: the process ends. why says how, ""
// if that is not known. An engine, if there is one, sees the process end by itself.
func (t *Tracer) Interrupt(why string) {
	if t.engine != nil {
		return
	}
	message := fmt.Sprintf("process %d ended before the span did", os.Getpid())
	if why != "" {
		message += ": " + why
	}
	for _, s := range t.all.spans() {
		s.interrupt(message)
	}
}

// registry knows the spans that there are, as long as there are any: those that are in the pool, too, so that it costs
// nothing but when the pool is empty.
type registry struct {
	mu    sync.Mutex
	known []weak.Pointer[Span]
	sweep int // how many are to be known before those that are gone are forgotten
}

func (r *registry) add(s *Span) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.known) >= r.sweep {
		r.known = slices.DeleteFunc(r.known, func(p weak.Pointer[Span]) bool { return p.Value() == nil })
		r.sweep = 2*len(r.known) + 64
	}
	r.known = append(r.known, weak.Make(s))
}

func (r *registry) spans() (list []*Span) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.known {
		if s := p.Value(); s != nil {
			list = append(list, s)
		}
	}
	return list
}

// atExit is what is done before the process ends, by whichever way the woven runtime sees coming.
var atExit atomic.Pointer[func(why string)]

// AtExit sets what Exit does.
func AtExit(f func(why string)) { atExit.Store(&f) }

// Exit is called when the process is about to end. why says by what, "" if that is not known. Only the first call does
// anything.
func Exit(why string) {
	defer func() { recover() }() // whatever happens, the process ends as it was about to
	if f := atExit.Swap(nil); f != nil {
		(*f)(why)
	}
}

// Death is what a woven runtime knows of signals that nobody handles.
type Death struct {
	Watch func()                 // has those that would end the process put off, from now on
	Await func() (signal uint32) // returns the one that has been
	Die   func(signal uint32)    // ends the process by it
}

// Watch has such signals end the process only after what is left has been sent. Nothing changes, and no thread waits,
// before there is something to lose. The goroutine is there from the start, as one that a span starts may be in a bubble
// of testing/synctest, which would wait for its end.
func (t *Tracer) Watch(d Death) {
	if !t.recording {
		return
	}
	first := make(chan struct{})
	begin := func() {
		d.Watch()
		close(first)
	}
	t.begin.Store(&begin)
	go func() {
		<-first
		signal := d.Await()
		Exit("was killed by " + map[uint32]string{1: "SIGHUP", 2: "SIGINT", 15: "SIGTERM"}[signal])
		d.Die(signal)
	}()
}

// Flush sends everything that has ended.
func (t *Tracer) Flush(ctx context.Context) error {
	if t.engine != nil {
		return t.engine.Flush(ctx)
	}
	if t.exporter == nil {
		return nil
	}
	return t.exporter.Flush(ctx)
}

// Shutdown sends what is left, and nothing after.
func (t *Tracer) Shutdown(ctx context.Context) {
	if t.engine != nil {
		t.engine.Close()
	}
	if t.exporter != nil {
		t.exporter.Shutdown(ctx)
	}
	if t.dump != nil {
		if err := t.dump.Close(); err != nil {
			t.log.Warningf("%v", err)
		}
	}
}

// HandsOver reports whether an engine takes the spans.
func (t *Tracer) HandsOver() bool { return t.engine != nil }

// Made is how many spans have ended.
func (t *Tracer) Made() int64 { return t.made.Load() }

// Account says how many spans were made and what became of them, and whether any was lost.
func (t *Tracer) Account() (text string, lost bool) {
	switch {
	case t.engine != nil:
		return t.engine.String(), t.engine.Dropped() > 0
	case t.exporter != nil:
		sent := t.exporter.Totals()
		text, lost = fmt.Sprintf("%d spans made; of those to be sent: %s", t.Made(), sent), sent.Dropped.Sum() > 0
	default:
		text = fmt.Sprintf("%d spans made, nothing to be sent", t.Made())
	}
	if undumped := t.undumped.Load(); undumped > 0 {
		text += fmt.Sprintf("; %d not written to the span dump", undumped)
	}
	return text, lost
}
