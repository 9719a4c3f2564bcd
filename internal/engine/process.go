package engine

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/internal/mask"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
	"github.com/lumigo-io/opentelemetry-distro/internal/resource"
	"github.com/lumigo-io/opentelemetry-distro/internal/spandump"
)

// Bounds of what is kept for one process.
const (
	mostOpen     = 512      // open spans
	mostOpenSize = 16 << 10 // bytes of the record of one
	mostOpenEver = 16 << 20 // bytes of the records of all processes
	mostFacts    = 16
	mostScopes   = 256
)

// process is what the engine knows of one process, by the pid that the kernel
// vouches for, over all of its connections, until it is gone.
type process struct {
	pid   int    // 0 for one in a pid namespace that cannot be seen from here
	start string // see processStart
	conns int    // connections it is known on; guarded by Engine.mu

	mu       sync.Mutex
	profile  *profile
	resource *otlp.Resource
	found    []otlp.Attribute // the part of the resource that does not change
	withECS  bool
	facts    map[string]string

	count   counts
	open    map[[8]byte][]byte // records of spans that have started and not ended
	goodbye bool
	exited  bool
	how     string // how it ended, as far as the launcher knows
	missed  int    // sweeps that have not found it alive
}

// introduce says what the process is; p.mu is held.
func (p *process) introduce(f *profile, found []otlp.Attribute) {
	p.profile, p.found = f, found
	p.describe()
}

// describe makes the resource anew; p.mu is held.
func (p *process) describe() {
	var facts []otlp.Attribute
	for _, key := range slices.Sorted(maps.Keys(p.facts)) {
		facts = append(facts, otlp.Attribute{Key: key, Value: p.facts[key]})
	}
	known := p.profile.ecs.known()
	p.withECS = known != nil
	attributes := resource.Merge(facts, known, p.found)
	if framework := p.facts["framework"]; framework != "" { // which Detect could not know yet
		attributes = resource.Merge(attributes, []otlp.Attribute{{Key: "framework", Value: framework}})
	}
	p.resource = otlp.NewResource(attributes, resource.SchemaURL)
}

// learn adds a fact about the process to its resource; p.mu is held.
func (p *process) learn(key, value string) {
	if _, known := p.facts[key]; p.facts[key] == value && known || !known && len(p.facts) == mostFacts {
		return
	}
	if p.facts == nil {
		p.facts = map[string]string{}
	}
	if p.profile.masker.Matches(mask.General, key) {
		value = mask.Mask
	}
	value = p.profile.masker.Links(value)
	p.facts[key] = value
	p.describe()
}

// records handles the body of a RECORDS frame; p.mu is held.
func (p *process) records(e *Engine, d *decoder, h header, body []byte) {
	if p.profile.ecs != nil && !p.withECS && p.profile.ecs.known() != nil {
		p.describe()
	}
	d.Reset(body)
	for n := int(h.count); n > 0; n-- {
		switch d.next(p.profile) {
		case finished:
			p.count.received++
			if len(p.open) > 0 {
				e.openBytes.Add(-int64(len(p.open[d.spanID])))
				delete(p.open, d.spanID)
			}
			p.deliver(e, d)
		case logged:
			p.count.logs++
			p.deliverLog(e, d)
		case started:
			p.remember(e, d)
		case fact:
			p.learn(d.factKey, d.factValue)
		case unknown:
			p.count.unknown++
			e.warnOnce("record", "process %d sent a record of an unknown kind, as a later version may; such records are passed over", p.pid)
		case malformed:
			p.count.malformed++
			e.warnOnce("malformed", "process %d sent a record that is not well-formed; such records are counted and passed over", p.pid)
		case broken:
			p.count.malformed += int64(n)
			e.warnOnce("broken", "process %d sent a frame that cannot be read: %v; its remaining %d records are lost", p.pid, d.failure(), n)
			return
		}
	}
}

// remember keeps the record of an open span; p.mu is held. The oldest are not
// known, so when there are too many the newest are not kept.
func (p *process) remember(e *Engine, d *decoder) {
	size := int64(len(d.raw))
	if size > mostOpenSize || len(p.open) == mostOpen || e.openBytes.Load() > mostOpenEver {
		p.count.unwatched++
		return
	}
	e.openBytes.Add(size - int64(len(p.open[d.spanID])))
	if p.open == nil {
		p.open = map[[8]byte][]byte{}
	}
	p.open[d.spanID] = slices.Clone(d.raw)
	e.watch()
}

// deliver sends the span in the decoder on its way; p.mu is held.
func (p *process) deliver(e *Engine, d *decoder) {
	span := d.encoded
	if span == nil {
		span = d.span.Encoded()
	}
	scope := e.scope(d.scope)
	if p.profile.dump != nil {
		if err := p.profile.dump.Write(p.resource, scope, span); err != nil {
			p.count.undumped++
			if err != spandump.ErrMissing {
				e.options.Log.Warningf("%v", err)
			}
		} else {
			p.count.dumped++
		}
	}
	if d.skip {
		p.count.skipped++
		return
	}
	switch {
	case p.profile.exporter != nil:
		p.count.exported++
		p.profile.exporter.Add(p.resource, scope, span)
	case p.profile.console == nil && e.options.Viewer == nil:
		p.count.unsent++
	}
	if p.profile.console != nil {
		p.count.printed++
		p.profile.console.Write(p.resource, scope, span)
	}
	if e.options.Viewer != nil {
		p.count.viewed++
		e.options.Viewer.Add(otlp.Traces, p.resource, scope, span)
	}
}

// deliverLog sends the log record in the decoder on its way; p.mu is held.
func (p *process) deliverLog(e *Engine, d *decoder) {
	record, scope := d.span.Encoded(), e.scope(d.scope)
	if p.profile.logDump != nil {
		if err := p.profile.logDump.Write(p.resource, scope, record); err == nil {
			p.count.logsDumped++
		} else if err != spandump.ErrMissing {
			e.options.Log.Warningf("%v", err)
		}
	}
	switch {
	case p.profile.logs != nil:
		p.profile.logs.Add(p.resource, scope, record)
	case e.options.Viewer == nil:
		p.count.logsUnsent++
	}
	if e.options.Viewer != nil {
		p.count.logsViewed++
		e.options.Viewer.Add(otlp.Logs, p.resource, scope, record)
	}
}

// interrupt reports the spans that were open when the process ended; p.mu is
// held.
func (p *process) interrupt(e *Engine, d *decoder) {
	why := fmt.Sprintf("process %d ended before the span did", p.pid)
	if !p.exited {
		why = fmt.Sprintf("the span had not ended when the tracing of process %d did", p.pid)
	}
	if p.how != "" {
		why += ": " + p.how
	}
	now := uint64(time.Now().UnixNano())
	for _, raw := range p.open {
		e.openBytes.Add(-int64(len(raw)))
		if d.interrupted(p.profile, raw, now, why) {
			p.count.interrupted++
			p.deliver(e, d)
		}
	}
	p.open = nil
}

// scope returns the encoded scope of a name.
func (e *Engine) scope(name []byte) *otlp.Scope {
	e.scopesMu.RLock()
	s := e.scopes[view(name)]
	e.scopesMu.RUnlock()
	if s != nil {
		return s
	}
	version := ""
	if text := string(name); strings.HasPrefix(text, "lumigo_opentelemetry") {
		version = e.options.Version
	}
	s = otlp.NewScope(string(name), version)
	e.scopesMu.Lock()
	defer e.scopesMu.Unlock()
	if len(e.scopes) < mostScopes {
		e.scopes[string(name)] = s
	}
	return s
}

// exit notes that the process has ended; what it had sent may still be unread.
func (p *process) exit(how string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.exited = true; p.how == "" {
		p.how = how
	}
}

func (p *process) gone() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.exited
}

// alive reports whether the process still runs, by the kernel's word.
func (p *process) alive() bool {
	if p.pid == 0 {
		return true // who knows
	}
	start, alive := processStart(p.pid)
	return alive && (start == p.start || start == "" || p.start == "")
}
