package spandump

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

var (
	resource = otlp.NewResource([]otlp.Attribute{
		{Key: "service.name", Value: "shop"},
		{Key: "process.pid", Value: int64(42)},
		{Key: "aws.log.group.names", Value: []string{"a", "b"}},
	}, "https://opentelemetry.io/schemas/1.37.0")
	scope = otlp.NewScope("test", "")
)

const start, end = 1700000000123456000, 1700000001000000000

func traceID(low byte) (id [16]byte) { id[15] = low; return id }
func spanID(low byte) (id [8]byte)   { id[7] = low; return id }

// example builds a span that is a plain root but for what change does to it.
func example(name string, change func(*otlp.Span)) []byte {
	var s otlp.Span
	s.Reset()
	s.Name(name)
	change(&s)
	return s.Encoded()
}

// usual is what most examples have in common.
func usual(s *otlp.Span) {
	ids(s, [8]byte{}, "")
	s.Times(start, end)
}

func ids(s *otlp.Span, parent [8]byte, state string) {
	s.Context([16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
		[8]byte{0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18}, parent, state, 1)
}

// TestLines compares with what opentelemetry-python writes for the same spans:
// testdata/spans.py made testdata/spans.jsonl, in this order.
func TestLines(t *testing.T) {
	kind := func(k otlp.Kind) []byte {
		return example("a kind", func(s *otlp.Span) { usual(s); s.Kind(k) })
	}
	var controls strings.Builder
	for c := range byte(32) {
		controls.WriteByte(c)
	}
	controls.WriteByte(0x7f)

	spans := [][]byte{
		example("a root", usual),
		example("a child", func(s *otlp.Span) {
			ids(s, [8]byte{0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28}, "")
			s.Times(start, end)
		}),
		example("not ended", func(s *otlp.Span) { ids(s, [8]byte{}, "") }),
		kind(otlp.KindServer), kind(otlp.KindClient), kind(otlp.KindProducer), kind(otlp.KindConsumer),
		example("well done", func(s *otlp.Span) { usual(s); s.Status(otlp.StatusOK, "") }),
		example("failed", func(s *otlp.Span) { usual(s); s.Status(otlp.StatusError, "ValueError: ä") }),
		example("failed without a word", func(s *otlp.Span) { usual(s); s.Status(otlp.StatusError, "") }),
		example("trace state", func(s *otlp.Span) {
			s.Context(traceID(1), spanID(2), [8]byte{}, `a=b, vendor@x=it's,c=say "hi" it's\`, 1)
			s.Times(start, end)
		}),
		example("strings", func(s *otlp.Span) {
			usual(s)
			s.String("quote", `"\/`)
			s.String("controls", controls.String())
			s.String("languages", "é 寸 😀 \u2028")
			s.String("html", "</>&'")
			s.String("", "")
		}),
		example("numbers", func(s *otlp.Span) {
			usual(s)
			s.Bool("true", true)
			s.Bool("false", false)
			s.Int("int", -1)
			s.Int("big", math.MaxInt64)
			for _, d := range []struct {
				key   string
				value float64
			}{
				{"whole", 1}, {"negative zero", math.Copysign(0, -1)}, {"third", 1. / 3}, {"up to", 999999999999999.9},
				{"up to 1e16", 1e15}, {"from", 1e16}, {"below", 123456789012345680}, {"small", 0.0001}, {"smaller", 0.00001}, {"huge", 1.5e300},
				{"nan", math.NaN()}, {"inf", math.Inf(1)}, {"-inf", math.Inf(-1)},
			} {
				s.Double(d.key, d.value)
			}
		}),
		example("lists", func(s *otlp.Span) {
			usual(s)
			s.Strings("strings", []string{"a", "b"})
			s.BeginArray("ints")
			s.IntElement(1)
			s.IntElement(2)
			s.EndArray()
			s.BeginArray("floats")
			s.DoubleElement(1)
			s.DoubleElement(0.5)
			s.EndArray()
			s.BeginArray("bools")
			s.BoolElement(true)
			s.EndArray()
			s.Strings("none", nil)
		}),
		example("events", func(s *otlp.Span) {
			usual(s)
			s.BeginEvent(start, "one")
			s.EndEvent()
			s.BeginEvent(end, "exception")
			s.String("exception.type", "ValueError")
			s.String("exception.message", "no")
			s.EndEvent()
		}),
		example("links", func(s *otlp.Span) {
			usual(s)
			s.BeginLink(traceID(3), spanID(4), "k=v", 1)
			s.Int("n", 1)
			s.EndLink()
			s.BeginLink(traceID(5), spanID(6), "", 1)
			s.EndLink()
		}),
	}

	golden, err := os.ReadFile("testdata/spans.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.SplitAfter(strings.TrimSpace(string(golden)), "\n")
	want[len(want)-1] += "\n"
	got := dumped(t, func(w *Writer) {
		for _, span := range spans {
			if err := w.Write(resource, scope, span); err != nil {
				t.Error(err)
			}
		}
	})
	if len(got) != len(want) {
		t.Fatalf("I3: %d lines, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("I2: line %d\ngot  %s\nwant %s", i+1, got[i], want[i])
		}
	}
}

// dumped returns the lines that use writes to a new dump.
func dumped(t *testing.T, use func(*Writer)) []string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "spans.json")
	w, err := Open(path, true)
	if err != nil {
		t.Fatal(err)
	}
	use(w)
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	return lines(t, path)
}

func lines(t *testing.T, path string) []string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(content) == 0 {
		return nil
	}
	return strings.SplitAfter(strings.TrimSuffix(string(content), "\n")+"\n", "\n")[:strings.Count(string(content), "\n")]
}

func TestNoSpansMakeAnEmptyFile(t *testing.T) {
	if got := dumped(t, func(*Writer) {}); len(got) != 0 {
		t.Errorf("I1: lines %q, want none", got)
	}
}

func TestEachSpanHasItsResource(t *testing.T) {
	other := otlp.NewResource([]otlp.Attribute{{Key: "service.name", Value: "other"}, {Key: "odd", Value: uint8(7)}, {Key: "nil"}}, "")
	got := dumped(t, func(w *Writer) {
		for _, r := range []*otlp.Resource{resource, other, resource} {
			w.Write(r, scope, example("x", usual))
		}
	})
	for i, want := range []string{
		`"resource": {"attributes": {"service.name": "shop", "process.pid": 42, "aws.log.group.names": ["a", "b"]}, "schema_url": "https://opentelemetry.io/schemas/1.37.0"}}`,
		`"resource": {"attributes": {"service.name": "other", "odd": "7", "nil": null}, "schema_url": ""}}`,
		`"resource": {"attributes": {"service.name": "shop"`,
	} {
		if !strings.Contains(got[i], want) {
			t.Errorf("line %d is %s, want in it %s", i, got[i], want)
		}
	}
}

func TestFileThatExists(t *testing.T) {
	for _, test := range []struct {
		name     string
		truncate bool
		want     []string
	}{
		{"I6 truncated at the start of a run", true, nil},
		{"appended to by the next process of the run", false, []string{"before\n"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "spans.json")
			if err := os.WriteFile(path, []byte("before\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			w, err := Open(path, test.truncate)
			if err != nil {
				t.Fatal(err)
			}
			w.Write(resource, scope, example("x", usual))
			w.Close()
			got := lines(t, path)
			if before := got[:len(got)-1]; fmt.Sprint(before) != fmt.Sprint(test.want) {
				t.Errorf("before the span there is %q, want %q", before, test.want)
			}
		})
	}
}

func TestNewFileIsForItsOwnerAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spans.json")
	w, err := Open(path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("mode %v, want -rw-------", got)
	}
}

func TestOpenErrors(t *testing.T) {
	directory := t.TempDir()
	fifo := filepath.Join(directory, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, path, why string
	}{
		{"A13 missing directory", filepath.Join(directory, "missing", "spans.json"), syscall.ENOENT.Error()},
		{"I5 a directory", directory, syscall.EISDIR.Error()},
		{"a pipe that nobody reads", fifo, syscall.ENXIO.Error()},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Open(test.path, true)
			want := fmt.Sprintf("cannot write the span dump to %q: %s; set LUMIGO_DEBUG_SPANDUMP to a file in a directory that exists and is writable", test.path, test.why)
			if err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}

// TestFullDisk writes to the device that is always full.
func TestFullDisk(t *testing.T) {
	w, err := Open("/dev/full", false)
	if err != nil {
		t.Skip(err)
	}
	span := example("x", usual)
	const want = `cannot write a span to the span dump "/dev/full": no space left on device; spans are missing there from now on`
	if err := w.Write(resource, scope, span); err == nil || err.Error() != want {
		t.Errorf("first span: got %v, want %s", err, want)
	}
	for range 2 {
		if err := w.Write(resource, scope, span); err != ErrMissing {
			t.Errorf("later span: got %v, want ErrMissing", err)
		}
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

// TestPipeThatNobodyEmpties sees that a line is given up in time, and that its
// remains do not spoil the next one.
func TestPipeThatNobodyEmpties(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	w, err := Open(path, true)
	if err != nil {
		t.Fatal(err)
	}
	long := example("long", func(s *otlp.Span) { usual(s); s.String("x", strings.Repeat("x", 1<<20)) })
	if err := w.Write(resource, scope, long); err == nil || !strings.Contains(err.Error(), "timeout") {
		t.Errorf("got %v, want a timeout", err)
	}
	buffer := make([]byte, 1<<20)
	torn, _ := reader.Read(buffer) // all that fitted in
	if err := w.Write(resource, scope, example("next", usual)); err != nil {
		t.Fatal(err)
	}
	next, _ := reader.Read(buffer[torn:])
	if got := string(buffer[torn:][:next]); !strings.HasPrefix(got, "\n"+`{"name": "next"`) {
		t.Errorf("after a torn line comes %q, want a line of its own", got)
	}
}

func TestDamagedSpan(t *testing.T) {
	w, err := Open(filepath.Join(t.TempDir(), "spans.json"), true)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(resource, scope, []byte{0xff}); err == nil {
		t.Error("a damaged span makes no error")
	}
	if err := w.Write(resource, scope, example("x", usual)); err != nil {
		t.Error(err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

// TestStandardStreams is I7: it runs this test again as a process whose
// standard output is a file that it writes to itself as well.
func TestStandardStreams(t *testing.T) {
	if os.Getenv("SPANDUMP_CHILD") != "" {
		fmt.Println("before")
		for _, path := range []string{"/dev/stdout", "/dev/stderr"} {
			w, err := Open(path, true)
			if err != nil {
				t.Fatal(err)
			}
			w.Write(resource, scope, example(path, usual))
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
		}
		fmt.Println("after")
		os.Exit(0)
	}
	directory := t.TempDir()
	create := func(name string) *os.File {
		f, err := os.Create(filepath.Join(directory, name))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	child := exec.Command(os.Args[0], "-test.run=^TestStandardStreams$")
	child.Env = append(os.Environ(), "SPANDUMP_CHILD=1")
	child.Stdout, child.Stderr = create("out"), create("err")
	if err := child.Run(); err != nil {
		t.Fatal(err)
	}
	out := lines(t, filepath.Join(directory, "out"))
	if len(out) != 3 || out[0] != "before\n" || !strings.HasPrefix(out[1], `{"name": "/dev/stdout"`) || out[2] != "after\n" {
		t.Errorf("standard output is %q", out)
	}
	if err := lines(t, filepath.Join(directory, "err")); len(err) != 1 || !strings.HasPrefix(err[0], `{"name": "/dev/stderr"`) {
		t.Errorf("standard error is %q", err)
	}
}

// TestWriterConcurrentSafe has several writers on one file, as several
// processes have, each used by several goroutines: no line may be torn.
func TestWriterConcurrentSafe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spans.json")
	span := example("x", func(s *otlp.Span) { usual(s); s.String("long", strings.Repeat("x", 20000)) })
	var all sync.WaitGroup
	for range 3 {
		w, err := Open(path, false)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			all.Add(1)
			go func() {
				defer all.Done()
				for range 20 {
					if err := w.Write(resource, scope, span); err != nil {
						t.Error(err)
					}
				}
			}()
		}
	}
	all.Wait()
	got := lines(t, path)
	if len(got) != 3*3*20 {
		t.Errorf("%d lines, want %d", len(got), 3*3*20)
	}
	for _, line := range got {
		if !json.Valid([]byte(line)) {
			t.Fatalf("a torn line: %.100q…", line)
		}
	}
}

// FuzzStrings has the standard library read what comes out.
func FuzzStrings(f *testing.F) {
	f.Add("plain", "a=b")
	f.Add("\x00\x7f\"\\/é😀\xff", "a=\xff,'=\"'")
	f.Fuzz(func(t *testing.T, name, state string) {
		line := appendSpan(nil, &otlp.SpanData{Name: name, TraceState: state}, []byte("{}"))
		for _, c := range line {
			if c < ' ' || c > '~' {
				t.Fatalf("%q is not printable ASCII", line)
			}
		}
		var read struct{ Name string }
		if err := json.Unmarshal(line, &read); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if want := string([]rune(name)); read.Name != want { // []rune makes invalid bytes U+FFFD
			t.Errorf("name %q reads %q", want, read.Name)
		}
	})
}

func BenchmarkWrite(b *testing.B) {
	w, err := Open(os.DevNull, false)
	if err != nil {
		b.Fatal(err)
	}
	span := example("GET /", func(s *otlp.Span) {
		usual(s)
		for i := range 8 {
			s.String("attribute.number."+string(rune('0'+i)), "a value of middling length")
		}
	})
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Write(resource, scope, span); err != nil {
			b.Fatal(err)
		}
	}
}
