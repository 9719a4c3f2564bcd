package otlp

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// ParseJSON transcodes the body of a request from OTLP JSON to protobuf. It
// reads whatever [AppendJSON] writes, and what others do: names of enum values
// and of fields in snake_case, 64-bit integers that are numbers, null for what
// is not there. What it does not know it skips, like other signals in the same
// object. It takes memory in proportion to len(text). The error is one line that
// names the field and its place.
func ParseJSON(s Signal, text []byte) (request []byte, err error) {
	p := jsonParser{d: json.NewDecoder(bytes.NewReader(text)), b: make([]byte, 0, len(text)/2)}
	p.d.UseNumber()
	if err := p.parse(s); err != nil {
		if syntax := new(json.SyntaxError); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("the text is cut short")
		} else if errors.As(err, &syntax) {
			err = errors.New(syntax.Error())
		}
		return nil, fmt.Errorf("JSON: at byte %d: %w", p.d.InputOffset(), err)
	}
	return p.b, nil
}

// jsonParser appends the protobuf of what it reads.
type jsonParser struct {
	d *json.Decoder
	b []byte
}

func (p *jsonParser) parse(s Signal) error {
	token, err := p.d.Token()
	if err != nil {
		return err
	}
	if err := p.message(s.message(), token, 0); err != nil {
		return err
	}
	if _, err := p.d.Token(); err == nil {
		return errors.New("there is more after the end of the object")
	} else if err != io.EOF {
		return err
	}
	return nil
}

// message reads an object, whose first token is given.
func (p *jsonParser) message(t messageType, first json.Token, depth int) error {
	if first != json.Delim('{') {
		return fmt.Errorf("want an object, got %s", shown(first))
	}
	if t == messageValue {
		if depth++; depth > maxDepth+1 {
			return errDepth
		}
	}
	for p.d.More() {
		key, err := p.d.Token()
		if err != nil {
			return err
		}
		name, _ := key.(string) // as the decoder makes sure
		token, err := p.d.Token()
		if err != nil {
			return err
		}
		f := lookUp(t, name)
		switch {
		case f == nil:
			err = p.skip(token)
		case token == nil:
		case f.repeated:
			err = p.repeated(f, token, depth)
		default:
			err = p.field(f, token, depth)
		}
		if err != nil {
			return err
		}
	}
	_, err := p.d.Token()
	return err
}

// lookUp finds a field by its name, in lowerCamelCase or in snake_case.
func lookUp(t messageType, name string) *field {
	for i := range schema[t] {
		if f := &schema[t][i]; f.name == name {
			return f
		}
	}
	if !strings.Contains(name, "_") {
		return nil
	}
	name = strings.ReplaceAll(name, "_", "")
	for i := range schema[t] {
		if f := &schema[t][i]; strings.EqualFold(f.name, name) {
			return f
		}
	}
	return nil
}

// skip reads a value that nobody wants.
func (p *jsonParser) skip(token json.Token) error {
	for depth := 0; ; {
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
		var err error
		if token, err = p.d.Token(); err != nil {
			return err
		}
	}
}

func (p *jsonParser) repeated(f *field, first json.Token, depth int) error {
	if first != json.Delim('[') {
		return fmt.Errorf("%s: want an array, got %s", f.name, shown(first))
	}
	for p.d.More() {
		token, err := p.d.Token()
		if err != nil {
			return err
		}
		if err := p.field(f, token, depth); err != nil {
			return err
		}
	}
	_, err := p.d.Token()
	return err
}

// field reads the value of a field that begins with token.
func (p *jsonParser) field(f *field, token json.Token, depth int) error {
	fail := func(want string) error { return fmt.Errorf("%s: want %s, got %s", f.name, want, shown(token)) }
	if f.kind == fieldMessage {
		var at int
		p.b, at = appendOpen(p.b, f.number)
		if err := p.message(f.message, token, depth); err != nil {
			return err
		}
		p.b = appendClose(p.b, at)
		return nil
	}
	text, isText := token.(string)
	number, isNumber := token.(json.Number)
	if isNumber {
		text = string(number)
	}
	switch f.kind {
	case fieldText:
		if !isText {
			return fail("a text")
		}
		p.b = appendText(p.b, f.number, text)
	case fieldID:
		id, err := hex.DecodeString(text)
		if !isText || err != nil {
			return fail("hexadecimal digits")
		}
		p.b = appendText(p.b, f.number, id)
	case fieldBytes:
		data, err := base64.StdEncoding.DecodeString(text)
		if !isText || err != nil {
			return fail("base64")
		}
		p.b = appendText(p.b, f.number, data)
	case fieldBool:
		v, isBool := token.(bool)
		if !isBool {
			return fail("true or false")
		}
		p.b = append(p.b, tag(f.number, wireVarint), bit(v))
	case fieldEnum:
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			if n = valueNamed(f.names, text); n < 0 {
				return fail("the number of one of its values")
			}
		}
		p.b = appendUint(p.b, f.number, uint64(n))
	case fieldInt64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return fail("a whole number of 64 bits")
		}
		p.b = appendUint(p.b, f.number, uint64(n))
	case fieldUint32, fieldFixed32:
		n, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return fail("a whole number of 32 bits that is not negative")
		}
		if f.kind == fieldFixed32 {
			p.b = appendFixed32(p.b, f.number, uint32(n))
			break
		}
		p.b = appendUint(p.b, f.number, n)
	case fieldFixed64:
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return fail("a whole number of 64 bits that is not negative")
		}
		p.b = appendFixed64(p.b, f.number, n)
	case fieldDouble:
		v, err := strconv.ParseFloat(text, 64) // which knows NaN and Infinity, too
		if err != nil {
			return fail("a number")
		}
		p.b = appendFixed64(p.b, f.number, math.Float64bits(v))
	}
	return nil
}

// valueNamed returns the number of an enum's value, -1 if there is none of this name.
func valueNamed(names []string, text string) int64 {
	text = text[strings.LastIndexByte(text, '_')+1:]
	for n, name := range names {
		if name == text {
			return int64(n)
		}
	}
	return -1
}

// shown words a token for an error, without more of the text than is needed to
// recognise it.
func shown(token json.Token) string {
	const most = 40 // bytes
	switch v := token.(type) {
	case nil:
		return "null"
	case string:
		if len(v) > most {
			v = v[:most] + "…"
		}
		return strconv.Quote(v)
	case json.Number:
		if len(v) > most {
			v = v[:most] + "…"
		}
		return string(v)
	}
	return fmt.Sprint(token)
}
