package otlp

import (
	"bytes"
	"encoding/json"
	"flag"
	"math"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestRequestJSON is the OTLP JSON to read when in doubt: testdata/request.json
// is the request below, indented.
func TestRequestJSON(t *testing.T) {
	var s, root Span
	full(&s)
	s.Double("nan", math.NaN())
	s.Double("infinite", math.Inf(-1))
	s.String("escapes", "quote\" back\\ tab\t nul\x00 line\n é \u2028 <>&")
	root.Context(traceID, spanID, [8]byte{}, "", 0)
	groups := []Group{
		{
			NewResource([]Attribute{
				{"service.name", "shop"},
				{"process.pid", 42},
				{"nothing", nil},
				{"bytes", []byte{1, 2, 255}},
				{"list", []any{"a", int64(1), 1.5, true}},
				{"names", []string{"a", "b"}},
				{"map", []Attribute{{"z", "last first"}, {"a", []any{}}}},
				{"other", [2]int{1, 2}},
			}, "https://opentelemetry.io/schemas/1.34.0"),
			[]ScopeSpans{{NewScope("flask", "3.0"), [][]byte{s.Encoded(), root.Encoded()}}, {NewScope("", ""), nil}},
		},
		{NewResource(nil, ""), nil},
	}
	var got bytes.Buffer
	if err := json.Indent(&got, AppendRequestJSON([]byte{}, groups), "", "  "); err != nil {
		t.Fatal(err)
	}
	got.WriteByte('\n')
	const golden = "testdata/request.json"
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("differs from %s (-update rewrites it):\n%s", golden, got.Bytes())
	}
}

func TestRequestsAreAppended(t *testing.T) {
	groups := []Group{{NewResource(nil, ""), []ScopeSpans{{NewScope("s", ""), nil}}}}
	if got := AppendRequest([]byte("before"), groups); !bytes.Equal(got, append([]byte("before"), AppendRequest(nil, groups)...)) {
		t.Errorf("got %q", got)
	}
	if got := AppendRequestJSON([]byte("before"), groups); !bytes.Equal(got, append([]byte("before"), AppendRequestJSON(nil, groups)...)) {
		t.Errorf("got %q", got)
	}
	if got := AppendRequest(nil, nil); len(got) != 0 {
		t.Errorf("an empty request is %q", got)
	}
}

func TestAllOfAResourceAndAScopeCanBeReadBack(t *testing.T) {
	r := NewResource([]Attribute{{"k", "v"}}, "schema")
	if got := r.Attributes(); len(got) != 1 || got[0] != (Attribute{"k", "v"}) || r.SchemaURL() != "schema" || r.Size() == 0 {
		t.Errorf("got %v, %q, %d", got, r.SchemaURL(), r.Size())
	}
	if s := NewScope("n", "v"); s.Name() != "n" || s.Version() != "v" {
		t.Errorf("got %q, %q", s.Name(), s.Version())
	}
}
