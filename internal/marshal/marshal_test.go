package marshal

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// golden is what each case of testdata/golden.py reads as in Go.
var golden = map[string]any{
	"none":                         nil,
	"true":                         true,
	"false":                        false,
	"zero":                         int64(0),
	"minus one":                    int64(-1),
	"largest 32-bit int":           int64(math.MaxInt32),
	"smallest 32-bit int":          int64(math.MinInt32),
	"beyond 32 bits":               int64(math.MaxInt32 + 1),
	"below 32 bits":                int64(math.MinInt32 - 1),
	"nanoseconds of a day in 2026": int64(1767312000123456789),
	"largest 64-bit int":           int64(math.MaxInt64),
	"smallest 64-bit int":          int64(math.MinInt64),
	"beyond 64 bits":               "18446744073709551615",
	"below 64 bits":                "-18446744073709551616",
	"thousands of bits":            "(an int of about 5010 bits)",
	"pi":                           math.Pi,
	"infinity":                     math.Inf(1),
	"empty str":                    "",
	"ascii":                        "GET /orders",
	"interned":                     "http.request.method",
	"latin":                        "café",
	"emoji":                        "😀",
	"lone surrogate":               "a\uFFFDb",
	"two surrogates":               "\uFFFD\uFFFD",
	"bytes":                        []byte("\x00\xffabc"),
	"empty tuple":                  []any{},
	"tuple":                        []any{int64(1), "two", []byte("3"), nil},
	"list":                         []any{1.5, true, []any{}},
	"dict":                         []Pair{{"a", int64(1)}, {"b", []Pair{{"c", []any{nil}}}}, {int64(3), []byte{}}},
	"empty dict":                   []Pair{},
	"set":                          []any{int64(7)},
	"frozenset":                    []any{int64(7)},
	"repeated":                     []any{"again", "again", "again"},
	"record": []any{int64(0), bytes.Repeat([]byte{1}, 16), bytes.Repeat([]byte{2}, 8), nil, int64(1), nil, "GET /", int64(2),
		int64(1767312000123456789), int64(1767312000123999999), int64(0), nil, "lumigo_opentelemetry",
		[]Pair{{"http.route", "/"}}, nil, nil, nil},
}

func cases(t testing.TB, file string) map[string][]byte {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]byte{}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		name, digits, _ := strings.Cut(line, "\t")
		found[name], err = hex.DecodeString(digits)
		if err != nil {
			t.Fatalf("%s: %q: %v", file, name, err)
		}
	}
	return found
}

func TestReadsWhatEachInterpreterWrites(t *testing.T) {
	files, _ := filepath.Glob("testdata/python*.txt")
	if len(files) < 7 {
		t.Fatalf("found the data of only %d interpreters", len(files))
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			found := cases(t, file)
			for name, want := range golden {
				data, ok := found[name]
				if !ok {
					t.Errorf("%q is not in %s", name, file)
					continue
				}
				var r Reader
				r.Reset(data)
				got, err := r.Value()
				if err != nil || r.More() || !reflect.DeepEqual(got, want) {
					t.Errorf("%s: got %#v, %v, want %#v", name, got, err, want)
				}
				r.Reset(data)
				if !r.Skip() || r.Pos() != len(data) {
					t.Errorf("%s: skipping stops at byte %d of %d", name, r.Pos(), len(data))
				}
				for n := 1; n < len(data); n++ {
					r.Reset(data[:n])
					if _, err := r.Value(); err == nil {
						t.Errorf("%s: cut after %d of %d bytes, it still reads", name, n, len(data))
					}
				}
			}
		})
	}
}

func TestReadsLegacyForms(t *testing.T) {
	for name, row := range map[string]struct {
		data string
		want any
	}{
		"float as text":      {"f\x043.25", 3.25},
		"64-bit int":         {"I\xff\xff\xff\xff\xff\xff\xff\xff", int64(-1)},
		"interned str":       {"t\x01\x00\x00\x00a", "a"},
		"byte of no charset": {"u\x02\x00\x00\x00a\xff", "a\uFFFD"},
		"surrogate cut off":  {"u\x02\x00\x00\x00\xed\xb2", "\uFFFD\uFFFD"},
	} {
		var r Reader
		r.Reset([]byte(row.data))
		if got, err := r.Value(); err != nil || !reflect.DeepEqual(got, row.want) {
			t.Errorf("%s: got %#v, %v, want %#v", name, got, err, row.want)
		}
	}
}

func TestRefuses(t *testing.T) {
	for name, data := range map[string]string{
		"code object":               "c\x00\x00\x00\x00",
		"reference":                 "r\x00\x00\x00\x00",
		"flagged for reference":     "\xe9\x00\x00\x00\x00",
		"complex number":            "y0123456789abcdef",
		"small tuple of version 4":  ")\x00",
		"length beyond the data":    "u\xff\xff\xff\xffabc",
		"more elements than bytes":  "(\xff\xff\xff\x7fN",
		"digit beyond 15 bits":      "l\x01\x00\x00\x00\xff\xff",
		"more digits than bytes":    "l\x00\x00\x00\x80\x01\x00",
		"text that is no float":     "f\x03abc",
		"dict without its end":      "{NN",
		"dict that ends at a value": "{N0",
		"end of a dict outside one": "0",
		"nested beyond the bound":   strings.Repeat("[\x01\x00\x00\x00", MaxDepth+1) + "N",
		"dicts nested beyond it":    strings.Repeat("{N", MaxDepth+1) + "N" + strings.Repeat("0", MaxDepth+1),
		"nothing at all":            "",
	} {
		var r Reader
		r.Reset([]byte(data))
		if v, err := r.Value(); err == nil {
			t.Errorf("%s: read as %#v", name, v)
		}
		r.Reset([]byte(data))
		if r.Skip() || r.Err() == nil {
			t.Errorf("%s: skipped without an error", name)
		}
	}
}

func TestWritesWhatItReads(t *testing.T) {
	var data []byte
	data = AppendTuple(data, 9)
	data = AppendNone(data)
	data = AppendBool(data, true)
	data = AppendInt(data, -5)
	data = AppendInt(data, math.MinInt64)
	data = AppendFloat(data, 0.5)
	data = AppendString(data, "héllo")
	data = AppendBytes(data, []byte{0, 1})
	data = AppendInt(AppendList(data, 1), 1<<40)
	data = EndDict(AppendBool(AppendString(BeginDict(data), "active"), false))
	want := []any{nil, true, int64(-5), int64(math.MinInt64), 0.5, "héllo", []byte{0, 1}, []any{int64(1 << 40)}, []Pair{{"active", false}}}
	var r Reader
	r.Reset(data)
	if got, err := r.Value(); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %#v, %v, want %#v", got, err, want)
	}

	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 to read it as well")
	}
	script := "import marshal, sys; print(repr(marshal.loads(sys.stdin.buffer.read())).encode('ascii', 'backslashreplace').decode())"
	cmd := exec.Command(python, "-c", script)
	cmd.Stdin = bytes.NewReader(data)
	out, err := cmd.CombinedOutput()
	if want := `(None, True, -5, -9223372036854775808, 0.5, 'h\xe9llo', b'\x00\x01', [1099511627776], {'active': False})`; err != nil || strings.TrimSpace(string(out)) != want {
		t.Errorf("Python reads %s, %v, want %s", out, err, want)
	}
}

func TestIntsWriteAsPythonWritesThem(t *testing.T) {
	for name, data := range cases(t, "testdata/python3.13.txt") {
		if n, ok := golden[name].(int64); ok {
			if got := AppendInt(nil, n); !bytes.Equal(got, data) {
				t.Errorf("%s: got %x, want %x", name, got, data)
			}
		}
	}
}

// FuzzReader reads any bytes: without a panic, in memory that is in proportion
// to them, and with Skip and Value agreeing on what is a value.
func FuzzReader(f *testing.F) {
	for _, data := range cases(f, "testdata/python3.13.txt") {
		f.Add(data)
	}
	f.Add([]byte("f\x031e9"))
	f.Add(binary.LittleEndian.AppendUint32([]byte("(\x03\x00\x00\x00["), 1<<31))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 128<<10 {
			return
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		var r, s Reader
		r.Reset(data)
		s.Reset(data)
		for r.More() {
			_, err := r.Value()
			if ok := s.Skip(); ok != (err == nil) {
				t.Fatalf("Skip says %v, Value says %v", ok, err)
			}
			if r.Pos() != s.Pos() {
				t.Fatalf("Skip stops at %d, Value at %d", s.Pos(), r.Pos())
			}
		}
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 2<<20+uint64(100*len(data)) {
			t.Fatalf("%d bytes allocated for %d", grown, len(data))
		}
	})
}

func BenchmarkSkipRecord(b *testing.B) {
	data := cases(b, "testdata/python3.13.txt")["record"]
	var r Reader
	b.ReportAllocs()
	for b.Loop() {
		r.Reset(data)
		r.Skip()
	}
}
