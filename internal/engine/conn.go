package engine

import (
	"context"
	"errors"
	"io"
	"math"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/internal/export"
	"github.com/lumigo-io/opentelemetry-distro/internal/marshal"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
	"github.com/lumigo-io/opentelemetry-distro/internal/resource"
)

const (
	// pause is how long a connection rests once it has been read empty, before
	// it is read again: frames gather meanwhile, and nobody is woken for each.
	pause = 2 * time.Millisecond

	burst       = 64               // frames read from one connection before others get their turn
	burstRing   = ringCapacity / 2 // bytes read from one ring
	mostHellos  = 64               // on one connection
	mostFlushes = 64               // waiting on one connection

	mostOvertime = 64 // bursts still read from a connection that keeps writing at the very end
)

// worker reads and decodes; it owns all the buffers that takes.
type worker struct {
	buf   []byte // a frame
	entry []byte // an entry of a ring
	oob   control
	decoder
}

// conn is one connection. At most one goroutine works on it at a time: the one
// that has set busy.
type conn struct {
	fd      int
	trusted bool // the peer is the engine's own user
	busy    atomic.Bool
	exits   atomic.Bool // a process of this connection has exited

	authentic bool
	profile   *profile         // of the process that greeted last, for children that do not
	found     []otlp.Attribute // likewise
	last      *stream          // the one that the last frame belongs to
	streams   map[int]*stream  // by pid
	hellos    int
	overtime  int           // bursts read since the engine wants to close
	look      time.Duration // until the rings are looked at again; 0 once the processes are to say when
	looking   *time.Timer
	empty     int // looks in a row that have found nothing

	mu      sync.Mutex // for what follows, and to keep fd from being closed
	closed  bool
	flushes []flush
}

// stream is what one process sends over one connection: a child shares its
// parent's descriptor until it has a connection of its own.
type stream struct {
	*process
	begun    bool
	sequence uint32 // of the last frame
	dropped  uint64 // as the process last said
	ring     *ring  // memory that it shares, or nil
}

// number checks a frame's place in the order of those that were sent, and takes
// over its count of drops; the process is locked.
func (s *stream) number(h header) {
	if gap := h.sequence - s.sequence - 1; s.begun && gap < 1<<31 {
		s.count.gaps += int64(gap)
	}
	s.begun, s.sequence = true, h.sequence
	s.lost(h.dropped)
}

// lost takes over how many spans the process has dropped; it is locked.
func (s *stream) lost(dropped uint64) {
	if dropped > s.dropped && dropped < 1<<62 {
		s.count.lost += int64(dropped - s.dropped)
		s.dropped = dropped
	}
}

// drain handles the entries of the stream's ring that have been seen, of most
// bytes or little more; the process is locked.
func (s *stream) drain(e *Engine, w *worker, most uint64) {
	r := s.ring
	if r == nil {
		return
	}
	before := r.tail
	for r.tail-before < most {
		records, count, ok, err := r.next(w.entry)
		if err != nil {
			s.count.malformed++
			e.warnOnce("ring", "the memory that process %d shares cannot be read: %v; what it holds is lost, and the process is to use the socket", s.pid, err)
			s.closeRing()
			return
		}
		if !ok {
			break
		}
		s.records(e, &w.decoder, header{kind: frameRecords, count: uint16(count)}, records)
	}
	s.lost(r.dropped())
	if made := r.made(); made < 1<<62 {
		s.count.made = max(s.count.made, int64(made))
	}
	r.release()
}

// drainAll handles all entries that are there now; the process is locked.
func (s *stream) drainAll(e *Engine, w *worker) {
	if s.ring != nil {
		s.ring.seen = s.ring.head()
		s.drain(e, w, math.MaxUint64)
	}
}

func (s *stream) drainBurst(e *Engine, w *worker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drain(e, w, burstRing)
}

// finish reads what the process has written to its end, and lets go of the ring.
func (s *stream) finish(e *Engine, w *worker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drainAll(e, w)
	s.closeRing()
}

// share takes over the memory that came with a RING frame; the process is locked.
// Without, the process goes on to use the socket.
func (s *stream) share(e *Engine, fd int) {
	if s.ring != nil {
		return
	}
	memory, err := mapShared(fd)
	if err == nil {
		if s.ring, err = newRing(memory); err != nil {
			unmap(memory)
		}
	}
	if err != nil {
		e.warnOnce("ring", "the memory that process %d wants to share cannot be used: %v; it goes on to use the socket", s.pid, err)
	}
}

func (s *stream) closeRing() {
	if s.ring != nil {
		s.ring.close()
		s.ring = nil
	}
}

type flush struct {
	id        int64
	exporters []*export.Exporter
	limit     time.Duration // that it may take
}

var errClosing = errors.New("the connection is to be closed")

// run reads a connection that has something to read, until it is empty or has
// ended.
func (c *conn) run(e *Engine) {
	for {
		switch c.turn(e) {
		case ended:
			return
		case rest:
			time.Sleep(pause)
		case quiet:
			look := c.look
			c.busy.Store(false)
			e.poll.arm(c.fd)
			if look > 0 {
				c.looking.Reset(look)
			}
			if !(c.exits.Load() || e.cutOff.Load()) || !c.busy.CompareAndSwap(false, true) {
				return
			}
		}
	}
}

// What is to be done after a turn at reading.
type next int

const (
	another next = iota // there may be more
	rest                // there was something, and now there is nothing
	quiet               // there was nothing
	ended
)

// turn has a worker read the connection.
func (c *conn) turn(e *Engine) (then next) {
	w := <-e.workers
	defer func() { e.workers <- w }()
	then = ended
	defer e.guard(func() {
		w.decoder = decoder{}
		c.end(e, w, errClosing)
	})
	for _, s := range c.streams {
		if s.ring != nil {
			s.ring.seen = s.ring.head() // what is there now comes after what was sent before there was a ring
		}
	}
	n, err := c.read(e, w)
	switch {
	case err == nil:
		return another
	case err != errEmpty || e.cutOff.Load():
		c.end(e, w, err)
		return ended
	case c.drain(e, w):
		return another
	}
	if c.exits.Swap(false) {
		c.bury(e, w)
	}
	if n > 0 && c.look == 0 {
		return rest
	}
	return quiet
}

// drain reads all rings, and decides when to look again: soon while spans come
// in, later when few do, and once none do, not before a process says so. It
// returns whether there is more to read now.
func (c *conn) drain(e *Engine, w *worker) (more bool) {
	rings, read, fullest := 0, 0, 0
	for _, s := range c.streams {
		if s.ring == nil {
			continue
		}
		s.drainBurst(e, w)
		rings++
		if r := s.ring; r != nil {
			n := int(r.tail - r.looked) // with what frames have had us read
			r.looked = r.tail
			read += n
			fullest = max(fullest, 8*n/r.capacity())
			more = more || r.tail != r.seen
		}
	}
	switch {
	case rings == 0:
		c.look = 0
	case read > 0:
		if fullest > 1 {
			c.look /= 2
		} else if fullest < 1 {
			c.look *= 2
		}
		c.look = min(max(c.look, shortestLook), longestLook)
		c.empty = 0
		c.each((*ring).wake)
	case c.empty < mostEmpty:
		c.look = min(max(2*c.look, shortestLook), longestLook)
		c.empty++
	case c.empty == mostEmpty:
		c.each((*ring).sleep)
		c.look = shortestLook // once more: it may just have written, not having seen this
		c.empty++
	default:
		c.look = 0
	}
	return more
}

func (c *conn) each(do func(*ring)) {
	for _, s := range c.streams {
		if s.ring != nil {
			do(s.ring)
		}
	}
}

// read handles up to burst frames, and returns how many and why there were no
// more.
func (c *conn) read(e *Engine, w *worker) (n int, err error) {
	for ; n < burst; n++ {
		m, err := receive(c.fd, w.buf, &w.oob)
		if err != nil {
			return n, err
		}
		if err := c.handle(e, w, m); err != nil {
			return n, err
		}
	}
	if e.cutOff.Load() {
		if c.overtime++; c.overtime > mostOvertime {
			return n, errClosing
		}
	}
	return n, nil
}

// handle takes one frame. An error ends the connection.
func (c *conn) handle(e *Engine, w *worker, m message) error {
	if m.fd >= 0 {
		defer closeSocket(m.fd)
	}
	frame := w.buf[:m.size]
	h, body, ok := parseHeader(frame)
	if !ok || m.truncated {
		e.count(counts{malformed: 1})
		e.warnOnce("frame", "process %d sent a frame of %d bytes or more, where %d to %d are allowed; it is lost", m.pid, m.size, headerSize, maxFrame)
		if !c.authentic {
			return errClosing
		}
		return nil
	}
	if h.kind == frameHello {
		return c.hello(e, w, m.pid, h, body)
	}
	if !c.authentic {
		e.refuse("process %d wants to hand over spans without saying hello first; its connection is closed", m.pid)
		return errClosing
	}
	if h.version != version {
		e.count(counts{malformed: int64(h.count)})
		e.warnOnce("version", "%s", versionMismatch(h.version))
		return nil
	}

	p := c.last
	if p == nil || p.pid != m.pid {
		p = c.stream(e, w, m.pid)
		c.last = p
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.number(h)
	if h.kind != frameRecords {
		p.drainAll(e, w) // which was written before
	}
	switch h.kind {
	case frameRecords:
		p.records(e, &w.decoder, h, body)
	case frameRing:
		p.share(e, m.fd)
		if c.looking == nil {
			c.looking = time.AfterFunc(shortestLook, func() {
				if c.busy.CompareAndSwap(false, true) {
					c.run(e)
				}
			})
		}
		c.empty = 0
	case frameWake:
	case frameFlush:
		w.Reset(body)
		if w.Next() != marshal.Int {
			p.count.malformed++
			return nil
		}
		c.flush(e, flush{w.Int(), p.profile.exporters(), p.profile.config.Batch.ExportTimeout})
	case frameGoodbye:
		w.Reset(body)
		if w.Next() == marshal.List && w.Len() > 0 && w.Next() == marshal.Int {
			p.count.made, p.goodbye = max(p.count.made, w.Int()), true
		}
	default:
		e.warnOnce("type", "process %d sent a frame of the unknown type %d, as a later version may; such frames are passed over", m.pid, h.kind)
	}
	return nil
}

// hello lets a process in, and answers.
func (c *conn) hello(e *Engine, w *worker, pid int, h header, body []byte) error {
	if c.hellos++; c.hellos > mostHellos {
		e.refuse("process %d says hello again and again; its connection is closed", pid)
		return errClosing
	}
	said, err := parseHello(body)
	if err != nil {
		e.refuse("process %d said hello in a way that cannot be read: %v; its connection is closed", pid, err)
		return errClosing
	}
	if !said.authentic(e.key) {
		e.refuse("process %d does not know the engine's key; its connection is closed", pid)
		return errClosing
	}
	c.authentic = true
	if h.version != version {
		e.warnOnce("version", "%s", versionMismatch(h.version))
		c.send(refusal(h.version))
		return nil
	}

	profile := e.profile(said.variables, c.trusted)
	if pid != 0 {
		said.process.PID = pid
	}
	c.profile = profile
	c.found = resource.Detect(profile.config, profile.masker, said.process, e.options.Version, os.DirFS("/"))
	c.last = c.join(e, w, pid)
	c.last.greeted(h, c)
	if !said.forked { // a forked child does not wait, and must not leave an answer for its parent to find
		c.send(settings(profile.config, e.unsaid(profile)))
	}
	return nil
}

// stream returns that of a pid on this connection. A process that has not said
// hello itself was forked by one that has.
func (c *conn) stream(e *Engine, w *worker, pid int) *stream {
	if s := c.streams[pid]; s != nil {
		return s
	}
	s := c.join(e, w, pid)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.profile == nil {
		s.introduce(c.profile, resource.Merge(c.found, []otlp.Attribute{{Key: "process.pid", Value: int64(pid)}}))
	}
	return s
}

// greeted takes in a HELLO.
func (s *stream) greeted(h header, c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.number(h)
	s.introduce(c.profile, c.found)
}

func (c *conn) join(e *Engine, w *worker, pid int) *stream {
	s := c.streams[pid]
	if s != nil {
		return s
	}
	if n := len(c.streams); n > 0 && n%128 == 0 { // a server may fork without end
		for _, s := range c.streams {
			if !s.alive() {
				s.exit("")
			}
		}
		c.bury(e, w)
	}
	s = &stream{process: e.join(pid)}
	c.streams[pid] = s
	return s
}

// bury lets go of the processes that have exited: all they had sent is read.
func (c *conn) bury(e *Engine, w *worker) {
	for pid, s := range c.streams {
		if s.gone() {
			delete(c.streams, pid)
			if c.last == s {
				c.last = nil
			}
			s.finish(e, w)
			e.leave(s.process, &w.decoder)
		}
	}
}

// send writes a frame without waiting; a peer that does not read goes without.
func (c *conn) send(frame []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		send(c.fd, frame)
	}
}

// flush has everything sent on that the process has handed over before, and
// then says so. The connection is read meanwhile.
func (c *conn) flush(e *Engine, f flush) {
	if len(f.exporters) == 0 {
		c.send(flushed(f.id, true))
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.flushes) == mostFlushes {
		return
	}
	c.flushes = append(c.flushes, f)
	if len(c.flushes) > 1 {
		return
	}
	go func() {
		defer e.guard(nil)
		for more := true; more; {
			ctx, cancel := context.WithTimeout(e.context, f.limit)
			done := true
			for _, x := range f.exporters {
				done = x.Flush(ctx) == nil && done
			}
			c.send(flushed(f.id, done))
			cancel()
			c.mu.Lock()
			c.flushes = c.flushes[1:]
			if more = len(c.flushes) > 0; more {
				f = c.flushes[0]
			}
			c.mu.Unlock()
		}
	}()
}

func flushed(id int64, ok bool) []byte {
	b := header{version: version, kind: frameFlushed, count: 1}.append(nil)
	return marshal.AppendBool(marshal.AppendInt(marshal.AppendTuple(b, 2), id), ok)
}

// end closes the connection.
func (c *conn) end(e *Engine, w *worker, why error) {
	if why != io.EOF && why != errClosing && why != errEmpty {
		e.warnOnce("socket", "reading from a traced process failed: %v", why)
	}
	if c.looking != nil {
		c.looking.Stop()
	}
	for _, s := range c.streams {
		s.finish(e, w)
		e.leave(s.process, &w.decoder)
	}
	c.mu.Lock()
	c.closed = true
	e.poll.remove(c.fd)
	closeSocket(c.fd)
	c.mu.Unlock()
	e.remove(c)
}
