package engine

import "encoding/binary"

// The frame header, little endian: version, type, count, sequence, dropped.
const (
	version    = 1
	headerSize = 16
	maxFrame   = 128 << 10
)

// Frame types.
const (
	frameHello    = 1 + iota // a process introduces itself
	frameSettings            // the engine's answer
	frameRecords             // spans and facts
	frameFlush               // a request to send everything on
	frameFlushed             // the engine's answer
	frameGoodbye             // the process ends of its own will
	frameRing                // comes with memory in which the process writes its records from now on
	frameWake                // there is something in that memory
)

type header struct {
	version, kind byte
	count         uint16 // of values in the body
	sequence      uint32 // of the sending process, from 1
	dropped       uint64 // spans the process has dropped itself, so far
}

// parseHeader splits a frame; false means it is too short to be one.
func parseHeader(frame []byte) (h header, body []byte, ok bool) {
	if len(frame) < headerSize {
		return h, nil, false
	}
	return header{
		version:  frame[0],
		kind:     frame[1],
		count:    binary.LittleEndian.Uint16(frame[2:]),
		sequence: binary.LittleEndian.Uint32(frame[4:]),
		dropped:  binary.LittleEndian.Uint64(frame[8:]),
	}, frame[headerSize:], true
}

func (h header) append(dst []byte) []byte {
	dst = append(dst, h.version, h.kind)
	dst = binary.LittleEndian.AppendUint16(dst, h.count)
	dst = binary.LittleEndian.AppendUint32(dst, h.sequence)
	return binary.LittleEndian.AppendUint64(dst, h.dropped)
}
