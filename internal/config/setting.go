package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/internal/diag"
)

// A setting is the place in the draft that a variable sets.
type setting interface {
	// set reads text. With an error the place holds what is used instead:
	// what it held before, or the part of text that could be used.
	set(d *draft, name, text string) error
	// show words what the place holds, "" being nothing.
	show(d *draft) string
}

// A reader reads the text of a variable whose place holds current. It returns
// what the place is to hold, together with an error if that is not all that
// text says.
type reader[T any] func(text string, current T) (T, error)

// to makes the setting of type T that at points out.
func to[T any](at func(*draft) *T, read reader[T]) setting {
	return place[T]{at, read}
}

// both is a setting of two places; of the first it shows what it holds.
func both[T any](at, other func(*draft) *T, read reader[T]) setting {
	return places[T]{place[T]{at, read}, other}
}

type places[T any] struct {
	place[T]
	other func(*draft) *T
}

func (p places[T]) set(d *draft, name, text string) error {
	err := p.place.set(d, name, text)
	if err == nil {
		*p.other(d) = *p.at(d)
	}
	return err
}

type place[T any] struct {
	at   func(*draft) *T
	read reader[T]
}

func (p place[T]) set(d *draft, _, text string) (err error) {
	*p.at(d), err = p.read(text, *p.at(d))
	return err
}

func (p place[T]) show(d *draft) string {
	switch v := any(*p.at(d)).(type) {
	case string:
		if v != "" {
			return v
		}
	case []string:
		if len(v) > 0 {
			return strings.Join(v, ",")
		}
	case time.Duration:
		return strconv.FormatInt(v.Milliseconds(), 10)
	case int:
		if v != 0 {
			return strconv.Itoa(v)
		}
	default:
		return fmt.Sprint(v)
	}
	return ""
}

// patterns is the setting of a masking variable, which package mask reads.
type patterns func(*draft) *Patterns

func (at patterns) set(d *draft, name, text string) error {
	*at(d) = Patterns{Name: name, Text: text, IsSet: true}
	return nil
}

func (at patterns) show(d *draft) string { return at(d).Text }

// boolean accepts what the original does: the word true, in any case, no more.
func boolean(text string, current bool) (bool, error) {
	switch strings.ToLower(text) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return current, errors.New("which is neither true nor false")
}

// nothingButTrue is for switches that take any other word for false.
func nothingButTrue(text string, _ bool) (bool, error) {
	return strings.EqualFold(text, "true"), nil
}

func verbatim(text, _ string) (string, error) { return text, nil }

func integer(least int) reader[int] {
	return func(text string, current int) (int, error) {
		n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 32)
		if err != nil || int(n) < least {
			return current, fmt.Errorf("which is not a whole number from %d to %d", least, math.MaxInt32)
		}
		return int(n), nil
	}
}

func milliseconds(text string, current time.Duration) (time.Duration, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 32)
	if err != nil || n < 1 {
		return current, fmt.Errorf("which is not a whole number of milliseconds from 1 to %d", math.MaxInt32)
	}
	return time.Duration(n) * time.Millisecond, nil
}

// timeout reads milliseconds, and doubts those that were meant for
// opentelemetry-python, which counts seconds.
func timeout(text string, current time.Duration) (time.Duration, error) {
	t, err := milliseconds(text, current)
	if err == nil && t < 100*time.Millisecond {
		err = phrase("%[1]s is %[2]q, which counts milliseconds; if you mean seconds, add three zeros")
	}
	return t, err
}

func ratio(text string, current float64) (float64, error) {
	r, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || !(r >= 0 && r <= 1) {
		return current, errors.New("which is not a number from 0 to 1")
	}
	return r, nil
}

const leastMemory = 1 << 20

var byteUnits = map[string]int64{"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}

func memory(text string, current int64) (int64, error) {
	n, ok := ParseBytes(text)
	if !ok || n < leastMemory {
		return current, errors.New("which is not a number of bytes, KiB, MiB or GiB that makes at least 1 MiB")
	}
	return n, nil
}

// ParseBytes reads a number of bytes, which may be given in KiB, MiB or GiB.
func ParseBytes(text string) (n int64, ok bool) {
	text = strings.TrimSpace(text)
	digits := strings.TrimRight(text, "KMGiB")
	unit, known := byteUnits[text[len(digits):]]
	n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
	if err != nil || !known || n < 0 || n > math.MaxInt64/unit {
		return 0, false
	}
	return n * unit, true
}

// oneOf reads one of names in any case.
func oneOf(names ...string) reader[string] {
	return func(text, current string) (string, error) {
		if name := strings.ToLower(strings.TrimSpace(text)); slices.Contains(names, name) {
			return name, nil
		}
		return current, fmt.Errorf("which is not one of %s", strings.Join(names, ", "))
	}
}

// someOf reads a comma list of names, or none for the empty list. Names that
// are not known are left out.
func someOf(names ...string) reader[[]string] {
	return func(text string, current []string) ([]string, error) {
		chosen := []string{}
		var unknown []string
		none := false
		for _, item := range list(text) {
			switch name := strings.ToLower(item); {
			case name == "none":
				none = true
			case !slices.Contains(names, name):
				unknown = append(unknown, strconv.Quote(item))
			case !slices.Contains(chosen, name):
				chosen = append(chosen, name)
			}
		}
		switch {
		case len(chosen) == 0 && !none:
			return current, fmt.Errorf("which has none of %s, none", strings.Join(names, ", "))
		case unknown != nil:
			return chosen, fmt.Errorf("of which %s is not one of %s, none", strings.Join(unknown, ", "), strings.Join(names, ", "))
		}
		return chosen, nil
	}
}

// list splits a comma list, leaving out what is empty.
func list(text string) []string {
	var items []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

func anyOf(text string, _ []string) ([]string, error) { return list(text), nil }

func level(text string, current diag.Level) (diag.Level, error) {
	l, ok := diag.ParseLevel(strings.TrimSpace(text))
	if !ok {
		return current, errors.New("which is not one of debug, info, warn, error, none")
	}
	return l, nil
}

var tokenShape = regexp.MustCompile(`^t_[0-9a-fA-F]{21}$`)

func token(text, _ string) (string, error) {
	text = strings.TrimSpace(text)
	if text != "" && !tokenShape.MatchString(text) {
		return text, phrase(`%[1]s does not look like a token of Lumigo's, "t_" and 21 hexadecimal digits; using it as it is`)
	}
	return text, nil
}

func address(text, current string) (string, error) {
	text = strings.TrimSpace(text)
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return current, errors.New("which is not a URL of the form https://host/path")
	}
	return text, nil
}

// concealURL hides the credentials that a URL, or what was meant to be one,
// may carry.
func concealURL(text string) string {
	scheme, rest, found := strings.Cut(text, "://")
	if found {
		scheme += "://"
	} else {
		scheme, rest = "", text
	}
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		rest = "****" + rest[i:]
	}
	if i := strings.IndexAny(rest, "?#"); i >= 0 {
		rest = rest[:i+1] + "****"
	}
	return scheme + rest
}

func protocol(text, current string) (string, error) {
	if strings.TrimSpace(text) == "grpc" {
		return current, errors.New("which is not supported, nor is the port 4317 that goes with it (HTTP has 4318)")
	}
	return oneOf("http/protobuf", "http/json")(text, current)
}

func tag(text, _ string) (string, error) {
	if strings.Contains(text, ";") {
		return "", phrase("%[1]s contains a semicolon, which is not allowed.")
	}
	return text, nil
}

// dumpPath accepts the names that the original for Node.js has for the
// standard streams.
func dumpPath(text, _ string) (string, error) {
	switch text {
	case "console:log":
		return "/dev/stdout", nil
	case "console:error":
		return "/dev/stderr", nil
	}
	return text, nil
}

func arrayOfStrings(text string, _ []string) ([]string, error) {
	var values []any
	if json.Unmarshal([]byte(text), &values) != nil || values == nil {
		return nil, errNotStrings
	}
	texts := make([]string, len(values))
	for i, v := range values {
		s, ok := v.(string)
		if !ok {
			return nil, errNotStrings
		}
		texts[i] = s
	}
	return texts, nil
}

const errNotStrings = phrase("The value of env var '%[1]s' is not valid JSON format for an array of strings: %[2]s")

// keyValues reads key=value pairs with percent-encoded values. The messages
// show none of it, since a value, or the piece of one that held a comma, may
// be a secret.
func keyValues(valid func(KeyValue) bool) reader[[]KeyValue] {
	return func(text string, current []KeyValue) ([]KeyValue, error) {
		var pairs []KeyValue
		items := list(text)
		for _, item := range items {
			key, value, found := strings.Cut(item, "=")
			pair := KeyValue{strings.TrimSpace(key), strings.TrimSpace(value)}
			if decoded, err := url.PathUnescape(pair.Value); err == nil {
				pair.Value = decoded
			}
			if found && pair.Key != "" && valid(pair) {
				pairs = append(pairs, pair)
			}
		}
		switch bad := len(items) - len(pairs); {
		case len(pairs) == 0:
			return current, phrase("%[1]s has no item of the form key=value; not using it")
		case bad > 0:
			return pairs, phrase(fmt.Sprintf("%%[1]s has %d items, %d of them not of the form key=value; leaving that out", len(items), bad))
		}
		return pairs, nil
	}
}

func anyPair(KeyValue) bool { return true }

var headerName = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")

// header refuses what HTTP could not carry.
func header(pair KeyValue) bool {
	unprintable := func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }
	return headerName.MatchString(pair.Key) && !strings.ContainsFunc(pair.Value, unprintable)
}

func instrumentations(text string, _ []string) ([]string, error) {
	var ids, unknown []string
	for _, item := range list(text) {
		if id, ok := instrumentationBySpelling[simplified(item)]; ok {
			ids = append(ids, id)
		} else {
			unknown = append(unknown, strconv.Quote(item))
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if unknown == nil {
		return ids, nil
	}
	return ids, fmt.Errorf("of which %s is not the name of an instrumentation", strings.Join(unknown, ", "))
}
