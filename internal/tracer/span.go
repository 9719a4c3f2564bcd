package tracer

import (
	"encoding/hex"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/lumigo-io/opentelemetry-distro/internal/handover"
	"github.com/lumigo-io/opentelemetry-distro/internal/mask"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
	"github.com/lumigo-io/opentelemetry-distro/internal/semconv"
)

// Span is a span that has not ended. Its attributes are masked and encoded as they come. All methods do nothing on
// a span that is not recorded.
type Span struct {
	tracer       *Tracer
	id           *Identity
	recording    bool
	remoteParent bool
	skip         bool

	name    string
	kind    otlp.Kind
	scope   *otlp.Scope
	start   time.Time
	panics  uintptr // the panic that was under way at the start
	status  otlp.StatusCode
	message string

	encoded    otlp.Span
	attributes int
	dropped    uint32
	former     semconv.FormerNames
	scratch    []byte
	headers    []mask.Header
	bodies     [2][]byte
	writer     *mask.Writer
	inItem     bool // an event or a link is being written

	opening opening // what Announce has said

	mu          sync.Mutex // for what others may add, until End
	route       string
	adopted     bool
	yields      bool // to a span that the program has made for the same
	interrupted bool // the process ends, and it has been reported
	lateStatus  otlp.StatusCode
	lateMessage string
	late        []otlp.Attribute
	events      []Event
	lost        uint32 // events
	links       []Link
}

// Event is something that happened during a span.
type Event struct {
	Time       time.Time
	Name       string
	Attributes []otlp.Attribute
}

// Link is another span that a span has to do with.
type Link struct {
	ID         *Identity
	Attributes []otlp.Attribute
}

// ID returns the span's identity.
func (s *Span) ID() *Identity { return s.id }

// Recording reports whether anything will become of the span.
func (s *Span) Recording() bool { return s.recording }

// SetName replaces the name.
func (s *Span) SetName(name string) { s.name = name }

// Name returns it.
func (s *Span) Name() string { return s.name }

// SetStatus sets the status.
func (s *Span) SetStatus(code otlp.StatusCode, message string) { s.status, s.message = code, message }

// opening is the part of a span that does not change any more once it is announced, so that others may read it while
// they hold the lock: names and the like are copies, and what is encoded is only ever added to.
type opening struct {
	name       string
	encoded    []byte
	attributes []otlp.Attribute
}

// Announce says that what is known of the span by now is worth reporting should the process die before its end, and
// with it some attributes that it does not have yet. It is for spans of what other processes have asked for.
func (s *Span) Announce(attributes ...otlp.Attribute) {
	if !s.recording {
		return
	}
	s.mu.Lock()
	s.opening = opening{s.name, s.encoded.Encoded(), attributes}
	s.mu.Unlock()
	s.tracer.hasBegun()
	if s.tracer.engine != nil {
		s.tracer.engine.Begin(s.id)
	}
}

// interrupt reports the span if it has been announced and has not ended, as the process does now.
func (s *Span) interrupt(why string) {
	s.mu.Lock()
	id := s.id
	if id == nil || id.live.Load() != s || s.opening.encoded == nil {
		s.mu.Unlock()
		return
	}
	id.live.Store(nil)
	s.interrupted = true
	r := &Span{
		tracer: s.tracer, id: id, recording: true, remoteParent: s.remoteParent, name: s.opening.name, kind: s.kind, scope: s.scope, start: s.start,
		status: otlp.StatusError, message: why,
	}
	r.encoded.Resume(s.opening.encoded)
	attributes := s.opening.attributes
	s.mu.Unlock()
	for _, a := range attributes {
		r.Attribute(a)
	}
	r.End()
}

// Look implements handover.Unfinished.
func (id *Identity) Look() (started handover.Started, live bool) {
	live = id.with(func(s *Span) {
		started = handover.Started{
			TraceID: id.TraceID, SpanID: id.SpanID, ParentID: id.parent, Flags: flags(id.Flags, s.remoteParent), State: id.State,
			Name: s.secretless(s.opening.name), Kind: s.kind, Start: s.start, Scope: s.scope.Name(),
			Encoded: slices.Clone(s.opening.encoded), Attributes: s.opening.attributes,
		}
	})
	return started, live
}

// Route returns what [Identity.SetRoute] has set, or "".
func (s *Span) Route() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.route
}

// Fail records an error that ends what the span is about.
func (s *Span) Fail(err error) {
	if s.recording && err != nil {
		s.status, s.message = otlp.StatusError, err.Error()
		s.Text("error.type", TypeName(err))
		s.exception(TypeName(err), err.Error(), "")
	}
}

// Panicking returns the value of a panic that is under way and was not when the span started, or [Goexit]. It never
// recovers.
func (s *Span) Panicking() (value any, panicking bool) {
	token, value, ok := Panicking()
	if !ok || token == s.panics {
		return nil, false
	}
	return value, true
}

// Panicked records a panic that leaves what the span is about.
func (s *Span) Panicked(value any, stack string) {
	if !s.recording {
		return
	}
	if value == Goexit {
		s.status, s.message = otlp.StatusError, "runtime.Goexit"
		s.Known("error.type", "runtime.Goexit")
		return
	}
	message := ""
	func() {
		defer func() { recover() }() // of the application's own String and Error methods
		message = fmt.Sprint(value)
	}()
	s.status, s.message = otlp.StatusError, message
	s.Text("error.type", TypeName(value))
	s.exception(TypeName(value), message, stack)
}

func (s *Span) exception(kind, message, stack string) {
	attributes := []otlp.Attribute{{Key: "exception.type", Value: kind}, {Key: "exception.message", Value: message}}
	if stack != "" {
		if i := strings.Index(stack, "\npanic("); i >= 0 { // what follows is where it came from
			stack = stack[i+1:]
		}
		attributes = append(attributes, otlp.Attribute{Key: "exception.stacktrace", Value: stack})
	}
	s.AddEvent("exception", attributes...)
}

// TypeName names a type as the conventions for Go want it: with the path of its package.
func TypeName(v any) string {
	t := reflect.TypeOf(v)
	if t == nil {
		return "nil"
	}
	pointer := ""
	for t.Kind() == reflect.Pointer {
		t, pointer = t.Elem(), pointer+"*"
	}
	if t.PkgPath() == "" || t.Name() == "" {
		return pointer + t.String()
	}
	return pointer + t.PkgPath() + "." + t.Name()
}

// AddEvent adds an event that happens now.
func (s *Span) AddEvent(name string, attributes ...otlp.Attribute) {
	if s.recording {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.addEvent(name, attributes)
	}
}

func (s *Span) addEvent(name string, attributes []otlp.Attribute) {
	s.Event(Event{s.now(), name, attributes})
}

// Event adds an event. Of too many the last remain.
func (s *Span) Event(e Event) {
	if limit := s.tracer.limits.EventCount; len(s.events) >= limit {
		s.lost++
		if limit <= 0 {
			return
		}
		s.events = append(s.events[:0], s.events[len(s.events)-limit+1:]...)
	}
	s.events = append(s.events, e)
}

// Link adds a link.
func (s *Span) Link(l Link) { s.links = append(s.links, l) }

func (s *Span) setLate(a otlp.Attribute) { s.late = setAttribute(s.late, a) }

func (s *Span) now() time.Time { return s.start.Add(time.Since(s.start)) }

// admits reports whether one more attribute is written.
func (s *Span) admits() bool {
	if !s.recording {
		return false
	}
	if limit := s.tracer.limits.AttributeCount; s.attributes >= limit {
		s.dropped++
		return false
	}
	s.attributes++
	return true
}

// Attribute adds an attribute of any name and type.
func (s *Span) Attribute(a otlp.Attribute) {
	if s.admits() {
		s.write(a)
	}
}

// Text adds a text attribute of any name, masked by it.
func (s *Span) Text(key, value string) {
	if s.admits() {
		s.text(key, value)
	}
}

// Known adds a text attribute of which the caller knows that it can hold no secret.
func (s *Span) Known(key, value string) {
	if s.admits() {
		s.encoded.String(key, value)
		s.formerText(key, value)
	}
}

// Constant is an attribute that many spans have, and that holds no secret.
type Constant struct {
	key     string
	text    string
	number  int64
	encoded otlp.Prepared
}

// ConstantText makes a constant.
func ConstantText(key, value string) *Constant {
	return &Constant{key: key, text: value, encoded: otlp.PrepareString(key, value)}
}

// ConstantInt makes a constant.
func ConstantInt(key string, value int64) *Constant {
	return &Constant{key: key, number: value, encoded: otlp.PrepareInt(key, value)}
}

// Constant adds a constant.
func (s *Span) Constant(c *Constant) {
	if s.admits() {
		s.encoded.Prepared(c.encoded)
		if s.tracer.duplicates == 0 {
			return
		}
		if c.text != "" {
			s.formerText(c.key, c.text)
		} else {
			s.former.Int(&s.encoded, c.key, c.number)
		}
	}
}

// Int adds an integer attribute.
func (s *Span) Int(key string, value int64) {
	if s.admits() {
		s.encoded.Int(key, value)
		s.former.Int(&s.encoded, key, value)
	}
}

// Headers adds headers as one attribute; use [Span.Buffer] for the list.
func (s *Span) Headers(key string, c mask.Category, headers []mask.Header) {
	if s.admits() {
		s.scratch = s.tracer.masker.AppendHeaders(s.scratch[:0], c, headers, s.valueLimit())
		s.emit(key, s.scratch)
		clear(headers)
		s.headers = headers[:0]
	}
}

// Hides reports whether a category is masked whole, so that nothing but the mask will be shown of it.
func (s *Span) Hides(c mask.Category) bool { return s.tracer.masker.Hides(c) }

// Buffer lends an empty list for [Span.Headers].
func (s *Span) Buffer() []mask.Header { return s.headers[:0] }

// Room lends memory for a body; there are two. It must not be used after the span's end.
func (s *Span) Room(n int) *[]byte { return &s.bodies[n] }

// Body adds what was kept of a body, and whether that is not all of it.
func (s *Span) Body(key string, c mask.Category, body []byte, cut bool) {
	if len(body) > 0 && s.admits() {
		s.scratch = s.tracer.masker.AppendBody(s.scratch[:0], c, body, cut, s.valueLimit())
		s.emit(key, s.scratch)
	}
}

// Answer adds what a database has answered to commands of these words, as db.response.body: nothing but the mask if one
// of them names a secret, as the answer may well be it.
func (s *Span) Answer(commands [][]string, answer any) {
	if answer == nil || !s.admits() {
		return
	}
	for _, words := range commands {
		secret := false
		if s.scratch, secret = s.tracer.masker.AppendCommand(s.scratch[:0], words); secret {
			answer = mask.Mask
		}
	}
	s.write(otlp.Attribute{Key: "db.response.body", Value: answer})
}

// Parameters adds the parameters of a statement, masked by the columns that they are for. name says what a
// parameter is called, "" when it goes by its position.
func (s *Span) Parameters(key, statement string, n int, parameter func(i int) (name string, value any)) {
	if n == 0 || !s.admits() {
		return
	}
	w := s.begin()
	columns := s.tracer.masker.SQLParameterNames(statement, n)
	var secrets []string
	looked := false
	w.BeginArray()
	for i := range n {
		name, value := parameter(i)
		if name != "" {
			if !looked {
				secrets, looked = s.tracer.masker.SQLNamedParameters(statement), true
			}
			w.BeginObject()
			w.Key(name)
			hidden := false
			for _, secret := range secrets {
				hidden = hidden || secret == name
			}
			if hidden {
				value = mask.Mask
			}
			dump(w, value)
			w.End()
			continue
		}
		if i < len(columns) && columns[i] != "" && s.tracer.masker.Matches(mask.General, columns[i]) {
			w.String(mask.Mask)
			continue
		}
		dump(w, value)
	}
	w.End()
	s.finishDump(key)
}

func (s *Span) begin() *mask.Writer {
	limit := s.valueLimit()
	if s.writer == nil {
		s.writer = s.tracer.masker.NewWriter(mask.General, limit)
	} else {
		s.writer.Reset(mask.General, limit)
	}
	return s.writer
}

func (s *Span) finishDump(key string) {
	s.scratch = s.writer.AppendTo(s.scratch[:0])
	s.emit(key, s.scratch)
}

// write writes an attribute that is admitted.
func (s *Span) write(a otlp.Attribute) {
	form, c, rest := semconv.FormOf(a.Key)
	text, isText := a.Value.(string)
	if form == semconv.NamedSecret && semconv.IsSecret(s.tracer.masker, c, rest) {
		s.encoded.String(a.Key, mask.Mask)
		return
	}
	if isText {
		s.text(a.Key, text)
		return
	}
	switch form {
	case semconv.Plain, semconv.NamedSecret, semconv.KeepEnd, semconv.Message, semconv.Arguments:
	default:
		dump(s.begin(), a.Value)
		s.finishDump(a.Key)
		return
	}
	switch v := a.Value.(type) {
	case bool:
		if a.Key == semconv.SkipExport && v {
			s.skip = true
		}
		s.encoded.Bool(a.Key, v)
	case int64:
		s.encoded.Int(a.Key, v)
		s.former.Int(&s.encoded, a.Key, v)
	case int:
		s.encoded.Int(a.Key, int64(v))
		s.former.Int(&s.encoded, a.Key, int64(v))
	case float64:
		s.encoded.Double(a.Key, v)
	case []string:
		s.encoded.BeginArray(a.Key)
		if form == semconv.Arguments {
			v = slices.Clone(v)
			s.tracer.masker.Arguments(v)
		}
		for _, e := range v {
			s.encoded.StringElement(semconv.Cut(s.linkless(e), s.valueLimit()))
		}
		s.encoded.EndArray()
	case []bool:
		s.encoded.BeginArray(a.Key)
		for _, e := range v {
			s.encoded.BoolElement(e)
		}
		s.encoded.EndArray()
	case []int64:
		s.encoded.BeginArray(a.Key)
		for _, e := range v {
			s.encoded.IntElement(e)
		}
		s.encoded.EndArray()
	case []float64:
		s.encoded.BeginArray(a.Key)
		for _, e := range v {
			s.encoded.DoubleElement(e)
		}
		s.encoded.EndArray()
	case nil:
	default:
		dump(s.begin(), v)
		s.finishDump(a.Key)
	}
}

// text writes a text attribute that is admitted.
func (s *Span) text(key, value string) {
	m, limit := s.tracer.masker, s.valueLimit()
	form, c, rest := semconv.FormOf(key)
	switch form {
	case semconv.NamedSecret:
		if semconv.IsSecret(m, c, rest) {
			value = mask.Mask
		}
	case semconv.Body, semconv.Headers:
		s.scratch = m.AppendBody(s.scratch[:0], c, bytesOf(value), false, limit)
		s.emit(key, s.scratch)
		return
	case semconv.Address:
		s.scratch = m.AppendURL(s.scratch[:0], value)
		s.emit(key, s.scratch)
		return
	case semconv.Query:
		s.scratch = m.AppendQuery(s.scratch[:0], value)
		s.emit(key, s.scratch)
		return
	case semconv.Statement:
		s.scratch = m.AppendSQL(s.scratch[:0], value)
		s.emit(key, s.scratch)
		return
	case semconv.Dump, semconv.Parameters:
		s.begin().String(value)
		s.finishDump(key)
		return
	case semconv.KeepEnd:
		s.encoded.String(key, semconv.Cut(m.Trace(s.secretless(value)), limit)) // Go's stacks begin with what matters most
		return
	case semconv.Message, semconv.Arguments:
		value = m.Message(s.secretless(value))
	}
	if semconv.IsURL(bytesOf(value)) {
		s.scratch = m.AppendURL(s.scratch[:0], value)
		s.emit(key, s.scratch)
		return
	}
	value = semconv.Cut(s.linkless(value), limit)
	s.encoded.String(key, value)
	s.formerText(key, value)
}

// emit writes a text that is masked.
func (s *Span) emit(key string, value []byte) {
	value = semconv.Cut(value, s.valueLimit())
	s.encoded.StringBytes(key, value)
	if s.tracer.duplicates != 0 {
		s.formerText(key, string(value))
	}
}

func (s *Span) formerText(key, value string) {
	if s.tracer.duplicates != 0 {
		s.former.Text(&s.encoded, key, []byte(value)) // which may keep it until Finish
	}
}

// valueLimit is that of the attribute that is being written.
func (s *Span) valueLimit() int {
	if s.inItem {
		return s.tracer.limits.ItemValueLength
	}
	return s.tracer.limits.AttributeValueLength
}

// linkless masks URLs in a text that is not masked otherwise, and the tracer's token.
func (s *Span) linkless(text string) string {
	if strings.Contains(text, "://") {
		text = s.tracer.masker.Links(text)
	}
	return s.secretless(text)
}

// secretless masks the tracer's token in a text that is not masked otherwise.
func (s *Span) secretless(text string) string {
	token := s.tracer.token
	if token == "" || len(text) < len(token) || !strings.Contains(text, token) {
		return text
	}
	return strings.ReplaceAll(text, token, mask.Mask)
}

// bytesOf lends a string as bytes, which must not be changed.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// End ends the span now. It must not be used any more.
func (s *Span) End() {
	if s.recording {
		s.EndAt(s.now())
	} else {
		s.release()
	}
}

// EndAt ends it at another time.
func (s *Span) EndAt(end time.Time) {
	if !s.recording {
		s.release()
		return
	}
	id := s.id
	s.mu.Lock()
	id.live.Store(nil)
	id.ended.Store(end.UnixNano())
	s.id = nil // from here on nobody else touches it
	interrupted := s.interrupted
	s.mu.Unlock()
	if interrupted {
		s.release()
		return
	}

	s.skip = s.skip || s.yields
	e := &s.encoded
	if s.lateStatus != otlp.StatusUnset && s.status == otlp.StatusUnset {
		s.status, s.message = s.lateStatus, s.lateMessage
	}
	for _, a := range s.late {
		s.Attribute(a)
	}
	s.scratch = s.former.Finish(e, s.scratch[:0], s.tracer.limits.AttributeValueLength)
	for _, event := range s.events {
		e.BeginEvent(uint64(event.Time.UnixNano()), s.secretless(event.Name))
		s.item(event.Attributes, s.tracer.limits.EventAttributeCount)
		e.EndEvent()
	}
	lost := 0
	if lost = len(s.links) - max(0, s.tracer.limits.LinkCount); lost < 0 {
		lost = 0
	}
	for _, link := range s.links[lost:] {
		e.BeginLink(link.ID.TraceID, link.ID.SpanID, link.ID.State, flags(link.ID.Flags, link.ID.Remote))
		s.item(link.Attributes, s.tracer.limits.LinkAttributeCount)
		e.EndLink()
	}
	e.Context(id.TraceID, id.SpanID, id.parent, id.State, flags(id.Flags, s.remoteParent))
	e.Name(s.secretless(s.name))
	e.Kind(s.kind)
	start := s.start.UnixNano()
	e.Times(uint64(start), uint64(max(start, end.UnixNano())))
	e.Status(s.status, semconv.Cut(s.tracer.masker.Message(s.secretless(s.message)), s.tracer.limits.AttributeValueLength))
	e.Dropped(s.dropped, s.lost, uint32(lost))
	s.tracer.deliver(s, e.Encoded())
	s.release()
}

// flags are OTLP's: W3C's, and whether the parent is known to be remote or not.
func flags(w3c byte, remote bool) uint32 {
	f := uint32(w3c) | 1<<8
	if remote {
		f |= 1 << 9
	}
	return f
}

// item writes the attributes of an event or a link.
func (s *Span) item(attributes []otlp.Attribute, limit int) {
	s.inItem = true
	defer func() { s.inItem = false }()
	n := 0
	for _, a := range attributes {
		if a.Key == "" || limit >= 0 && n >= limit {
			s.encoded.DroppedHere(uint32(len(attributes) - n))
			break
		}
		s.write(a)
		n++
	}
}

func (s *Span) release() {
	t := s.tracer
	if t == nil {
		return // ended already
	}
	s.encoded.Reset()
	if cap(s.scratch) > 64<<10 {
		s.scratch = nil
	}
	for i, b := range s.bodies {
		if s.bodies[i] = b[:0]; cap(b) > 16<<10 {
			s.bodies[i] = nil
		}
	}
	clear(s.events)
	clear(s.late)
	clear(s.links)
	s.mu.Lock() // others may be about to find out that this is not their span any more
	defer s.mu.Unlock()
	s.tracer, s.id, s.recording, s.remoteParent, s.skip = nil, nil, false, false, false
	s.name, s.scope, s.status, s.message, s.route, s.opening = "", nil, 0, "", "", opening{}
	s.adopted, s.yields, s.interrupted, s.lateStatus, s.lateMessage = false, false, false, 0, ""
	s.attributes, s.dropped, s.lost = 0, 0, 0
	s.events, s.late, s.links = s.events[:0], s.late[:0], s.links[:0]
	t.spans.Put(s)
}

// dumpDepth is how deep a dump shows nested values; deeper ones become null.
const dumpDepth = 16

// dump writes any value. It calls no method of the application's.
func dump(w *mask.Writer, v any) { dumpValue(w, reflect.ValueOf(v), 0) }

func dumpValue(w *mask.Writer, v reflect.Value, depth int) {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() || depth > dumpDepth {
			w.Null()
			return
		}
		v = v.Elem()
		depth++
	}
	if !v.IsValid() || depth > dumpDepth {
		w.Null()
		return
	}
	if v.Type() == timeType && v.CanInterface() {
		w.String(v.Interface().(time.Time).Format(time.RFC3339Nano))
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		w.Bool(v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		w.Int(v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		w.Number(fmt.Sprint(v.Uint()))
	case reflect.Float32, reflect.Float64:
		w.Float(v.Float())
	case reflect.String:
		w.String(v.String())
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 && (v.Kind() == reflect.Slice || v.CanAddr()) {
			b := v.Bytes()
			if utf8.Valid(b) {
				w.String(string(b))
			} else {
				w.String("0x" + hex.EncodeToString(b[:min(len(b), 1024)]))
			}
			return
		}
		w.BeginArray()
		for i := range v.Len() {
			if i == 1024 {
				break
			}
			dumpValue(w, v.Index(i), depth+1)
		}
		w.End()
	case reflect.Map:
		w.BeginObject()
		entries := v.MapRange()
		for n := 0; entries.Next() && n < 1024; n++ {
			k := entries.Key()
			if k.Kind() == reflect.Interface {
				k = k.Elem()
			}
			w.Key(keyText(k))
			dumpValue(w, entries.Value(), depth+1)
		}
		w.End()
	case reflect.Struct:
		t := v.Type()
		w.BeginObject()
		for i := range t.NumField() {
			name := t.Field(i).Name
			if tag, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); tag == "-" {
				continue
			} else if tag != "" {
				name = tag
			}
			if t.Field(i).IsExported() {
				w.Key(name)
				dumpValue(w, v.Field(i), depth+1)
			}
		}
		w.End()
	default: // functions, channels
		w.String(v.Type().String())
	}
}

var timeType = reflect.TypeOf(time.Time{})

func keyText(k reflect.Value) string {
	switch k.Kind() {
	case reflect.String:
		return k.String()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return fmt.Sprint(k.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return fmt.Sprint(k.Uint())
	case reflect.Bool:
		return fmt.Sprint(k.Bool())
	}
	return k.Type().String()
}
