package handover

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/internal/diag"
	"github.com/lumigo-io/opentelemetry-distro/internal/marshal"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

// received is a frame as the engine has got it.
type received struct {
	kind     byte
	sequence uint32
	dropped  uint64
	values   []any
}

// engine is one end of a connection.
type engine struct {
	t    *testing.T
	path string
	conn net.Conn
}

// listen waits for one client, whose greeting it answers with a frame of a type.
func listen(t *testing.T, answer byte) (*engine, func(Process) (*Client, error)) {
	t.Helper()
	e := &engine{t: t, path: filepath.Join(t.TempDir(), "engine")}
	l, err := net.Listen("unixpacket", e.path)
	if err != nil {
		t.Skipf("no sockets that keep messages apart on %s: %v", runtime.GOOS, err)
	}
	t.Cleanup(func() { l.Close() })
	accepted := make(chan struct{})
	go func() {
		defer close(accepted)
		if e.conn, err = l.Accept(); err == nil {
			t.Cleanup(func() { e.conn.Close() })
		}
	}()
	return e, func(p Process) (*Client, error) {
		greeted := make(chan struct{})
		go func() {
			<-accepted
			e.conn.SetDeadline(time.Now().Add(20 * time.Second))
			defer close(greeted)
			if answer != 0 {
				e.conn.Write(append(begin(nil, answer, 1), marshal.EndDict(marshal.BeginDict(nil))...))
			}
		}()
		c, err := Connect(e.path, "key", p, diag.New(os.Stderr, diag.Off))
		<-greeted
		return c, err
	}
}

// connect returns both ends of a connection whose greeting is over.
func connect(t *testing.T) (*engine, *Client) {
	t.Helper()
	e, dial := listen(t, frameSettings)
	c, err := dial(Process{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if hello := e.next(); hello.kind != frameHello || hello.sequence != 1 {
		t.Fatalf("the first frame is %+v", hello)
	}
	return e, c
}

// next is the next frame, of type 0 when there is none any more.
func (e *engine) next() (f received) {
	e.t.Helper()
	b := make([]byte, maxFrame)
	n, err := e.conn.Read(b)
	if err != nil || n == 0 {
		return f
	}
	if n < headerSize || b[0] != version {
		e.t.Fatalf("no frame: %x", b[:n])
	}
	f.kind, f.sequence, f.dropped = b[1], binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint64(b[8:])
	var r marshal.Reader
	r.Reset(b[headerSize:n])
	for r.More() {
		v, err := r.Value()
		if err != nil {
			e.t.Fatalf("%v in %x", err, b[:n])
		}
		f.values = append(f.values, v)
	}
	if want := binary.LittleEndian.Uint16(b[2:]); int(want) != len(f.values) {
		e.t.Errorf("a frame says that it has %d values, and has %d", want, len(f.values))
	}
	return f
}

// all are the frames until the client says goodbye, whose sequence has no gap.
func (e *engine) all() (frames []received) {
	e.t.Helper()
	for {
		f := e.next()
		if f.kind == 0 {
			e.t.Fatal("no goodbye")
		}
		if n := len(frames); n > 0 && f.sequence != frames[n-1].sequence+1 {
			e.t.Errorf("frame %d after %d", f.sequence, frames[n-1].sequence)
		}
		if frames = append(frames, f); f.kind == frameGoodbye {
			return frames
		}
	}
}

func TestHello(t *testing.T) {
	e, dial := listen(t, frameSettings)
	c, err := dial(Process{Version: "1", Mode: "import", Runtime: [3]string{"gc", "go1", "Go"}, Executable: "/bin/a", Environ: []string{
		"LUMIGO_TAG=blue", "PATH=/bin", "LUMIGO_ENGINE=key", "https_proxy=p", "BAD=\xff", "LONG=" + strings.Repeat("x", 5000), "EMPTY", "LAST=" + strings.Repeat("y", 4096),
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	hello := fmt.Sprint(e.next().values...)
	for _, want := range []string{
		"{key key}", "{language go}", "{executable /bin/a}", "{mode import}", "{distro 1}", "{forked false}", "{runtime [gc go1 Go]}",
		fmt.Sprintf("{pid %d}", os.Getpid()), fmt.Sprintf("{ppid %d}", os.Getppid()),
		"{config [{LUMIGO_TAG blue} {https_proxy p}]}", "[PATH /bin]", "[BAD \uFFFD]", "[LONG " + strings.Repeat("x", 4096) + "]", "[EMPTY ]",
	} {
		if !strings.Contains(hello, want) {
			t.Errorf("no %s in\n%s", want, hello)
		}
	}
	if strings.Contains(hello, "LUMIGO_ENGINE") {
		t.Errorf("the key is shown as a variable in\n%s", hello)
	}
}

func TestNoEngine(t *testing.T) {
	if _, err := Connect(filepath.Join(t.TempDir(), "none"), "key", Process{}, nil); err == nil {
		t.Error("connected with nobody")
	}
	_, dial := listen(t, frameFlushed)
	if _, err := dial(Process{}); err == nil || !strings.Contains(err.Error(), "it does not answer as an engine") {
		t.Errorf("connected with something else: %v", err)
	}
}

func TestSpansArriveAsTheyAre(t *testing.T) {
	e, c := connect(t)
	span := []byte("span")
	c.Add("net/http", span, false)
	span[0] = 'S' // as its memory is used again
	c.Add("skipped", span, true)
	c.Close()
	var spans []any
	frames := e.all()
	for _, f := range frames {
		if f.kind == frameRecords {
			spans = append(spans, f.values...)
		}
	}
	if got, want := fmt.Sprintf("%q", spans), `[['\x03' "net/http" "span" %!q(bool=false)] ['\x03' "skipped" "Span" %!q(bool=true)]]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if goodbye := frames[len(frames)-1]; fmt.Sprint(goodbye.values) != "[[2]]" {
		t.Errorf("goodbye %v, want 2 spans made", goodbye.values)
	}
	if text := c.String(); text != "2 spans made, 0 of them dropped before the engine had them" {
		t.Error(text)
	}
}

func TestManySpans(t *testing.T) {
	e, c := connect(t)
	var group sync.WaitGroup
	for range 4 {
		group.Add(1)
		go func() {
			defer group.Done()
			for range 2000 {
				c.Add("s", bytes.Repeat([]byte("x"), 100), false)
			}
		}()
	}
	go func() {
		group.Wait()
		c.Close()
	}()
	n := 0
	for _, f := range e.all() {
		if f.kind == frameRecords {
			n += len(f.values)
		}
	}
	if n != 8000 {
		t.Errorf("%d spans arrived of 8000", n)
	}
}

func TestWhatCannotBeHandedOverIsCounted(t *testing.T) {
	t.Run("a span that is too large", func(t *testing.T) {
		e, c := connect(t)
		c.Add("s", make([]byte, maxFrame), false)
		c.Add("s", []byte("small"), false)
		c.Close()
		frames := e.all()
		if f := frames[0]; f.kind != frameRecords || len(f.values) != 1 || f.dropped != 1 {
			t.Errorf("got %+v, want the small one, and 1 dropped", f)
		}
		if goodbye := frames[len(frames)-1]; fmt.Sprint(goodbye.values) != "[[2]]" {
			t.Errorf("goodbye %v", goodbye.values)
		}
	})
	t.Run("too many for memory, as nobody reads", func(t *testing.T) {
		e, c := connect(t)
		const size, n = 64 << 10, 3 * most / (64 << 10)
		for range n {
			c.Add("s", make([]byte, size), false)
		}
		if c.Dropped() == 0 {
			t.Error("everything is kept")
		}
		go c.Close()
		var arrived, dropped uint64
		for _, f := range e.all() {
			if dropped = f.dropped; f.kind == frameRecords {
				arrived += uint64(len(f.values))
			}
		}
		if arrived+dropped != n {
			t.Errorf("%d arrived and %d dropped of %d", arrived, dropped, n)
		}
	})
	t.Run("an engine that is gone", func(t *testing.T) {
		e, c := connect(t)
		e.conn.Close()
		if err := c.Flush(context.Background()); err == nil {
			t.Error("flushed")
		}
		c.Add("s", []byte("span"), false)
		c.Close()
		if c.Dropped() != 1 || c.String() != "1 spans made, 1 of them dropped before the engine had them" {
			t.Error(c)
		}
	})
	t.Run("frames that cannot be sent", func(t *testing.T) {
		conn, _ := net.Pipe()
		conn.Close()
		c := &Client{conn: conn, log: diag.New(os.Stderr, diag.Off), wake: make(chan struct{}, 1), done: make(chan struct{})}
		for range 3 {
			c.Add("s", []byte("span"), false)
		}
		c.Begin(&lasting{started: Started{Name: "open"}}) // which is not counted
		go c.send()
		c.Close()
		if c.Dropped() != 3 {
			t.Error(c)
		}
	})
	t.Run("spans after the end", func(t *testing.T) {
		_, c := connect(t)
		c.Close()
		c.Close()
		c.Add("s", []byte("span"), false)
		if c.Dropped() != 1 {
			t.Error(c)
		}
		if err := c.Flush(context.Background()); err == nil {
			t.Error("flushed")
		}
	})
}

func TestFlush(t *testing.T) {
	for _, delivered := range []bool{true, false} {
		t.Run(fmt.Sprint("delivered ", delivered), func(t *testing.T) {
			e, c := connect(t)
			c.Add("s", []byte("span"), false)
			result := make(chan error)
			go func() { result <- c.Flush(context.Background()) }()
			f := e.next()
			if f.kind != frameRecords {
				t.Fatalf("the span has not come first: %+v", f)
			}
			if f = e.next(); f.kind != frameFlush {
				t.Fatalf("no flush: %+v", f)
			}
			e.conn.Write(append(begin(nil, frameSettings, 1), marshal.AppendNone(nil)...)) // to be passed over, like
			e.conn.Write(append(begin(nil, frameFlushed, 1), marshal.AppendNone(nil)...))  // this, too
			id := f.values[0].(int64)
			for _, id := range []int64{id + 1, id} {
				answer := marshal.AppendBool(marshal.AppendInt(marshal.AppendTuple(nil, 2), id), delivered)
				e.conn.Write(append(begin(nil, frameFlushed, 1), answer...))
			}
			if err := <-result; (err == nil) != delivered {
				t.Errorf("flush: %v", err)
			}
		})
	}
	t.Run("nobody answers", func(t *testing.T) {
		_, c := connect(t)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := c.Flush(ctx); err != context.Canceled {
			t.Error(err)
		}
	})
}

// lasting is a span that is open as long as its name stands.
type lasting struct {
	mu      sync.Mutex
	started Started
	looked  int
}

func (l *lasting) Look() (Started, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.looked++
	return l.started, l.started.Name != ""
}

func (l *lasting) Live() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.started.Name != ""
}

func (l *lasting) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.started.Name = ""
}

// names are the spans that frames say have begun.
func names(t *testing.T, frames [][]byte) (names []string) {
	for _, f := range frames {
		var r marshal.Reader
		r.Reset(f[headerSize:])
		n := 0
		for ; r.More(); n++ {
			v, err := r.Value()
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, v.([]any)[6].(string))
		}
		if f[1] != frameRecords || n != int(spansIn(f)) || len(f) > maxFrame {
			t.Errorf("a frame of type %d and %d bytes has %d values and says %d", f[1], len(f), n, spansIn(f))
		}
	}
	return names
}

// The sender wakes once and again: who has lasted that long is told of, once.
func TestOnlySpansThatLastAreToldOf(t *testing.T) {
	var o open
	short, lasts, ends := &lasting{started: Started{Name: "short"}}, &lasting{started: Started{Name: "lasts"}}, &lasting{started: Started{Name: "ends"}}
	if !o.add(short) || o.add(lasts) || o.add(ends) {
		t.Error("not the first one, or not that alone, wakes the sender")
	}
	short.end()
	if got := names(t, o.records(false)); len(got) != 0 || len(o.older) != 2 {
		t.Errorf("the first time it tells of %q, and keeps %d", got, len(o.older))
	}
	ends.end()
	if !o.add(&lasting{started: Started{Name: "young"}}) {
		t.Error("the first one does not wake the sender again")
	}
	if got := names(t, o.records(false)); !slices.Equal(got, []string{"lasts"}) {
		t.Errorf("the second time it tells of %q", got)
	}
	if short.looked != 0 {
		t.Error("it looks at what is short")
	}
	o.add(&lasting{started: Started{Name: "younger"}})
	if got := names(t, o.records(true)); !slices.Equal(got, []string{"young", "younger"}) {
		t.Errorf("at the end it tells of %q", got)
	}
	if o.add(&lasting{}); len(o.young) != 0 {
		t.Error("it gathers what nobody will ever look at")
	}
}

func TestManySpansThatLast(t *testing.T) {
	var o open
	for range 1000 {
		o.add(&lasting{started: Started{Name: "lasts", Attributes: []otlp.Attribute{{Key: "k", Value: strings.Repeat("x", 1000)}}}})
	}
	o.records(false)
	frames := o.records(false)
	if n := len(names(t, frames)); n != 1000 || len(frames) < 2 {
		t.Errorf("told of %d in %d frames", n, len(frames))
	}
}

func TestTheRecordOfASpanThatHasBegun(t *testing.T) {
	var encoded otlp.Span
	encoded.String("url.path", "/a")
	encoded.Int("server.port", 80)
	encoded.Strings("list", []string{"a", "b"})
	s := Started{
		TraceID: [16]byte{15: 1}, SpanID: [8]byte{7: 2}, ParentID: [8]byte{7: 3}, Flags: 0x301, State: "a=b", Name: "GET\xff", Kind: otlp.KindServer,
		Start: time.Unix(1767312000, 5), Scope: "scope", Encoded: encoded.Encoded(),
		Attributes: []otlp.Attribute{{Key: "b", Value: true}, {Key: "f", Value: 1.5}, {Key: "i", Value: 7}, {Key: "bs", Value: []bool{true}},
			{Key: "is", Value: []int64{1}}, {Key: "fs", Value: []float64{.5}}, {Key: "odd", Value: struct{}{}}},
	}
	record := func(s Started) string {
		var r marshal.Reader
		r.Reset(s.record())
		v, err := r.Value()
		if err != nil || r.More() {
			t.Fatalf("%v, %v", v, err)
		}
		return fmt.Sprintf("%x", v)
	}
	text := func(s string) string { return fmt.Sprintf("%x", s) }
	got := record(s)
	for _, want := range []string{
		"[1 00000000000000000000000000000001 0000000000000002 0000000000000003 301 " + text("a=b") + " " + text("GET\uFFFD") + " 2 ",
		fmt.Sprintf("%x", s.Start.UnixNano()) + " " + text("scope") + " [{" + text("url.path") + " " + text("/a") + "} {" + text("server.port") + " 50} {" +
			text("list") + " [61 62]} {62 %!x(bool=true)} {66 0x1.8p+00} {69 7} {6273 [%!x(bool=true)]} {6973 [1]} {6673 [0x1p-01]} {6f6464 <nil>}]]",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	s.ParentID = [8]byte{}
	s.Attributes = []otlp.Attribute{{Key: "huge", Value: strings.Repeat("x", mostStarted)}}
	if got := record(s); !strings.Contains(got, " 0000000000000002 <nil> 301 ") || !strings.HasSuffix(got, text("scope")+" <nil>]") {
		t.Errorf("a root of huge attributes is\n%s", got)
	}
}

func TestASpanThatLastsIsToldOfBeforeItIsHandedOver(t *testing.T) {
	e, c := connect(t)
	l := &lasting{started: Started{TraceID: [16]byte{1}, SpanID: [8]byte{1}, Name: "lasts"}}
	c.Begin(l)
	if f := e.next(); f.kind != frameRecords || len(f.values) != 1 || f.values[0].([]any)[6] != "lasts" {
		t.Fatalf("got %+v", f)
	}
	l.end()
	c.Add("s", []byte("span"), false)
	c.Begin(&lasting{started: Started{Name: "open at the end"}})
	c.Close()
	told := 0
	frames := e.all()
	for _, f := range frames {
		if f.kind == frameRecords && f.values[0].([]any)[0] == int64(recordStarted) {
			told++
		}
	}
	if told != 1 || fmt.Sprint(frames[len(frames)-1].values) != "[[1]]" {
		t.Errorf("got %+v", frames)
	}
}
