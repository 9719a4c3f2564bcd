package engine

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/lumigo-io/opentelemetry-distro/internal/marshal"
	"github.com/lumigo-io/opentelemetry-distro/internal/mask"
	"github.com/lumigo-io/opentelemetry-distro/internal/semconv"
)

// spanAttributes reads the attributes of the span itself, which are those that
// former names are added to.
func (d *decoder) spanAttributes() (dropped uint32) {
	d.request, d.response, d.own, d.shared, d.secret = wire{}, wire{}, d.own[:0], nil, false
	if d.profile.duplicates != 0 {
		start := d.Pos()
		if d.Next() == marshal.Dict {
			d.names()
		}
		d.Seek(start)
		d.old.Begin(d.profile.duplicates, d.kind)
		for _, key := range d.own {
			d.old.Saw(key)
			if key == wsgiEnviron || key == clientHead {
				d.old.Saw("http.request.method")
			}
		}
		d.eachShared(d.old.Saw)
		d.old.Ready()
	}
	dropped = d.attributes(d.profile.config.Limits.AttributeCount, true)
	d.scratch = d.old.Finish(&d.span, d.scratch, d.valueLimit)
	return dropped
}

// names collects the names of the attributes in a dict, of which no key has been read yet, and what it shares with
// others.
func (d *decoder) names() {
	for k := d.Next(); k != marshal.End && k != marshal.Invalid; k = d.Next() {
		key := ""
		if k == marshal.String {
			key = view(d.Bytes())
			d.own = append(d.own, key)
		} else if !d.SkipRest(k) {
			return
		}
		if k = d.Next(); k == marshal.Bytes && key == commonOnes {
			d.shared = d.Bytes()
		} else if k == marshal.Invalid || !d.SkipRest(k) {
			return
		}
	}
}

// eachShared calls do with the names of the attributes that the span shares with others.
func (d *decoder) eachShared(do func(string)) {
	var r marshal.Reader
	r.Reset(d.shared)
	if r.Next() != marshal.Dict {
		return
	}
	for k := r.Next(); k == marshal.String; k = r.Next() {
		do(view(r.Bytes()))
		if !r.Skip() {
			return
		}
	}
}

// attributes reads a dict of attributes, or None, into the span, event or link
// that is open, and returns how many the limit leaves out.
func (d *decoder) attributes(limit int, ofSpan bool) (dropped uint32) {
	switch d.Next() {
	case marshal.None:
		return 0
	case marshal.Dict:
	default:
		d.bad = true
		return 0
	}
	start := d.Pos()
	for {
		k := d.Next()
		if k == marshal.End {
			return dropped
		}
		key := d.key(k)
		switch {
		case k == marshal.Invalid:
			d.bad = true
			return dropped
		case ofSpan && derives(key):
			var lost uint32
			limit, lost = d.derive(key, start, limit)
			dropped += lost
		case key == "" || limit == 0:
			d.Skip()
			dropped++
		case d.attribute(key, start, ofSpan):
			limit--
		}
		if d.Err() != nil {
			d.bad = true
			return dropped
		}
	}
}

// key returns a dict's key as text; "" when it has none.
func (d *decoder) key(k marshal.Kind) string {
	switch k {
	case marshal.String, marshal.Bytes, marshal.Big:
		return view(d.secretless(d.valid(d.Bytes())))
	case marshal.Int:
		return strconv.FormatInt(d.Int(), 10)
	case marshal.Bool:
		return strconv.FormatBool(d.Bool())
	case marshal.None:
		return "null"
	case marshal.Float:
		return strconv.FormatFloat(d.Float(), 'g', -1, 64)
	case marshal.List, marshal.Dict:
		d.SkipRest(k)
	}
	return ""
}

// attribute reads one value and writes the attribute; false when there is
// nothing to be written. The dict it is in starts at start.
func (d *decoder) attribute(key string, start int, ofSpan bool) bool {
	f, c, rest := semconv.FormOf(key)
	k := d.Next()
	if k == marshal.Invalid {
		return false
	}
	if d.naming && f == semconv.Plain {
		f, rest = semconv.NamedSecret, key
	}
	if f == semconv.NamedSecret && semconv.IsSecret(d.profile.masker, c, rest) {
		d.SkipRest(k)
		d.span.String(key, mask.Mask)
		return true
	}
	if d.secret && key == "db.response.body" {
		d.SkipRest(k)
		d.span.String(key, mask.Mask)
		return true
	}
	if f == semconv.Dump {
		d.dumped(key, c, k)
		return true
	}
	switch k {
	case marshal.None:
		return false
	case marshal.Bool:
		if key == semconv.SkipExport && ofSpan && d.Bool() {
			d.skip = true
		}
		d.span.Bool(key, d.Bool())
	case marshal.Int:
		d.span.Int(key, d.Int())
		d.old.Int(&d.span, key, d.Int())
	case marshal.Float:
		d.span.Double(key, d.Float())
	case marshal.Big:
		d.emit(key, d.Bytes())
	case marshal.String, marshal.Bytes:
		d.textual(key, f, c, k, false)
	case marshal.List:
		d.listed(key, f, c, start)
	case marshal.Dict:
		switch f {
		case semconv.Headers:
			d.headersOf(key, c, k)
		case semconv.Parameters:
			d.parametersOf(key, c, k, start)
		default:
			d.dumped(key, c, k)
		}
	}
	return true
}

// textual writes a text, or bytes that may be one, masked by its form.
func (d *decoder) textual(key string, f semconv.Form, c mask.Category, k marshal.Kind, truncated bool) {
	value := d.Bytes()
	if f == semconv.Body || f == semconv.Headers {
		if k == marshal.String {
			value = d.valid(value)
		}
		d.body(key, c, value, truncated)
		return
	}
	if k == marshal.Bytes && !utf8.Valid(value) {
		if d.valueLimit >= 0 {
			value = value[:min(len(value), d.valueLimit/2+1)]
		}
		start := len(d.scratch)
		d.scratch = hex.AppendEncode(append(d.scratch, "0x"...), value)
		d.emit(key, d.scratch[start:])
		return
	}
	d.masked(key, f, d.valid(value))
}

// body writes a body, which may be text, masked.
func (d *decoder) body(key string, c mask.Category, value []byte, truncated bool) {
	start := len(d.scratch)
	d.scratch = d.profile.masker.AppendBody(d.scratch, c, value, truncated, d.valueLimit)
	d.emit(key, d.scratch[start:])
}

// masked writes a text of a form that says how it is to be masked.
func (d *decoder) masked(key string, f semconv.Form, value []byte) {
	m, start := d.profile.masker, len(d.scratch)
	switch f {
	case semconv.Address:
		d.scratch = m.AppendURL(d.scratch, view(value))
	case semconv.Query:
		d.scratch = m.AppendQuery(d.scratch, view(value))
	case semconv.Statement:
		d.scratch = m.AppendSQL(d.scratch, view(value))
	case semconv.KeepEnd:
		d.scratch = append(d.scratch, m.Trace(view(value))...)
		d.emit(key, d.cutFront(d.scratch[start:]))
		return
	case semconv.Message, semconv.Arguments:
		d.scratch = append(d.scratch, m.Message(view(value))...)
	default:
		if !bytes.Contains(value, []byte("://")) {
			d.emit(key, d.secretless(value))
			return
		}
		if semconv.IsURL(value) {
			d.scratch = m.AppendURL(d.scratch, view(value))
		} else {
			d.scratch = append(d.scratch, m.Links(view(value))...)
		}
	}
	d.emit(key, d.scratch[start:])
}

// emit writes a text that is masked, cut at the limit.
func (d *decoder) emit(key string, value []byte) {
	value = d.cut(value)
	d.span.StringBytes(key, value)
	d.old.Text(&d.span, key, value)
}

// secretless masks the tracer's token in a text that is not masked otherwise.
func (d *decoder) secretless(s []byte) []byte {
	token := d.profile.config.Export.Token
	if len(token) < 8 || !strings.Contains(view(s), token) {
		return s
	}
	return []byte(strings.ReplaceAll(string(s), token, mask.Mask))
}

// listed writes a list by its form.
func (d *decoder) listed(key string, f semconv.Form, c mask.Category, dict int) {
	n := d.Len()
	switch {
	case f == semconv.Headers:
		d.headersOf(key, c, marshal.List)
		return
	case f == semconv.Body && n == 2:
		// (value, True): the capture has cut it.
		here := d.Pos()
		if k := d.Next(); (k == marshal.String || k == marshal.Bytes) && d.Next() == marshal.Bool && d.Bool() {
			end := d.Pos()
			d.Seek(here)
			d.textual(key, f, c, d.Next(), true)
			d.Seek(end)
			return
		}
		d.Seek(here)
		d.dumpedList(key, c, n)
		return
	case f == semconv.Parameters:
		d.parametersOf(key, c, marshal.List, dict)
		return
	case f == semconv.Statement:
		d.commands(key, n)
		return
	case f == semconv.Arguments && !d.nested(n):
		d.arguments(key, n)
		return
	case f != semconv.Plain && f != semconv.NamedSecret && f != semconv.KeepEnd && f != semconv.Message || d.nested(n):
		d.dumpedList(key, c, n)
		return
	}
	d.span.BeginArray(key)
	for ; n > 0; n-- {
		switch d.Next() {
		case marshal.Bool:
			d.span.BoolElement(d.Bool())
		case marshal.Int:
			d.span.IntElement(d.Int())
		case marshal.Float:
			d.span.DoubleElement(d.Float())
		case marshal.String, marshal.Bytes, marshal.Big:
			d.span.StringElement(semconv.Cut(d.profile.masker.Links(view(d.valid(d.Bytes()))), d.valueLimit))
		case marshal.None:
			d.span.StringElement("") // OTLP has no null; dropping it would move the others
		}
	}
	d.span.EndArray()
}

// arguments writes those of a command line.
func (d *decoder) arguments(key string, n int) {
	d.words = d.words[:0]
	for ; n > 0; n-- {
		switch k := d.Next(); k {
		case marshal.String, marshal.Bytes, marshal.Big:
			d.words = append(d.words, view(d.valid(d.Bytes())))
		default:
			d.words = append(d.words, d.key(k))
		}
	}
	d.profile.masker.Arguments(d.words)
	d.span.BeginArray(key)
	for _, word := range d.words {
		d.span.StringElement(semconv.Cut(word, d.valueLimit))
	}
	d.span.EndArray()
}

// commands writes a command that is given as its words, or several as lists of
// words, each on a line of its own.
func (d *decoder) commands(key string, n int) {
	start := len(d.scratch)
	if !d.nested(n) {
		d.command(n)
	} else {
		for i := range n {
			if i > 0 {
				d.scratch = append(d.scratch, '\n')
			}
			if k := d.Next(); k == marshal.List {
				d.command(d.Len())
			} else {
				d.SkipRest(k)
			}
		}
	}
	d.emit(key, d.scratch[start:])
}

func (d *decoder) command(words int) {
	d.words = d.words[:0]
	for ; words > 0; words-- {
		switch k := d.Next(); k {
		case marshal.String, marshal.Bytes, marshal.Big:
			d.words = append(d.words, view(d.Bytes()))
		default:
			d.words = append(d.words, d.key(k))
		}
	}
	var secret bool
	d.scratch, secret = d.profile.masker.AppendCommand(d.scratch, d.words)
	d.secret = d.secret || secret
}

// nested reports whether any of the n elements to come is a container itself.
func (d *decoder) nested(n int) bool {
	start := d.Pos()
	defer d.Seek(start)
	for ; n > 0; n-- {
		if k := d.Next(); k == marshal.List || k == marshal.Dict || k == marshal.Invalid {
			return true
		}
	}
	return false
}

// begin readies the writer of masked JSON.
func (d *decoder) begin(c mask.Category) *mask.Writer {
	if d.masker != d.profile.masker {
		d.masker = d.profile.masker
		d.writer = d.masker.NewWriter(c, d.valueLimit)
	} else {
		d.writer.Reset(c, d.valueLimit)
	}
	return d.writer
}

func (d *decoder) finishDump(key string) {
	start := len(d.scratch)
	d.scratch = d.writer.AppendTo(d.scratch)
	d.emit(key, d.scratch[start:])
}

// dumped writes any value as masked JSON text.
func (d *decoder) dumped(key string, c mask.Category, k marshal.Kind) {
	d.dump(d.begin(c), k, 0)
	d.finishDump(key)
}

func (d *decoder) dumpedList(key string, c mask.Category, n int) {
	w := d.begin(c)
	w.BeginArray()
	for ; n > 0; n-- {
		d.dump(w, d.Next(), 1)
	}
	w.End()
	d.finishDump(key)
}

// dumpDepth is how deep a dump shows nested values; deeper ones become null.
const dumpDepth = 64

func (d *decoder) dump(w *mask.Writer, k marshal.Kind, depth int) {
	switch k {
	case marshal.None:
		w.Null()
	case marshal.Bool:
		w.Bool(d.Bool())
	case marshal.Int:
		w.Int(d.Int())
	case marshal.Float:
		w.Float(d.Float())
	case marshal.Big, marshal.String:
		w.String(view(d.valid(d.Bytes())))
	case marshal.Bytes:
		w.Bytes(d.Bytes())
	case marshal.List, marshal.Dict:
		if depth >= dumpDepth {
			w.Null()
			d.SkipRest(k)
			return
		}
		if k == marshal.List {
			w.BeginArray()
			for n := d.Len(); n > 0 && d.Err() == nil; n-- {
				d.dump(w, d.Next(), depth+1)
			}
			w.End()
			return
		}
		w.BeginObject()
		for {
			k := d.Next()
			if k == marshal.End || k == marshal.Invalid {
				break
			}
			w.Key(d.key(k))
			d.dump(w, d.Next(), depth+1)
		}
		w.End()
	}
}

// headersOf writes headers, from a dict or a list of pairs, as one masked JSON
// object.
func (d *decoder) headersOf(key string, c mask.Category, k marshal.Kind) {
	d.collectHeaders(k)
	switch key {
	case "http.request.headers":
		d.request.note(d.headers)
	case "http.response.headers":
		d.response.note(d.headers)
	}
	d.headersAs(key, c)
}

// collectHeaders reads a list or a dict of headers into d.headers. Of any other value there are none.
func (d *decoder) collectHeaders(k marshal.Kind) {
	d.headers = d.headers[:0]
	add := func(name, value []byte) {
		d.headers = append(d.headers, mask.Header{Name: view(name), Value: view(value)})
	}
	switch k {
	case marshal.List:
		for n := d.Len(); n > 0; n-- {
			if k := d.Next(); k != marshal.List || d.Len() != 2 {
				d.SkipRest(k)
				continue
			}
			name := d.headerText(d.Next())
			add(name, d.headerText(d.Next()))
		}
	case marshal.Dict:
		for {
			k := d.Next()
			if k == marshal.End || k == marshal.Invalid {
				return
			}
			name := d.headerText(k)
			if k = d.Next(); k != marshal.List {
				add(name, d.headerText(k))
				continue
			}
			for n := d.Len(); n > 0; n-- { // several values for one name
				add(name, d.headerText(d.Next()))
			}
		}
	default:
		d.SkipRest(k)
	}
}

// headersAs writes the headers that have been collected.
func (d *decoder) headersAs(key string, c mask.Category) {
	start := len(d.scratch)
	d.scratch = d.profile.masker.AppendHeaders(d.scratch, c, d.headers, d.valueLimit)
	d.emit(key, d.scratch[start:])
}

// headerText reads a header's name or value: bytes that are not UTF-8 are
// Latin-1, as HTTP once had it.
func (d *decoder) headerText(k marshal.Kind) []byte {
	switch k {
	case marshal.String, marshal.Big:
		return d.valid(d.Bytes())
	case marshal.Bytes:
		return d.latin1(d.Bytes())
	case marshal.Int, marshal.Bool, marshal.Float:
		return []byte(d.key(k))
	}
	d.SkipRest(k)
	return nil
}

// latin1 returns text, which was Latin-1 if it is not UTF-8.
func (d *decoder) latin1(s []byte) []byte {
	if utf8.Valid(s) {
		return s
	}
	start := len(d.scratch)
	for _, c := range s {
		d.scratch = utf8.AppendRune(d.scratch, rune(c))
	}
	return d.scratch[start:]
}

// parametersOf writes the parameters of a statement: a list or a dict of them,
// or a list of such (executemany). What columns the values are for stands in
// the statement.
func (d *decoder) parametersOf(key string, c mask.Category, k marshal.Kind, dict int) {
	n, start := d.Len(), d.Pos()
	sql := d.statementIn(dict)
	d.Seek(start)
	w := d.begin(c)
	if k == marshal.List {
		d.positional(w, c, sql, n, 0)
	} else {
		d.named(w, sql)
	}
	d.finishDump(key)
}

func (d *decoder) positional(w *mask.Writer, c mask.Category, sql string, n, depth int) {
	var columns []string
	w.BeginArray()
	for i := range n {
		k := d.Next()
		switch {
		case k == marshal.List && depth == 0:
			d.positional(w, c, sql, d.Len(), depth+1)
			continue
		case k == marshal.Dict && depth == 0:
			d.named(w, sql)
			continue
		case k == marshal.Invalid:
			return
		case columns == nil && sql != "":
			columns = d.profile.masker.SQLParameterNames(sql, n)
		}
		if columns != nil && columns[i] != "" && d.profile.masker.Matches(c, columns[i]) {
			d.SkipRest(k)
			w.String(mask.Mask)
			continue
		}
		d.dump(w, k, depth+1)
	}
	w.End()
}

func (d *decoder) named(w *mask.Writer, sql string) {
	var secrets []string
	if sql != "" {
		secrets = d.profile.masker.SQLNamedParameters(sql)
	}
	w.BeginObject()
	for {
		k := d.Next()
		if k == marshal.End || k == marshal.Invalid {
			break
		}
		key := d.key(k)
		w.Key(key)
		if slices.Contains(secrets, key) {
			d.Skip()
			w.String(mask.Mask)
			continue
		}
		d.dump(w, d.Next(), 1)
	}
	w.End()
}

// statementIn finds the statement among the attributes that start at the given
// offset.
func (d *decoder) statementIn(dict int) string {
	d.Seek(dict)
	for {
		k := d.Next()
		if k == marshal.End || k == marshal.Invalid {
			return ""
		}
		if key := d.key(k); key == "db.query.text" || key == "db.statement" {
			if k := d.Next(); k == marshal.String {
				return view(d.valid(d.Bytes()))
			} else if !d.SkipRest(k) {
				return ""
			}
		} else if !d.Skip() {
			return ""
		}
	}
}
