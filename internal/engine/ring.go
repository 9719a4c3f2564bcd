package engine

import (
	"encoding/binary"
	"errors"
	"sync/atomic"
	"time"
	"unsafe"
)

// The memory that a process shares with the engine, as docs/protocol.md has it.
const (
	ringMagic = "lumigo\x00\x01" // the last byte is the layout's version
	ringData  = 4096             // where the entries begin

	ringHead    = 64 // written by the process: bytes it has ever written
	ringMade    = 72 // spans it had made when it last kept one back
	ringDropped = 80 // spans it has dropped, as in the header of a frame
	ringTail    = 128
	ringState   = 136 // written by the engine

	// ringCapacity is what processes are asked for, in bytes: some thousand
	// spans, which is what a busy process makes in a few milliseconds.
	ringCapacity = 512 << 10
	leastRing    = 2 * maxFrame
	mostRing     = 4 << 20
)

// States of a ring. Beyond these, the state is a number that grows: even while
// the engine looks into the ring by itself, odd once it wants to be woken.
const (
	ringUnread = 0 // not yet taken over
	ringClosed = 1 // not read any more
	ringAwake  = 2
)

// How long the engine lets a ring be until it looks again: spans gather
// meanwhile, and neither side has to wake the other. The process wakes it before
// the ring is full.
const (
	shortestLook = 2 * time.Millisecond
	longestLook  = 32 * time.Millisecond

	mostEmpty = 4 // looks in a row that find nothing before the process is to wake the engine
)

var (
	errRing     = errors.New("it does not look like a ring of this version")
	errRingBent = errors.New("its positions or sizes cannot be right")
)

// ring reads the entries that a process has written. The process may write into
// the memory at any time, and anything; so each word is read once and checked,
// and entries are copied before they are looked at.
type ring struct {
	memory []byte // the whole mapping
	tail   uint64
	seen   uint64 // the head before the socket was last read
	looked uint64 // the tail when it was last looked at
	state  uint64
}

// newRing takes a mapping of a process's memory.
func newRing(memory []byte) (*ring, error) {
	if len(memory) < ringData+leastRing || len(memory) > ringData+mostRing || string(memory[:len(ringMagic)]) != ringMagic {
		return nil, errRing
	}
	if capacity := len(memory) - ringData; capacity&(capacity-1) != 0 {
		return nil, errRing
	}
	r := &ring{memory: memory, state: ringAwake}
	if r.head() != 0 {
		return nil, errRing
	}
	r.word(ringState).Store(r.state)
	return r, nil
}

func (r *ring) word(at int) *atomic.Uint64 {
	return (*atomic.Uint64)(unsafe.Pointer(&r.memory[at]))
}

func (r *ring) head() uint64    { return r.word(ringHead).Load() }
func (r *ring) made() uint64    { return r.word(ringMade).Load() }
func (r *ring) dropped() uint64 { return r.word(ringDropped).Load() }
func (r *ring) capacity() int   { return len(r.memory) - ringData }

// next copies the entry at the tail to buf, and returns its records and how many
// there are; ok is false when everything that was seen has been read.
func (r *ring) next(buf []byte) (records []byte, count int, ok bool, err error) {
	capacity := uint64(r.capacity())
	for r.tail != r.seen {
		if r.seen-r.tail > capacity || r.tail%8 != 0 {
			return nil, 0, false, errRingBent
		}
		at := r.tail % capacity
		entry := r.memory[ringData+at:]
		word := binary.LittleEndian.Uint64(entry)
		size := uint64(uint32(word))
		whole := (size + 15) &^ 7
		if whole > capacity-at || whole > r.seen-r.tail {
			return nil, 0, false, errRingBent
		}
		r.tail += whole
		if count = int(uint16(word >> 32)); count == 0 { // what does not fit before the end stands at the beginning
			continue
		}
		if size > uint64(len(buf)) {
			return nil, 0, false, errRingBent
		}
		return buf[:copy(buf, entry[8:8+size])], count, true, nil
	}
	return nil, 0, false, nil
}

// release gives the process back the room of what has been read.
func (r *ring) release() { r.word(ringTail).Store(r.tail) }

// sleep asks to be woken, and wake no longer.
func (r *ring) sleep() { r.set(r.state | 1) }

func (r *ring) wake() {
	if r.state&1 != 0 {
		r.set(r.state + 1)
	}
}

func (r *ring) set(state uint64) {
	r.state = state
	r.word(ringState).Store(state)
}

// close gives the memory back; the process sees that nobody reads it any more.
func (r *ring) close() {
	r.word(ringState).Store(ringClosed)
	unmap(r.memory)
}
