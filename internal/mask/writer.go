package mask

import (
	"strconv"
	"unicode/utf8"

	"github.com/lumigo-io/opentelemetry-distro/internal/pyjson"
)

// Writer dumps one value in the format of Python's json.dumps (", " and ": ",
// \uXXXX for all that is not printable ASCII) and masks it by key on the way.
// Strings that hold JSON, forms or URLs are masked inside.
//
// The calls follow the value: BeginObject, then Key and a value for each item,
// then End; likewise BeginArray and End. Nothing that follows is kept once the
// limit is reached, so that memory stays bounded by it. A Writer is reused with
// [Writer.Reset]; it is not safe for concurrent use.
type Writer struct {
	m     *Masker
	keys  *matcher
	c     Category
	limit int // characters; negative for none

	buf     []byte
	stack   []byte // the containers that are open: '{' or '[', and nonempty
	objects int    // how many of them are objects
	keyLen  int    // length of the last key as written
	hidden  int    // when not 0: len(stack)+1 at the value that is not written
	exempt  int    // likewise, at the value whose keys are not masked
	budget  int    // see Writer.spend
	ample   bool   // there is no budget: nothing is left out unseen
	cut     bool   // something was left out
	full    bool   // the limit is reached: nothing that follows would show
	bare    bool   // buf is the text before the suffix of an earlier dump, not to be quoted
	masked  int    // how many values were masked
	inTerms bool   // in a search, in which none is looked for
	level   int    // how deep this Writer is in strings inside strings

	lists []list // in compatible mode only: the open lists

	inner   *Writer // masks the JSON inside strings
	scratch []byte  // an unescaped string
}

// list is what the original keeps in mind of a list outside of any object. It
// dumps each element on its own, within the limit, and stops after the one that
// makes their total exceed the limit, without a suffix.
type list struct {
	element int // where the last one begins in buf
	total   int // length of the elements so far
	done    bool
}

const (
	object   = '{'
	array    = '['
	nonempty = 0x80 // flag in Writer.stack
)

// exemptKeys are those below which the original masks nothing.
var exemptKeys = map[string]bool{"lumigo_execution_tags_no_scrub": true, "manualTraces": true}

// NewWriter returns a Writer that is ready for one value of the category. The
// limit is in characters, and negative for none; what is longer is cut there
// and followed by [Suffix].
func (m *Masker) NewWriter(c Category, limit int) *Writer {
	w := &Writer{m: m}
	w.Reset(c, limit)
	return w
}

// Reset makes the Writer ready for another value.
func (w *Writer) Reset(c Category, limit int) {
	if cap(w.buf) > 64<<10 || cap(w.stack) > 64<<10 { // do not hold on to the largest value ever seen
		w.buf, w.stack = nil, nil
	}
	*w = Writer{
		m: w.m, keys: w.m.matchers[c], c: c, limit: limit, budget: limit,
		ample: limit < 0, buf: w.buf[:0], stack: w.stack[:0], lists: w.lists[:0], level: w.level,
		inner: w.inner, scratch: w.scratch[:0],
	}
	if w.keys.all { // whatever comes is hidden
		w.full, w.masked = true, 1
	}
}

// AppendTo appends what was written to dst, cut at the limit.
func (w *Writer) AppendTo(dst []byte) []byte {
	switch {
	case w.keys.all:
		return append(dst, Mask...)
	case w.bare:
		limit := w.limit
		if w.m.compatible {
			limit = -1
		}
		dst = appendChars(dst, view(w.buf), limit)
		return append(dst, Suffix...)
	case w.m.compatible && len(w.buf) > 0 && w.buf[0] == array:
		return append(dst, w.buf...)
	}
	return w.appendCut(dst, 0)
}

// appendCut appends the value that begins at start.
func (w *Writer) appendCut(dst []byte, start int) []byte {
	text := w.buf[start:]
	if w.limit >= 0 && (w.cut || len(text) >= w.limit) {
		dst = append(dst, text[:min(len(text), w.limit)]...)
		return append(dst, Suffix...)
	}
	return append(dst, text...)
}

// BeginObject begins an object.
func (w *Writer) BeginObject() { w.open(object) }

// BeginArray begins an array.
func (w *Writer) BeginArray() { w.open(array) }

func (w *Writer) open(kind byte) {
	if w.full {
		return
	}
	if w.hidden == 0 && !w.place() {
		w.hidden = len(w.stack) + 1
	}
	if w.hidden == 0 {
		if w.m.compatible && kind == array && w.objects == 0 {
			w.lists = append(w.lists, list{})
		}
		w.buf = append(w.buf, kind)
	}
	w.stack = append(w.stack, kind)
	if kind == object {
		w.objects++
	}
}

// End ends the object or array begun last.
func (w *Writer) End() {
	if w.full || len(w.stack) == 0 {
		return
	}
	kind := w.stack[len(w.stack)-1] &^ nonempty
	w.stack = w.stack[:len(w.stack)-1]
	if kind == object {
		w.objects--
	}
	here := len(w.stack) + 1
	if w.exempt == here {
		w.exempt = 0
	}
	if w.hidden != 0 {
		if w.hidden == here {
			w.hidden = 0
		}
		return
	}
	w.buf = append(w.buf, kind+2) // '}' and ']' stand two after their openings
	if w.m.compatible && kind == array && w.objects == 0 {
		w.lists = w.lists[:len(w.lists)-1]
	}
	w.placed(kind == array)
}

// Key gives the key of the item that comes. When it is that of a secret, the
// item's value is dropped and **** stands for it.
func (w *Writer) Key(key string) {
	if w.full || w.hidden != 0 {
		return
	}
	here := len(w.stack) + 1
	if w.exhausted() {
		w.hidden = here
		return
	}
	w.separate()
	start := len(w.buf)
	if w.m.compatible {
		w.quote(key)
		if w.exempt == 0 && exemptKeys[key] {
			w.exempt = here
		}
	} else {
		w.quote(w.m.Redact(key))
	}
	w.keyLen = len(w.buf) - start
	w.buf = append(w.buf, ": "...)
	if w.exempt == 0 && w.keys.matches(key) {
		w.buf = append(w.buf, `"`+Mask+`"`...)
		w.spend(len(Mask))
		w.masked++
		w.hidden = here
	}
	w.check()
}

// String writes a string, masked inside.
func (w *Writer) String(s string) {
	if !w.value() {
		return
	}
	if (len(w.stack) == 0 || w.m.compatible && w.objects == 0) && w.document(s) {
		return
	}
	w.text(s)
}

// text is String once it is known to be no JSON document.
func (w *Writer) text(s string) {
	if !w.m.compatible {
		clean := w.clean(s)
		if clean != s {
			w.masked++
		}
		s = clean
	}
	w.spend(w.quote(s))
	w.placed(false)
}

// Bytes writes bytes: as a string when they are UTF-8, else as Python's text
// for them, like b'\xff'.
func (w *Writer) Bytes(b []byte) {
	if utf8.Valid(b) || !w.m.compatible && looksStructured(view(b)) {
		w.String(view(b))
		return
	}
	if w.limit >= 0 && len(b) > w.limit+len(Suffix) && !w.m.compatible {
		b = b[:w.limit+len(Suffix)]
	}
	w.String(view(appendRepr(nil, b)))
}

// Int writes an integer.
func (w *Writer) Int(i int64) {
	if w.value() {
		w.number(strconv.AppendInt(w.buf, i, 10))
	}
}

// Float writes a number as Python does: the shortest text that stands for it,
// with ".0" when it is whole.
func (w *Writer) Float(f float64) {
	if w.value() {
		w.number(pyjson.AppendFloat(w.buf, f))
	}
}

// Number writes an integer of any size, given as its digits.
func (w *Writer) Number(digits string) {
	if w.value() {
		w.number(append(w.buf, digits...))
	}
}

// Bool writes true or false.
func (w *Writer) Bool(b bool) {
	if w.value() {
		w.number(strconv.AppendBool(w.buf, b))
	}
}

// Null writes null.
func (w *Writer) Null() {
	if w.value() {
		w.number(append(w.buf, "null"...))
	}
}

// number takes over buf with the text of a value that is not a string.
func (w *Writer) number(buf []byte) {
	key := w.keyLen
	if len(w.stack) > 0 && w.top() == array {
		key = len(`"null"`) // an element costs as if that were its key
	}
	w.spend(len(buf) - len(w.buf) + key + len("{: }"))
	w.buf = buf
	w.placed(false)
}

// value prepares for a value that is not a container, and says whether to
// write it.
func (w *Writer) value() bool {
	if w.full {
		return false
	}
	here := len(w.stack) + 1
	if w.exempt == here {
		w.exempt = 0
	}
	if w.hidden != 0 {
		if w.hidden == here {
			w.hidden = 0
		}
		return false
	}
	return w.place()
}

// place prepares for a value that is not hidden by its key: an element of an
// array needs its comma, if the budget allows for the element at all.
func (w *Writer) place() bool {
	if len(w.stack) == 0 || w.top() == object {
		return true // in an object, Key has seen to it
	}
	if w.objects == 0 { // each element of a list outside of any object has a budget of its own
		if n := len(w.lists); n > 0 && w.lists[n-1].done {
			return false
		}
		w.budget = w.limit
	} else if w.exhausted() {
		return false
	}
	w.separate()
	return true
}

// top says which container is open.
func (w *Writer) top() byte { return w.stack[len(w.stack)-1] &^ nonempty }

// separate writes the comma before an item that is not the first.
func (w *Writer) separate() {
	top := &w.stack[len(w.stack)-1]
	if *top&nonempty != 0 {
		w.buf = append(w.buf, ", "...)
	}
	*top |= nonempty
	if w.objects == 0 && len(w.lists) > 0 {
		w.lists[len(w.lists)-1].element = len(w.buf)
	}
}

// spend takes the cost of a value from the budget, with which the original
// decides what to leave out before it measures the text. Only what is in an
// object counts; keys and punctuation of strings and containers cost nothing.
func (w *Writer) spend(cost int) {
	if w.objects > 0 && !w.ample {
		w.budget -= cost
		if w.budget < 0 {
			w.cut = true
		}
	}
}

// exhausted says that the budget allows for nothing more.
func (w *Writer) exhausted() bool { return w.budget < 0 && !w.ample }

// placed is called when a value has been written.
func (w *Writer) placed(isArray bool) {
	if w.objects == 0 && len(w.lists) > 0 {
		l := &w.lists[len(w.lists)-1]
		if !isArray {
			w.buf = w.appendCut(w.buf[:l.element], l.element)
			w.cut = false
		}
		l.total += len(w.buf) - l.element
		l.done = w.limit >= 0 && l.total > w.limit
	}
	w.check()
}

// check finds out whether anything that follows could show.
func (w *Writer) check() {
	w.full = w.full || w.limit >= 0 && len(w.buf) > w.limit && !w.m.compatible
}
