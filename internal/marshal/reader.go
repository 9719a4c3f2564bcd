package marshal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"unicode/utf8"
)

// MaxDepth is how deep values may be nested, which is also where CPython's own
// writer gives up.
const MaxDepth = 2000

// A Kind says what [Reader.Next] has found.
type Kind byte

const (
	Invalid Kind = iota // nothing more can be read; see [Reader.Err]
	End                 // the end of a dict
	None
	Bool
	Int
	Float
	Big    // an int beyond 64 bits: Bytes holds its decimal text
	String // Bytes holds UTF-8, in which lone surrogates may stand: see [AppendText]
	Bytes
	List // a list, tuple or set: its Len elements follow
	Dict // keys and values follow in turn, up to End
)

var kindNames = [...]string{"invalid", "end", "None", "bool", "int", "float", "big int", "str", "bytes", "list", "dict"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "Kind(" + strconv.Itoa(int(k)) + ")"
}

// A Reader is a cursor over marshalled values that stand one after the other.
// Next moves it to the next piece; the accessors tell about that piece until
// Next is called again. The first error is final. Not safe for concurrent use.
type Reader struct {
	buf   []byte
	pos   int
	err   error
	num   uint64 // Int, Float, Bool or Len of the current piece
	bytes []byte
}

// Reset lets the Reader start at the beginning of buf, which it borrows.
func (r *Reader) Reset(buf []byte) { *r = Reader{buf: buf} }

// Err returns the error that ended the reading, nil at the end of the buffer.
func (r *Reader) Err() error { return r.err }

// More reports whether unread bytes remain.
func (r *Reader) More() bool { return r.err == nil && r.pos < len(r.buf) }

// Pos returns the offset of the next piece; Seek goes back to one, and does
// not undo an error.
func (r *Reader) Pos() int     { return r.pos }
func (r *Reader) Seek(pos int) { r.pos = pos }

// Between returns the bytes from one offset to another, borrowed.
func (r *Reader) Between(from, to int) []byte { return r.buf[from:to] }

func (r *Reader) Bool() bool     { return r.num != 0 }
func (r *Reader) Int() int64     { return int64(r.num) }
func (r *Reader) Float() float64 { return math.Float64frombits(r.num) }
func (r *Reader) Len() int       { return int(r.num) }

// Bytes returns the content of a String, Bytes or Big, borrowed from the buffer.
func (r *Reader) Bytes() []byte { return r.bytes }

var errShort = errors.New("marshal: data ends within a value")

func (r *Reader) fail(err error) Kind {
	if r.err == nil {
		r.err = err
	}
	r.pos = len(r.buf)
	return Invalid
}

// Next moves to the next piece. At the end of the buffer it returns Invalid
// and leaves Err nil.
func (r *Reader) Next() Kind {
	if r.pos >= len(r.buf) {
		return Invalid
	}
	rest := r.buf[r.pos+1:]
	switch c := r.buf[r.pos]; c {
	case 'u', 't', 's': // str, interned str, bytes
		if len(rest) < 4 {
			return r.fail(errShort)
		}
		n := binary.LittleEndian.Uint32(rest)
		if uint64(n) > uint64(len(rest)-4) {
			return r.fail(errShort)
		}
		r.bytes = rest[4 : 4+n : 4+n]
		r.pos += 5 + int(n)
		if c == 's' {
			return Bytes
		}
		return String
	case 'i':
		if len(rest) < 4 {
			return r.fail(errShort)
		}
		r.num = uint64(int32(binary.LittleEndian.Uint32(rest)))
		r.pos += 5
		return Int
	case 'l':
		return r.long(rest)
	case 'I':
		if len(rest) < 8 {
			return r.fail(errShort)
		}
		r.num = binary.LittleEndian.Uint64(rest)
		r.pos += 9
		return Int
	case '(', '[', '<', '>': // tuple, list, set, frozenset
		if len(rest) < 4 {
			return r.fail(errShort)
		}
		n := binary.LittleEndian.Uint32(rest)
		if uint64(n) > uint64(len(rest)-4) { // each element takes a byte or more
			return r.fail(errShort)
		}
		r.num = uint64(n)
		r.pos += 5
		return List
	case '{':
		r.pos++
		return Dict
	case '0':
		r.pos++
		return End
	case 'N':
		r.pos++
		return None
	case 'T', 'F':
		r.num = 0
		if c == 'T' {
			r.num = 1
		}
		r.pos++
		return Bool
	case 'g':
		if len(rest) < 8 {
			return r.fail(errShort)
		}
		r.num = binary.LittleEndian.Uint64(rest)
		r.pos += 9
		return Float
	case 'f': // a float as text, of version 1 and before
		if len(rest) < 1 || len(rest)-1 < int(rest[0]) {
			return r.fail(errShort)
		}
		n := int(rest[0])
		f, err := strconv.ParseFloat(string(rest[1:1+n]), 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return r.fail(fmt.Errorf("marshal: %q is no float", rest[1:1+n]))
		}
		r.num = math.Float64bits(f)
		r.pos += 2 + n
		return Float
	default:
		return r.fail(fmt.Errorf("marshal: type %q is not supported", c))
	}
}

// maxBigDigits bounds the 15-bit digits of an int that is written out in
// decimal: converting takes time that grows with the square of its length.
const maxBigDigits = 128

// long reads an int that does not fit 32 bits: a count, negative for a
// negative int, and as many digits to the base 2^15, lowest first.
func (r *Reader) long(rest []byte) Kind {
	if len(rest) < 4 {
		return r.fail(errShort)
	}
	count := int64(int32(binary.LittleEndian.Uint32(rest)))
	negative := count < 0
	if negative {
		count = -count
	}
	digits := rest[4:]
	if count > int64(len(digits)/2) {
		return r.fail(errShort)
	}
	digits = digits[:count*2]
	r.pos += 5 + len(digits)
	var value uint64
	overflow := false
	for i := len(digits) - 2; i >= 0; i -= 2 {
		digit := uint64(binary.LittleEndian.Uint16(digits[i:]))
		if digit >= 1<<15 {
			return r.fail(errors.New("marshal: a digit of an int exceeds 15 bits"))
		}
		overflow = overflow || value >= 1<<49
		value = value<<15 | digit
	}
	switch {
	case overflow:
	case !negative && value <= math.MaxInt64:
		r.num = value
		return Int
	case negative && value <= 1<<63:
		r.num = -value
		return Int
	}
	if count > maxBigDigits {
		r.bytes = fmt.Appendf(nil, "(an int of about %d bits)", count*15)
		return Big
	}
	var n big.Int
	for i := len(digits) - 2; i >= 0; i -= 2 {
		n.Lsh(&n, 15)
		n.Or(&n, big.NewInt(int64(binary.LittleEndian.Uint16(digits[i:]))))
	}
	if negative {
		n.Neg(&n)
	}
	r.bytes = n.Append(nil, 10)
	return Big
}

var errDepth = fmt.Errorf("marshal: values are nested deeper than %d", MaxDepth)

// Skip passes over one whole value and reports whether there was one.
func (r *Reader) Skip() bool { return r.SkipRest(r.Next()) }

// SkipRest passes over what remains of the value whose first piece, of the
// given kind, Next has just returned. End is no value.
func (r *Reader) SkipRest(k Kind) bool { return r.skip(k, 0) }

func (r *Reader) skip(k Kind, depth int) bool {
	switch k {
	case Invalid, End:
		if r.err == nil {
			r.misplaced(k)
		}
		return false
	case List:
		if depth == MaxDepth {
			r.fail(errDepth)
			return false
		}
		for n := r.Len(); n > 0; n-- {
			if !r.skip(r.Next(), depth+1) {
				return false
			}
		}
	case Dict:
		if depth == MaxDepth {
			r.fail(errDepth)
			return false
		}
		for {
			k := r.Next()
			if k == End {
				return true
			}
			if !r.skip(k, depth+1) || !r.skip(r.Next(), depth+1) {
				return false
			}
		}
	}
	return true
}

// misplaced records that a value was due where the buffer or a dict ends.
func (r *Reader) misplaced(k Kind) {
	if k == End {
		r.fail(errors.New("marshal: a dict ends where a value is due"))
		return
	}
	r.fail(errShort)
}

// Pair is a key and its value in a dict, as [Reader.Value] returns them.
type Pair struct{ Key, Value any }

// Value reads one whole value: nil, bool, int64, float64, string (valid UTF-8,
// also for ints beyond 64 bits), []byte, []any, or []Pair for a dict. Nothing
// in it is borrowed. What it allocates is in proportion to what it reads.
func (r *Reader) Value() (any, error) {
	v := r.value(r.Next(), 0)
	return v, r.err
}

func (r *Reader) value(k Kind, depth int) any {
	switch k {
	case Invalid, End:
		if r.err == nil {
			r.misplaced(k)
		}
	case Bool:
		return r.Bool()
	case Int:
		return r.Int()
	case Float:
		return r.Float()
	case Big:
		return string(r.bytes)
	case String:
		return string(AppendText(nil, r.bytes))
	case Bytes:
		return append([]byte{}, r.bytes...)
	case List:
		if depth == MaxDepth {
			r.fail(errDepth)
			return nil
		}
		n := r.Len()
		list := make([]any, 0, min(n, 16))
		for ; n > 0 && r.err == nil; n-- {
			list = append(list, r.value(r.Next(), depth+1))
		}
		return list
	case Dict:
		if depth == MaxDepth {
			r.fail(errDepth)
			return nil
		}
		dict := []Pair{}
		for r.err == nil {
			k := r.Next()
			if k == End {
				break
			}
			key := r.value(k, depth+1)
			dict = append(dict, Pair{key, r.value(r.Next(), depth+1)})
		}
		return dict
	}
	return nil
}

// AppendText appends the content of a String as valid UTF-8: every lone
// surrogate, which Python writes in three bytes, and every byte that is no part
// of a character become U+FFFD.
func AppendText(dst, s []byte) []byte {
	for len(s) > 0 {
		n := validPrefix(s)
		dst = append(dst, s[:n]...)
		s = s[n:]
		if len(s) == 0 {
			break
		}
		dst = utf8.AppendRune(dst, utf8.RuneError)
		if len(s) >= 3 && s[0] == 0xED && s[1]&0xE0 == 0xA0 && s[2]&0xC0 == 0x80 {
			s = s[3:]
		} else {
			s = s[1:]
		}
	}
	return dst
}

func validPrefix(s []byte) int {
	if utf8.Valid(s) {
		return len(s)
	}
	for i := 0; ; {
		c, n := utf8.DecodeRune(s[i:])
		if c == utf8.RuneError && n <= 1 {
			return i
		}
		i += n
	}
}
