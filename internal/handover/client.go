package handover

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/internal/diag"
	"github.com/lumigo-io/opentelemetry-distro/internal/marshal"
)

// The frame header: version, type, count, sequence, dropped; little endian.
const (
	version    = 1
	headerSize = 16
	maxFrame   = 128 << 10

	frameHello, frameSettings, frameRecords, frameFlush, frameFlushed, frameGoodbye = 1, 2, 3, 4, 5, 6

	recordStarted, recordEncoded = 1, 3
)

const (
	greeting = time.Second          // that the engine has to answer in
	linger   = 2 * time.Millisecond // that spans gather before they are sent
	patience = time.Second          // that the engine has to take what is left at the end
	most     = 8 << 20              // bytes that may wait
)

// Process is what the engine wants to know.
type Process struct {
	Version    string    // of the distribution
	Mode       string    // of its injection
	Runtime    [3]string // name, version, description
	Executable string
	Environ    []string
}

// Client is a connection to an engine. Its methods are safe for concurrent use.
type Client struct {
	conn net.Conn
	log  *diag.Logger
	wake chan struct{}
	done chan struct{}

	sequence uint32 // of the last frame; the sender's alone
	open     open

	mu      sync.Mutex
	waiting [][]byte // frames, the last of which is being filled
	count   uint16   // records in that
	bytes   int
	made    int64
	dropped uint64
	closed  bool
	broken  bool
	warned  bool
	flushes map[int64]chan bool
	flush   int64
}

// Variable names the environment variable that tells a process where its engine is, and what key it wants to see:
// KEY@PATH, or detached:KEY@PATH where another traced process has started the engine. It is one variable because some
// applications read all of them again and again.
const Variable = "LUMIGO_ENGINE"

// Address takes the value of Variable apart. The path is "" where there is none.
func Address(value string) (path, key string) {
	key, path, _ = strings.Cut(strings.TrimPrefix(value, "detached:"), "@")
	return path, key
}

// Connect greets the engine at a socket.
func Connect(path, key string, p Process, log *diag.Logger) (*Client, error) {
	conn, err := net.DialTimeout("unixpacket", path, greeting)
	if err != nil {
		return nil, err
	}
	c := &Client{conn: conn, log: log, wake: make(chan struct{}, 1), done: make(chan struct{}), flushes: map[int64]chan bool{}}
	conn.SetDeadline(time.Now().Add(greeting))
	if err := c.write(frame(frameHello, 1, hello(key, p))); err != nil {
		conn.Close()
		return nil, err
	}
	answer := make([]byte, maxFrame)
	n, err := conn.Read(answer)
	if err != nil || n < headerSize || answer[0] != version || answer[1] != frameSettings {
		conn.Close()
		return nil, errors.Join(errors.New("it does not answer as an engine"), err)
	}
	conn.SetDeadline(time.Time{})
	go c.read()
	go c.send()
	return c, nil
}

func hello(key string, p Process) []byte {
	b := marshal.BeginDict(nil)
	text := func(s string) { b = marshal.AppendString(b, strings.ToValidUTF8(s, "\uFFFD")) }
	pair := func(k, v string) { text(k); text(v) }
	pair("key", key)
	pair("language", "go")
	pair("executable", p.Executable)
	pair("mode", p.Mode)
	pair("distro", p.Version)
	text("pid")
	b = marshal.AppendInt(b, int64(os.Getpid()))
	text("ppid")
	b = marshal.AppendInt(b, int64(os.Getppid()))
	text("forked")
	b = marshal.AppendBool(b, false)
	text("runtime")
	b = marshal.AppendTuple(b, len(p.Runtime))
	for _, part := range p.Runtime {
		text(part)
	}
	text("config")
	b = marshal.BeginDict(b)
	for _, entry := range p.Environ {
		if name, value, _ := strings.Cut(entry, "="); configures(name) {
			pair(name, value)
		}
	}
	b = marshal.EndDict(b)
	text("environ")
	var environ [][2]string
	total := 0
	for _, entry := range p.Environ {
		name, value, _ := strings.Cut(entry, "=")
		if name == Variable || total >= mostEnviron {
			continue
		}
		value = value[:min(len(value), 4096, mostEnviron-total)]
		total += len(name) + len(value)
		environ = append(environ, [2]string{name, value})
	}
	b = marshal.AppendList(b, len(environ))
	for _, e := range environ {
		b = marshal.AppendTuple(b, 2)
		pair(e[0], e[1])
	}
	return marshal.EndDict(b)
}

const mostEnviron = 48 << 10

func configures(name string) bool {
	if name == Variable {
		return false
	}
	for _, prefix := range []string{"LUMIGO_", "OTEL_", "AUTOWRAPT_", "ECS_", "AWS_", "_X_AMZN_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	switch strings.ToUpper(name) {
	case "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY":
		return true
	}
	return false
}

// frame makes a whole frame. What its header says of the stream is for write to fill in.
func frame(kind byte, count uint16, body []byte) []byte {
	return append(begin(make([]byte, 0, headerSize+len(body)), kind, count), body...)
}

func begin(b []byte, kind byte, count uint16) []byte {
	b = append(b, version, kind)
	b = binary.LittleEndian.AppendUint16(b, count)
	return append(b, make([]byte, headerSize-4)...)
}

// write sends a frame. It is the sender's, and before there is one Connect's.
func (c *Client) write(frame []byte) error {
	c.sequence++
	binary.LittleEndian.PutUint32(frame[4:], c.sequence)
	binary.LittleEndian.PutUint64(frame[8:], c.Dropped())
	_, err := c.conn.Write(frame)
	return err
}

// Add hands over a copy of an encoded span; skip keeps it from being exported. It never waits.
func (c *Client) Add(scope string, span []byte, skip bool) {
	size := 32 + len(scope) + len(span)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made++
	if c.closed || c.broken || c.bytes+size > most || size > maxFrame-headerSize {
		c.dropped++
		if !c.warned {
			c.warned = true
			go c.log.Warningf("a span of %d bytes cannot be handed to the engine and is dropped; further ones are counted", len(span))
		}
		return
	}
	n := len(c.waiting)
	if n == 0 || c.count == 0 || c.count == 1<<15 || len(c.waiting[n-1])+size > maxFrame {
		c.seal()
		c.waiting = append(c.waiting, begin(make([]byte, 0, 8<<10), frameRecords, 0))
		n = len(c.waiting)
	}
	b := marshal.AppendTuple(c.waiting[n-1], 4)
	b = marshal.AppendInt(b, recordEncoded)
	b = marshal.AppendString(b, scope)
	b = marshal.AppendBytes(b, span)
	c.waiting[n-1] = marshal.AppendBool(b, skip)
	c.count++
	if c.bytes == 0 {
		c.kick()
	}
	c.bytes += size
}

// seal completes the frame that is being filled; c.mu is held.
func (c *Client) seal() {
	if c.count > 0 {
		last := c.waiting[len(c.waiting)-1]
		binary.LittleEndian.PutUint16(last[2:], c.count)
		c.count = 0
	}
}

func (c *Client) kick() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// send sends what has gathered, until Close.
func (c *Client) send() {
	defer close(c.done)
	for range c.wake {
		if _, hurry := c.ending(); !hurry {
			time.Sleep(linger)
		}
		select {
		case <-c.wake: // what it is about is seen to now
		default:
		}
		closed, _ := c.ending()
		for _, f := range c.open.records(closed) {
			if err := c.write(f); err != nil {
				c.fail(err, 0)
			}
		}
		for frames := c.take(); len(frames) > 0; frames = c.take() {
			for _, f := range frames {
				if err := c.write(f); err != nil {
					c.fail(err, spansIn(f))
				}
			}
		}
		if closed {
			c.write(frame(frameGoodbye, 1, marshal.AppendInt(marshal.AppendTuple(nil, 1), c.Made())))
			return
		}
		if len(c.open.older) > 0 {
			c.kick()
		}
	}
}

// ending says whether this is the end, and whether somebody waits for what is sent.
func (c *Client) ending() (closed, hurry bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed, c.closed || len(c.flushes) > 0
}

func (c *Client) take() (frames [][]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seal()
	frames, c.waiting, c.bytes = c.waiting, nil, 0
	return frames
}

func spansIn(frame []byte) uint64 {
	if frame[1] != frameRecords {
		return 0
	}
	return uint64(binary.LittleEndian.Uint16(frame[2:]))
}

// fail notes that a frame could not be sent, and so many spans with it.
func (c *Client) fail(err error, spans uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropped += spans
	if !c.broken {
		c.broken = true
		go c.log.Warningf("the engine does not take spans any more, which are dropped: %v", err)
	}
}

// read takes in answers, until the connection ends.
func (c *Client) read() {
	buf := make([]byte, 4<<10)
	for {
		n, err := c.conn.Read(buf)
		if err != nil || n == 0 {
			break
		}
		if n < headerSize || buf[1] != frameFlushed {
			continue
		}
		var r marshal.Reader
		r.Reset(buf[headerSize:n])
		if r.Next() != marshal.List || r.Len() < 2 || r.Next() != marshal.Int {
			continue
		}
		id := r.Int()
		delivered := r.Next() == marshal.Bool && r.Bool()
		c.mu.Lock()
		if waiting := c.flushes[id]; waiting != nil {
			waiting <- delivered
			delete(c.flushes, id)
		}
		c.mu.Unlock()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.broken = true
	for id, waiting := range c.flushes {
		waiting <- false
		delete(c.flushes, id)
	}
}

// Flush returns once the engine has delivered what was handed over before.
func (c *Client) Flush(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	answer := make(chan bool, 1)
	c.mu.Lock()
	if c.broken || c.closed {
		c.mu.Unlock()
		return errors.New("the engine is gone")
	}
	c.seal()
	c.flush++
	id := c.flush
	c.flushes[id] = answer
	c.waiting = append(c.waiting, frame(frameFlush, 1, marshal.AppendInt(nil, id)))
	c.bytes += headerSize
	c.kick()
	c.mu.Unlock()
	select {
	case delivered := <-answer:
		if !delivered {
			return errors.New("the engine could not deliver all spans in time")
		}
		return nil
	case <-ctx.Done():
		c.mu.Lock()
		delete(c.flushes, id)
		c.mu.Unlock()
		return ctx.Err()
	}
}

// Close hands over what is left and says goodbye. The engine delivers it, whatever becomes of this process.
func (c *Client) Close() {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return
	}
	c.closed = true
	c.kick()
	c.mu.Unlock()
	c.conn.SetWriteDeadline(time.Now().Add(patience))
	select {
	case <-c.done:
	case <-time.After(2 * patience):
	}
}

// String says what was made and what was lost.
func (c *Client) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprintf("%d spans made, %d of them dropped before the engine had them", c.made, c.dropped)
}

// Made is how many spans there were to be handed over.
func (c *Client) Made() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.made
}

// Dropped is how many spans the engine will never have.
func (c *Client) Dropped() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dropped
}
