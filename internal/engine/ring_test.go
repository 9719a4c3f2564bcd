//go:build linux

package engine

import (
	"bytes"
	"encoding/binary"
	"os"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

const memfdCreate = 319 // on x86-64

// sharedMemory is a memfd of so many bytes that can be sealed, and its mapping.
func sharedMemory(t testing.TB, size int) (fd int, memory []byte) {
	t.Helper()
	trap := uintptr(memfdCreate)
	if unsafe.Sizeof(uintptr(0)) != 8 || syscall.SYS_READ != 0 {
		trap = 279 // arm64 and other newer ones
	}
	name := []byte("ring\x00")
	r, _, errno := syscall.Syscall(trap, uintptr(unsafe.Pointer(&name[0])), 3, 0)
	if errno != 0 {
		t.Skipf("SKIP: no memfd here: %v", errno)
	}
	if err := syscall.Ftruncate(int(r), int64(size)); err != nil {
		t.Fatal(err)
	}
	memory, err := syscall.Mmap(int(r), 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	copy(memory, ringMagic)
	return int(r), memory
}

// writer is the process's side of a ring.
type writer struct {
	memory []byte
	head   uint64
}

func (w *writer) set(at int, v uint64)  { (&ring{memory: w.memory}).word(at).Store(v) }
func (w *writer) state() uint64         { return (&ring{memory: w.memory}).word(ringState).Load() }
func (w *writer) tail() uint64          { return (&ring{memory: w.memory}).word(ringTail).Load() }
func (w *writer) entry(at, word uint64) { binary.LittleEndian.PutUint64(w.memory[ringData+at:], word) }
func (w *writer) capacity() (n uint64)  { return uint64(len(w.memory) - ringData) }
func (w *writer) publish()              { w.set(ringHead, w.head) }
func (w *writer) place(n int) (at uint64) { // for an entry of n bytes, after what was skipped
	at = w.head % w.capacity()
	if rest := w.capacity() - at; rest < uint64(n)+8 {
		w.entry(at, rest-8)
		w.head += rest
		at = 0
	}
	return at
}

func (w *writer) write(values ...any) {
	var body []byte
	for _, v := range values {
		body = encode(body, v)
	}
	at := w.place(len(body))
	w.entry(at, uint64(len(values))<<32|uint64(len(body)))
	copy(w.memory[ringData+at+8:], body)
	w.head += uint64(len(body)+15) &^ 7
	w.publish()
}

// share gives the engine a ring, and waits until it has taken it over.
func (c *client) share(size int) *writer {
	c.t.Helper()
	fd, memory := sharedMemory(c.t, size)
	defer syscall.Close(fd)
	c.give(fd)
	w := &writer{memory: memory}
	eventually(c.t, "the ring is taken over", func() bool { return w.state() != ringUnread })
	return w
}

func (c *client) give(fd int) {
	c.t.Helper()
	c.sequence++
	frame := header{version, frameRing, 0, c.sequence, c.dropped}.append(nil)
	if _, _, err := c.c.WriteMsgUnix(frame, syscall.UnixRights(fd), nil); err != nil {
		c.t.Fatal(err)
	}
}

func TestSpansArriveThroughSharedMemory(t *testing.T) {
	w := start(t)
	c := w.greet()
	c.frame(frameRecords, span("by socket", nil))
	r := c.share(ringData + leastRing)
	const many = 5000
	for n := range many {
		for r.head-r.tail() > r.capacity()/2 { // the engine looks by itself
		}
		r.write(span("in the ring", object{{Key: "number", Value: n}, {Key: "text", Value: strings.Repeat("x", n%700)}}))
	}
	r.set(ringMade, many+8) // of which 7 were dropped
	r.set(ringDropped, 7)
	c.flush(1)
	s := w.finishAfter(c)
	if s.Received != many+1 || s.Lost != 7 || s.Missing != 0 || s.Made != many+8 || s.Malformed != 0 {
		t.Errorf("summary %+v", s)
	}
	for i, l := range w.lines()[1:] {
		if l.Attributes["number"] != float64(i) {
			t.Fatalf("span %d is %v: not in order", i, l.Attributes["number"])
		}
	}
}

func TestARingIsLeftToItselfUntilTheProcessRings(t *testing.T) {
	w := start(t)
	c := w.greet()
	r := c.share(ringData + ringCapacity)
	r.write(span("first", nil))
	eventually(t, "it sleeps", func() bool { return r.state()&1 == 1 })
	r.write(span("second", nil))
	c.frame(frameWake)
	eventually(t, "it is read", func() bool { return r.tail() == r.head })
	eventually(t, "it is awake, or sleeps again", func() bool { return r.state() > ringAwake+1 })
	if s := w.finishAfter(c); s.Received != 2 {
		t.Errorf("summary %+v", s)
	}
}

func TestARingIsReadToItsEndWhenTheProcessIsGone(t *testing.T) {
	w := start(t)
	c := w.greet()
	r := c.share(ringData + ringCapacity)
	eventually(t, "it sleeps", func() bool { return r.state()&1 == 1 })
	open := newSpanID()
	r.write(openSpan(open, "open", nil), span("whole", nil))
	c.c.Close()
	if s := w.finish(); s.Received != 1 || s.Interrupted != 1 {
		t.Errorf("summary %+v", s)
	}
	if r.state() != ringClosed {
		t.Errorf("the ring's state is %d", r.state())
	}
}

// What comes by socket before there is a ring counts before what is in it.
func TestOrderAtTheChangeFromSocketToRing(t *testing.T) {
	for range 20 {
		w := start(t)
		c := w.greet()
		fd, memory := sharedMemory(t, ringData+ringCapacity)
		id := newSpanID()
		c.give(fd)
		syscall.Close(fd)
		c.frame(frameRecords, openSpan(id, "request", nil))
		r := &writer{memory: memory}
		eventually(t, "the ring is taken over", func() bool { return r.state() != ringUnread })
		r.write(spanWithID(id, "request", nil))
		if s := w.finishAfter(c); s.Received != 1 || s.Interrupted != 0 {
			t.Fatalf("summary %+v", s)
		}
	}
}

func TestHostileRingsHarmNobody(t *testing.T) {
	w := start(t)
	before := descriptors(t)
	for name, row := range map[string]struct {
		size int
		do   func(t *testing.T, r *writer)
		says string // in the log; "" for a ring that is taken over
	}{
		"no magic":              {size: ringData + leastRing, do: func(t *testing.T, r *writer) { r.memory[0] = 'x' }, says: "cannot be used"},
		"another version":       {size: ringData + leastRing, do: func(t *testing.T, r *writer) { r.memory[7] = 2 }, says: "cannot be used"},
		"too small":             {size: ringData + leastRing/2, says: "cannot be used"},
		"too large":             {size: ringData + 2*mostRing, says: "cannot be used"},
		"not a power of two":    {size: ringData + 3*leastRing/2, says: "cannot be used"},
		"a head from the start": {size: ringData + leastRing, do: func(t *testing.T, r *writer) { r.set(ringHead, 8) }, says: "cannot be used"},
	} {
		t.Run(name, func(t *testing.T) {
			c := w.greet()
			fd, memory := sharedMemory(t, row.size)
			if row.do != nil {
				row.do(t, &writer{memory: memory})
			}
			c.give(fd)
			syscall.Close(fd)
			c.frame(frameRecords, span("by socket all the same", nil))
			c.flush(1)
			if r := (&writer{memory: memory}); r.state() != ringUnread {
				t.Errorf("it was taken over: state %d", r.state())
			}
			if w.log.count(row.says) != 1 {
				t.Errorf("the log has not one line with %q: %s", row.says, w.log)
			}
		})
	}
	for name, do := range map[string]func(r *writer){
		"a head far away":            func(r *writer) { r.set(ringHead, 1<<40) },
		"a head that is not aligned": func(r *writer) { r.set(ringHead, 13) },
		"a head that goes back":      func(r *writer) { r.write(span("x", nil)); r.set(ringHead, 8) },
		"an entry beyond the head":   func(r *writer) { r.entry(0, 1<<32|4096); r.set(ringHead, 64) },
		"an entry beyond the end":    func(r *writer) { r.entry(0, 1<<32|0xFFFFFFFF); r.set(ringHead, 64) },
		"an entry that wraps":        func(r *writer) { r.entry(0, 1<<32|uint64(r.capacity())); r.set(ringHead, r.capacity()) },
		"an entry larger than a frame": func(r *writer) {
			r.entry(0, 1<<32|(maxFrame+8))
			r.set(ringHead, maxFrame+16)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := w.greet()
			r := c.share(ringData + leastRing)
			do(r)
			c.frame(frameWake)
			eventually(t, "the ring is given up, or read", func() bool { return r.state() == ringClosed || r.tail() == 16 })
			c.frame(frameRecords, span("by socket", nil))
			c.flush(1)
		})
	}
	t.Run("memory that cannot be sealed", func(t *testing.T) {
		c := w.greet()
		file, err := os.CreateTemp(t.TempDir(), "")
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		file.Truncate(ringData + leastRing)
		c.give(int(file.Fd()))
		c.flush(1)
	})
	t.Run("memory that shrinks", func(t *testing.T) {
		c := w.greet()
		fd, memory := sharedMemory(t, ringData+leastRing)
		c.give(fd)
		r := &writer{memory: memory}
		eventually(t, "it is taken over", func() bool { return r.state() != ringUnread })
		if err := syscall.Ftruncate(fd, 0); err == nil {
			t.Error("it could be made smaller, which would kill the engine")
		}
		syscall.Close(fd)
	})
	t.Run("many rings", func(t *testing.T) {
		c := w.greet()
		r := c.share(ringData + leastRing)
		for range 50 {
			fd, _ := sharedMemory(t, ringData+leastRing)
			c.give(fd)
			syscall.Close(fd)
		}
		r.write(span("in the first", nil))
		c.flush(1)
		if r.tail() != r.head {
			t.Error("the first ring is not read any more")
		}
	})
	if after := descriptors(t); after > before+100 {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

// FuzzRing lets the engine read anything that may be in a ring.
func FuzzRing(f *testing.F) {
	var r writer
	r.memory = make([]byte, ringData+leastRing)
	r.write(span("s", eightAttributes()), tuple{2, "a", "b"})
	r.write(openSpan(newSpanID(), "s", nil))
	f.Add(r.memory[ringData:ringData+int(r.head)], r.head, uint16(0))
	f.Add([]byte("\xff\xff\xff\xff\x01\x00\x00\x00"), uint64(leastRing), uint16(0xFFF8))
	e, err := Listen(Options{Dir: f.TempDir()})
	if err != nil {
		f.Fatal(err)
	}
	p := newProfile(f)
	f.Fuzz(func(t *testing.T, content []byte, head uint64, at uint16) {
		memory := make([]byte, ringData+leastRing+8)
		memory = memory[8-uintptr(unsafe.Pointer(&memory[0]))%8:][:ringData+leastRing]
		copy(memory, ringMagic)
		r, err := newRing(memory)
		if err != nil {
			t.Fatal(err)
		}
		r.tail = uint64(at) &^ 7
		copy(memory[ringData+int(r.tail):], content)
		untouched := bytes.Clone(memory[ringData:])
		s := &stream{process: &process{pid: 1, profile: p}, ring: r}
		s.introduce(s.profile, nil)
		w := &worker{entry: make([]byte, maxFrame)}
		before := r.tail
		r.seen = head
		for more := true; more; {
			tail := r.tail
			_, _, ok, err := r.next(w.entry)
			more = ok && err == nil
			if more && (r.tail <= tail || r.tail > head) {
				t.Fatalf("the tail went from %d to %d, with the head at %d", tail, r.tail, head)
			}
		}
		r.tail = before
		s.drain(e, w, 1<<20) // which may give up the ring; memory that is not mapped is not unmapped
		if !bytes.Equal(untouched, memory[ringData:]) {
			t.Fatal("the engine has written where only the process may")
		}
	})
}
