package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// A segment begins with a header, which names the format and its version. Frames follow:
//
//	length of the payload  4 bytes, little-endian
//	checksum               4 bytes, CRC-32C of what follows
//	kind                   1 byte
//	group                  4 bytes
//	payload
//
// The payload of a group frame is an OTLP request of one resource and one scope, without spans; frames of spans
// and of logs name it by its number, counted from 0 in each segment, and are as they stand in OTLP requests.
const (
	segmentHeader = "lumigo\x00\x01"
	frameHeader   = 13

	frameGroup = 1
	frameSpan  = 2
	frameLog   = 3
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendFrame appends a frame to b and returns where its payload begins.
func appendFrame(b []byte, kind byte, group uint32, payload []byte) (framed []byte, at int) {
	b = binary.LittleEndian.AppendUint32(b, uint32(len(payload)))
	sum := len(b)
	b = append(b, 0, 0, 0, 0, kind)
	b = binary.LittleEndian.AppendUint32(b, group)
	at = len(b)
	b = append(b, payload...)
	binary.LittleEndian.PutUint32(b[sum:], crc32.Checksum(b[sum+4:], castagnoli))
	return b, at
}

// A frame is what readFrames finds.
type frame struct {
	kind    byte
	group   uint32
	at      int64 // where the payload begins
	payload []byte
}

// readFrames calls f with each whole frame of a segment, whose payload is valid until f returns. It returns where
// the last whole one ends: what comes after is torn or damaged. An error is one of reading.
func readFrames(r io.Reader, f func(frame)) (end int64, err error) {
	var head [frameHeader]byte
	if ok, err := readWhole(r, head[:len(segmentHeader)]); !ok || string(head[:len(segmentHeader)]) != segmentHeader {
		return 0, err
	}
	end = int64(len(segmentHeader))
	var buffer []byte
	for {
		if ok, err := readWhole(r, head[:]); !ok {
			return end, err
		}
		length := binary.LittleEndian.Uint32(head[:])
		if length > maxPayload {
			return end, nil
		}
		if uint32(cap(buffer)) < length {
			buffer = make([]byte, length)
		}
		buffer = buffer[:length]
		if ok, err := readWhole(r, buffer); !ok {
			return end, err
		}
		sum := crc32.Update(crc32.Checksum(head[8:], castagnoli), castagnoli, buffer)
		if sum != binary.LittleEndian.Uint32(head[4:]) {
			return end, nil
		}
		f(frame{head[8], binary.LittleEndian.Uint32(head[9:]), end + frameHeader, buffer})
		end += frameHeader + int64(length)
	}
}

// readWhole fills b, and reports whether there was enough to.
func readWhole(r io.Reader, b []byte) (ok bool, err error) {
	_, err = io.ReadFull(r, b)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return false, nil
	}
	return err == nil, err
}

// A medium is what holds the bytes of a segment.
type medium interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Truncate(size int64) error
	Remove()
}

// onDisk is a file.
type onDisk struct{ *os.File }

func (f onDisk) Remove() {
	os.Remove(f.Name())
	f.Close()
}

// inMemory is a buffer that grows without moving.
type inMemory struct {
	mu     sync.RWMutex
	chunks [][]byte
}

const memoryChunk = 64 << 10

func (m *inMemory) WriteAt(b []byte, at int64) (n int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for n < len(b) {
		i, offset := chunkAt(at + int64(n))
		if i == len(m.chunks) {
			m.chunks = append(m.chunks, make([]byte, memoryChunk))
		}
		n += copy(m.chunks[i][offset:], b[n:])
	}
	return n, nil
}

func (m *inMemory) ReadAt(b []byte, at int64) (n int, err error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for n < len(b) {
		i, offset := chunkAt(at + int64(n))
		if i >= len(m.chunks) {
			return n, io.EOF
		}
		n += copy(b[n:], m.chunks[i][offset:])
	}
	return n, nil
}

func chunkAt(at int64) (chunk, offset int) { return int(at / memoryChunk), int(at % memoryChunk) }

func (m *inMemory) Truncate(int64) error { return nil }
func (m *inMemory) Close() error         { return nil }
func (m *inMemory) Remove()              {}

const segmentSuffix = ".segment"

func segmentPath(dir string, number uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%012d%s", number, segmentSuffix))
}

// segmentNumbers lists the segments in a directory, oldest first.
func segmentNumbers(dir string) (numbers []uint64, err error) {
	entries, err := os.ReadDir(dir) // sorted by name
	for _, entry := range entries {
		digits, isSegment := strings.CutSuffix(entry.Name(), segmentSuffix)
		if number, err := strconv.ParseUint(digits, 10, 64); isSegment && err == nil && entry.Name() == filepath.Base(segmentPath(dir, number)) {
			numbers = append(numbers, number)
		}
	}
	return numbers, err
}

// lockDirectory makes the directory, if need be, and this process the only one that uses it, until the file
// returned is closed.
func lockDirectory(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		lock.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, ErrInUse
		}
		return nil, err
	}
	return lock, nil
}
