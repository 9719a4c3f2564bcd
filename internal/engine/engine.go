package engine

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
	"github.com/lumigo-io/opentelemetry-distro/internal/diag"
	"github.com/lumigo-io/opentelemetry-distro/internal/export"
	"github.com/lumigo-io/opentelemetry-distro/internal/handover"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
	"github.com/lumigo-io/opentelemetry-distro/internal/spandump"
)

// Options are what an engine is made with. The zero value is usable.
type Options struct {
	// Dir is the directory in which the socket's own is made; "" for the
	// system's temporary one. It is not used with a Listener.
	Dir string

	// Listener is a listening SOCK_SEQPACKET unix socket, opened by somebody
	// else, which the engine takes over, and Key the 32 hexadecimal digits that
	// goes with it. A missing Key is made up.
	Listener *os.File
	Key      string

	Log     *diag.Logger  // of the engine itself; nil to discard
	Version string        // of the distribution
	Environ []string      // the engine's own environment: for processes that send none, and for what another user's process may have written
	Idle    time.Duration // after which, without a connection, Engine.Idle tells; 0 for never
	Viewer  Viewer        // nil for none
}

// Viewer gets every span and log record that is meant to be sent, wherever else it goes, and whether or not that is
// anywhere.
type Viewer interface {
	// Add takes a copy of an encoded span or log record, as one of r's and s's. It must not wait, and be safe for
	// concurrent use.
	Add(signal otlp.Signal, r *otlp.Resource, s *otlp.Scope, item []byte)
}

// Engine receives the spans of other processes. Its methods are safe for
// concurrent use.
type Engine struct {
	options   Options
	key       string
	path      string
	ownsPath  bool
	listener  int
	poll      *poller
	workers   chan *worker
	context   context.Context // until Close has flushed
	cancel    context.CancelFunc
	cutOff    atomic.Bool // connections that are empty are closed
	sweeping  atomic.Bool
	openBytes atomic.Int64 // of the records of open spans
	idle      chan struct{}

	setup     sync.Mutex // profiles are made one at a time; what follows is theirs
	profiles  map[string]*profile
	exporters map[string]*export.Exporter
	dumps     map[string]*spandump.Writer
	metadata  map[string]*ecs
	said      map[string]bool // lines that are in some process's log

	scopesMu sync.RWMutex
	scopes   map[string]*otlp.Scope

	accepting sync.Mutex // the listener is not closed meanwhile

	mu        sync.Mutex // never held while anything waits
	closing   bool
	closed    chan struct{} // closed when Close is through with the connections
	conns     map[int]*conn
	emptied   chan struct{}         // closed when the last connection ends while closing
	processes map[int]*process      // by pid
	all       map[*process]struct{} // that are not accounted for in total
	known     int
	total     counts
	refused   int64
	warned    map[string]bool
	idleTimer *time.Timer
	lull      time.Duration // until the next sweep

	once    sync.Once
	summary Summary
}

// mostConns bounds the connections, as each holds a file descriptor.
const mostConns = 4096

// Listen makes an engine that processes can connect to; nothing is read until
// [Engine.Serve].
func Listen(o Options) (*Engine, error) {
	e := &Engine{
		options:   o,
		key:       o.Key,
		listener:  -1,
		idle:      make(chan struct{}),
		profiles:  map[string]*profile{},
		exporters: map[string]*export.Exporter{},
		dumps:     map[string]*spandump.Writer{},
		metadata:  map[string]*ecs{},
		said:      map[string]bool{},
		scopes:    map[string]*otlp.Scope{},
		closed:    make(chan struct{}),
		conns:     map[int]*conn{},
		emptied:   make(chan struct{}),
		processes: map[int]*process{},
		all:       map[*process]struct{}{},
		warned:    map[string]bool{},
	}
	if e.key == "" {
		var random [16]byte
		rand.Read(random[:])
		e.key = hex.EncodeToString(random[:])
	}
	o.Log.Redact(e.key)

	var err error
	if o.Listener != nil {
		e.listener, e.path, err = inherit(o.Listener)
	} else {
		e.ownsPath = true
		e.listener, e.path, err = listen(o.Dir)
	}
	if err != nil {
		return nil, err
	}
	if err = passCredentials(e.listener); err == nil {
		if e.poll, err = newPoller(); err == nil {
			err = e.poll.add(e.listener, false)
		}
	}
	if err != nil {
		e.stopListening()
		return nil, fmt.Errorf("cannot watch the engine's socket: %w", err)
	}
	n := min(16, 2+2*runtime.GOMAXPROCS(0))
	e.workers = make(chan *worker, n)
	for range n {
		e.workers <- &worker{buf: make([]byte, maxFrame), entry: make([]byte, maxFrame)}
	}
	e.context, e.cancel = context.WithCancel(context.Background())
	if o.Idle > 0 {
		e.idleTimer = time.AfterFunc(o.Idle, e.tellIdle)
	}
	return e, nil
}

// Environment returns what the environment of a process needs, for it to find
// the engine, as name=value.
func (e *Engine) Environment() []string {
	return []string{handover.Variable + "=" + e.key + "@" + e.path}
}

// Path returns that of the socket.
func (e *Engine) Path() string { return e.path }

// Idle returns a channel that is closed when no process has been connected for
// the time set in the options.
func (e *Engine) Idle() <-chan struct{} { return e.idle }

func (e *Engine) tellIdle() {
	e.mu.Lock()
	defer e.mu.Unlock()
	select {
	case <-e.idle:
	default:
		if len(e.conns) == 0 {
			close(e.idle)
		}
	}
}

// Serve works until Close, and then returns nil. Call it once.
func (e *Engine) Serve() error {
	var ready []int
	for {
		var err error
		ready, err = e.poll.wait(ready[:0])
		if err != nil {
			select {
			case <-e.closed:
				return nil
			default:
				return fmt.Errorf("waiting for traced processes: %w", err)
			}
		}
		for _, fd := range ready {
			e.mu.Lock()
			c, listener := e.conns[fd], e.listener
			e.mu.Unlock()
			if fd == listener {
				e.accept()
			} else if c != nil && c.busy.CompareAndSwap(false, true) {
				go c.run(e)
			}
		}
	}
}

// accept takes in all connections that wait.
func (e *Engine) accept() {
	e.accepting.Lock()
	defer e.accepting.Unlock()
	for {
		e.mu.Lock()
		listener := e.listener
		e.mu.Unlock()
		if listener < 0 {
			return
		}
		fd, uid, err := accept(listener)
		if err != nil {
			e.warnOnce("accept", "cannot accept a traced process: %v; trying again", err)
			e.poll.remove(listener) // or it would be reported without a pause
			time.AfterFunc(100*time.Millisecond, func() {
				e.mu.Lock()
				defer e.mu.Unlock()
				if e.listener >= 0 {
					e.poll.add(e.listener, false)
				}
			})
			return
		}
		if fd < 0 {
			return
		}
		own := uint32(os.Geteuid())
		if uid != own && own != 0 {
			closeSocket(fd)
			e.refuse("a process of user %d has connected to the engine, which serves user %d only; its connection is closed", uid, own)
			continue
		}
		c := &conn{fd: fd, trusted: uid == own, streams: map[int]*stream{}}
		e.mu.Lock()
		full := len(e.conns) == mostConns
		if !full {
			e.conns[fd] = c
		}
		e.mu.Unlock()
		if full {
			closeSocket(fd)
			e.refuse("%d processes are connected already; further ones are turned away", mostConns)
			continue
		}
		if err := e.poll.add(fd, true); err != nil {
			closeSocket(fd)
			e.remove(c)
			e.refuse("cannot watch the connection of a process of user %d: %v", uid, err)
		}
	}
}

// remove forgets a connection that has ended.
func (e *Engine) remove(c *conn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.conns[c.fd] == c {
		delete(e.conns, c.fd)
	}
	if len(e.conns) > 0 {
		return
	}
	if e.idleTimer != nil {
		e.idleTimer.Reset(e.options.Idle)
	}
	if e.closing {
		e.finishClosing()
	}
}

// finishClosing tells Close that no connection is left; e.mu is held.
func (e *Engine) finishClosing() {
	select {
	case <-e.emptied:
	default:
		close(e.emptied)
	}
}

// join returns the process of a pid, which one more connection knows.
func (e *Engine) join(pid int) *process {
	e.mu.Lock()
	defer e.mu.Unlock()
	began, _ := processStart(pid)
	p := e.processes[pid]
	if p == nil || began != "" && p.start != began { // the pid may have been another's
		p = &process{pid: pid, start: began}
		e.all[p] = struct{}{}
		e.known++
		if pid != 0 {
			e.processes[pid] = p
		}
	}
	p.conns++
	return p
}

// leave notes that a connection knows the process no longer.
func (e *Engine) leave(p *process, d *decoder) {
	e.mu.Lock()
	p.conns--
	e.mu.Unlock()
	e.settle(p, d, false)
}

// settle accounts for a process that is gone, once no connection knows it.
// Until then, or while it is not certain, it stays as it is; force does not ask.
func (e *Engine) settle(p *process, d *decoder, force bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e.mu.Lock()
	_, here := e.all[p]
	done := here && p.conns == 0 && (p.exited || p.pid == 0 || p.goodbye && len(p.open) == 0)
	e.mu.Unlock()
	if !here {
		return
	}
	if !done && !force {
		e.watch()
		return
	}
	p.interrupt(e, d)

	e.mu.Lock()
	defer e.mu.Unlock()
	if p.conns > 0 && !force {
		return // it has connected again
	}
	p.count.made = max(p.count.made, p.count.received+p.count.logs+p.count.lost+p.count.malformed)
	p.count.missing = p.count.made - p.count.received - p.count.logs - p.count.lost - p.count.malformed
	e.total.add(p.count)
	delete(e.all, p)
	if e.processes[p.pid] == p {
		delete(e.processes, p.pid)
	}
	e.options.Log.Debugf("process %d: %d spans made, %d received, %d dropped in the app, %d missing, %d malformed, %d interrupted", p.pid, p.count.made, p.count.received, p.count.lost, p.count.missing, p.count.malformed, p.count.interrupted)
}

// Exited tells the engine that a process has ended, and how, such as "killed by
// signal 9": spans that it left open are reported with these words, once
// everything it had sent is read. It does not wait for that.
func (e *Engine) Exited(pid int, how string) {
	e.mu.Lock()
	p := e.processes[pid]
	e.mu.Unlock()
	if p != nil {
		p.exit(how)
		e.kick(p)
	}
}

// kick has the connections of a process that has exited read to their end, and
// the process settled then.
func (e *Engine) kick(p *process) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if p.conns == 0 {
		go func() {
			w := <-e.workers
			defer func() { e.workers <- w }()
			defer e.guard(func() { w.decoder = decoder{} })
			e.settle(p, &w.decoder, false)
		}()
		return
	}
	for _, c := range e.conns {
		c.exits.Store(true)
		if c.busy.CompareAndSwap(false, true) {
			go c.run(e)
		}
	}
}

// Sweeps look for processes that ended without anybody's word.
const (
	firstSweep = 2 * time.Second // long enough for a launcher to say it first
	mostLull   = 30 * time.Second
)

// watch has the processes looked after, as long as there is one that has open
// spans or no connection.
func (e *Engine) watch() {
	if !e.sweeping.Swap(true) {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.lull = firstSweep
		time.AfterFunc(e.lull, e.sweep)
	}
}

func (e *Engine) sweep() {
	defer e.guard(nil)
	e.mu.Lock()
	watched := slices.Collect(maps.Keys(e.all))
	e.mu.Unlock()

	again, changed := false, false
	for _, p := range watched {
		p.mu.Lock()
		e.mu.Lock()
		concerns := len(p.open) > 0 || p.conns == 0
		e.mu.Unlock()
		gone := false
		if concerns && !p.exited && !p.alive() {
			p.missed++
			changed = true
			gone = p.missed > 1
			p.exited = gone
		}
		p.mu.Unlock()
		if gone {
			e.kick(p)
		}
		again = again || concerns
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if !again || e.closing {
		e.sweeping.Store(false)
		return
	}
	if e.lull = min(2*e.lull, mostLull); changed {
		e.lull = firstSweep
	}
	time.AfterFunc(e.lull, e.sweep)
}

// Close ends the engine: no process can connect any more, every connection is
// read to its end, for half of the time that ctx leaves at most, what is left is
// sent, and the account is made. Later calls return the same Summary.
func (e *Engine) Close(ctx context.Context) Summary {
	e.once.Do(func() { e.summary = e.close(ctx) })
	return e.summary
}

func (e *Engine) close(ctx context.Context) Summary {
	e.accept() // those who came in time
	e.stopListening()
	e.mu.Lock()
	e.closing = true
	if e.idleTimer != nil {
		e.idleTimer.Stop()
	}
	if len(e.conns) == 0 {
		e.finishClosing()
	}
	e.mu.Unlock()

	var cut <-chan time.Time
	if deadline, ok := ctx.Deadline(); ok {
		timer := time.NewTimer(time.Until(deadline) / 2)
		defer timer.Stop()
		cut = timer.C
	}
	select {
	case <-e.emptied:
	case <-ctx.Done():
		e.cutConnections()
	case <-cut:
		e.cutConnections()
	}
	close(e.closed)
	e.poll.close()

	settled := make(chan struct{})
	go func() {
		defer close(settled)
		defer e.guard(nil)
		e.settleAll(ctx)
	}()
	select {
	case <-settled:
	case <-ctx.Done():
		select {
		case <-settled:
		case <-time.After(time.Second): // something hangs, such as a pipe that a dump is written to
		}
	}
	e.cancel()
	return e.account()
}

// settleAll accounts for all processes, sends what is left and ends the dumps.
func (e *Engine) settleAll(ctx context.Context) {
	e.mu.Lock()
	rest := slices.Collect(maps.Keys(e.all))
	e.mu.Unlock()
	d := new(decoder)
	for _, p := range rest {
		e.settle(p, d, true)
	}
	e.setup.Lock()
	defer e.setup.Unlock()
	var group sync.WaitGroup
	for _, x := range e.exporters {
		group.Add(1)
		go func() {
			defer group.Done()
			x.Shutdown(ctx)
		}()
	}
	for _, w := range e.dumps {
		if err := w.Close(); err != nil {
			e.options.Log.Warningf("%v", err)
		}
	}
	group.Wait()
}

// cutConnections ends those that are not read to their end in time.
func (e *Engine) cutConnections() {
	e.cutOff.Store(true)
	e.mu.Lock()
	left := len(e.conns)
	for _, c := range e.conns {
		if c.busy.CompareAndSwap(false, true) {
			go c.run(e)
		}
	}
	e.mu.Unlock()
	if left > 0 {
		e.options.Log.Debugf("%d traced processes are still connected; what they send from now on is lost", left)
	}
	select {
	case <-e.emptied:
	case <-time.After(2 * time.Second): // a worker that hangs on a file that cannot be opened
	}
}

func (e *Engine) stopListening() {
	e.accepting.Lock()
	defer e.accepting.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.listener < 0 {
		return
	}
	if e.poll != nil {
		e.poll.remove(e.listener)
	}
	closeSocket(e.listener)
	e.listener = -1
	if e.ownsPath {
		os.RemoveAll(filepath.Dir(e.path))
	}
}

// unsaid returns the messages of a profile that no process has in its log yet.
func (e *Engine) unsaid(p *profile) []config.Message {
	e.setup.Lock()
	defer e.setup.Unlock()
	var fresh []config.Message
	for _, m := range p.messages {
		if m.Level < p.config.LogLevel || e.said[m.Text] || len(e.said) == 1024 {
			continue
		}
		e.said[m.Text] = true
		fresh = append(fresh, m)
	}
	return fresh
}

func (e *Engine) count(c counts) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.total.add(c)
}

// warnOnce logs the first warning of each kind.
func (e *Engine) warnOnce(kind, format string, args ...any) {
	e.mu.Lock()
	known := e.warned[kind] || len(e.warned) == 256
	e.warned[kind] = true
	e.mu.Unlock()
	if !known {
		e.options.Log.Warningf(format, args...)
	}
}

// refuse counts a connection that is turned away, and logs the first of its
// kind.
func (e *Engine) refuse(format string, args ...any) {
	e.mu.Lock()
	e.refused++
	e.mu.Unlock()
	e.warnOnce(format, format, args...)
}

func versionMismatch(theirs byte) string {
	return fmt.Sprintf("The traced process speaks version %d of the protocol with the engine, and the engine version %d: nothing is traced; use the same release of both", theirs, version)
}

// failure is the error that made a frame unreadable.
func (d *decoder) failure() error {
	if err := d.Err(); err != nil {
		return err
	}
	return errors.New("it holds fewer records than it says")
}

// guard, deferred, keeps a mistake of ours from ending the program, which may be
// the app's own first process. The account then does not add up, and the log
// says why.
func (e *Engine) guard(then func()) {
	if r := recover(); r != nil {
		e.warnOnce("panic", "internal error, some spans may be lost: %v", r)
		e.options.Log.Debugf("%s", debug.Stack())
		if then != nil {
			defer func() { recover() }()
			then()
		}
	}
}
