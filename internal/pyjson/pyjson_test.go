package pyjson

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

func TestFloatsAreThoseOfPython(t *testing.T) {
	for f, want := range map[float64]string{
		0: "0.0", math.Copysign(0, -1): "-0.0", 1: "1.0", 1.5: "1.5", 100: "100.0", 1e15: "1000000000000000.0", 1e16: "1e+16", 1.5e300: "1.5e+300",
		0.0001: "0.0001", 0.00001: "1e-05", 123456.789: "123456.789", math.Inf(1): "Infinity", math.Inf(-1): "-Infinity",
	} {
		if got := string(AppendFloat(nil, f)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got := string(AppendFloat(nil, math.NaN())); got != "NaN" {
		t.Errorf("got %s", got)
	}
}

func TestEveryCharacterIsQuotedInEveryPlace(t *testing.T) {
	for r := rune(0); r < 0x180; r++ {
		for place := range 9 {
			in := strings.Repeat("x", place) + string(r) + strings.Repeat("y", 9-place)
			out, n := AppendString(nil, in)
			if n != 10 {
				t.Errorf("%q has %d characters", in, n)
			}
			var got string
			if err := json.Unmarshal(out, &got); err != nil || got != in {
				t.Fatalf("%q came out as %s", in, out)
			}
			if escaped := len(out) > len(in)+2; escaped != (r < ' ' || r > '~' || r == '"' || r == '\\') {
				t.Fatalf("%q came out as %s", in, out)
			}
		}
	}
}

func TestStringsThatAreNotUTF8(t *testing.T) {
	for in, want := range map[string]string{
		"a\xffb": `"a\ufffdb"`, "\xc3": `"\ufffd"`, "\xed\xa0\x80": `"\ud800"`, "\U0001f600": `"\ud83d\ude00"`, "</&\x7f>": `"</&\u007f>"`,
	} {
		if got, _ := AppendString(nil, in); string(got) != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}
