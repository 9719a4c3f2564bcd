package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/test/pythonenv"
	"github.com/lumigo-io/opentelemetry-distro/test/receiver"
)

// TestParity compares one library with upstream as `go run ./test/qa --parity` does all.
func TestParity(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	python, ok := pythonenv.Find(parityPython)
	if !ok {
		t.Skipf("SKIP: there is no CPython %s here", parityPython)
	}
	c, err := newChecker()
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	chosen, err := choose([]string{"requests"})
	if err != nil {
		t.Fatal(err)
	}
	section, faults, err := c.parity(chosen[0], python)
	if errors.Is(err, pythonenv.ErrUnavailable) {
		t.Skipf("SKIP: %v", err)
	}
	if err != nil || len(faults) > 0 {
		t.Errorf("%v\n%s", err, strings.Join(faults, "\n"))
	}
	page, err := os.ReadFile(filepath.Join(root(t), "docs", "parity.md"))
	if err != nil || !strings.Contains(string(page), strings.TrimSpace(section)) {
		t.Errorf("docs/parity.md does not say\n%s%v", section, err)
	}
}

func TestParityFilesCanBeRead(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root(t), "test", "qa", "testdata", "*", "parity.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there are none: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parseParity(string(text)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestParityFile(t *testing.T) {
	p, err := parseParity("version: 1.0\ninstrumentations: a b\nenv: X=1 Y=2\nforce: c\n\n- CLIENT *: x is missing\n- we alone have *\n  One\n  reason.\n- other\n  Two.\n")
	if err != nil {
		t.Fatal(err)
	}
	if p.version != "1.0" || !slices.Equal(p.instrumentations, []string{"a", "b"}) || !slices.Equal(p.env, []string{"X=1", "Y=2"}) || !slices.Equal(p.force, []string{"c"}) {
		t.Errorf("it is read as %+v", p)
	}
	for difference, want := range map[string]bool{
		"CLIENT GET: x is missing": true, "we alone have CLIENT": true, "other": true,
		"SERVER GET: x is missing": false, "CLIENT GET: x is missing, which is bad": false,
	} {
		if got := p.justify(difference); got != want {
			t.Errorf("that %q is justified is %v", difference, got)
		}
	}
	if r := p.reasons[0]; r.why != "One reason." || r.times["CLIENT *: x is missing"] != 1 || r.times["we alone have *"] != 1 {
		t.Errorf("the first reason is %+v", r)
	}
	for _, text := range []string{"", "version: 1\n", "version: 1\ninstrumentations: a\n- x\n", "version: 1\ninstrumentations: a\nwhat\n"} {
		if _, err := parseParity(text); err == nil {
			t.Errorf("nothing is wrong with %q", text)
		}
	}
}

func TestCompare(t *testing.T) {
	span := func(id, parent, kind, name string, attributes map[string]any) receiver.Span {
		return receiver.Span{TraceID: "t", SpanID: id, ParentID: parent, Kind: kind, Name: name, Start: uint64(id[0]), Attributes: attributes}
	}
	type attributes = map[string]any
	server := span("a", "", "SERVER", "GET /", nil)
	for _, row := range []struct {
		name         string
		theirs, ours []receiver.Span
		want         []string
	}{
		{"the same", []receiver.Span{server, span("b", "a", "CLIENT", "GET", attributes{"x": 1, "network.peer.port": 1})},
			[]receiver.Span{server, span("b", "a", "CLIENT", "GET", attributes{"x": 1, "more": 1})}, nil},
		{"another name", []receiver.Span{span("a", "", "CLIENT", "SELECT", nil)}, []receiver.Span{span("a", "", "CLIENT", "SELECT users", nil)},
			[]string{"CLIENT SELECT: the name is SELECT users"}},
		{"another name and status", []receiver.Span{{SpanID: "a", Kind: "CLIENT", Name: "postgres", Status: "ERROR"}}, []receiver.Span{span("a", "", "CLIENT", "SELECT", nil)},
			[]string{"upstream alone has CLIENT postgres", "we alone have CLIENT SELECT"}},
		{"another kind", []receiver.Span{span("a", "", "CLIENT", "GET", nil)}, []receiver.Span{span("a", "", "SERVER", "GET", nil)},
			[]string{"upstream alone has CLIENT GET", "we alone have SERVER GET"}},
		{"another parent", []receiver.Span{server, span("b", "a", "CLIENT", "GET", nil)}, []receiver.Span{server, span("b", "", "CLIENT", "GET", nil)},
			[]string{"we alone have CLIENT GET", "upstream alone has CLIENT GET"}},
		{"one between", []receiver.Span{server, span("b", "a", "INTERNAL", "call", nil), span("c", "b", "CLIENT", "GET", nil)},
			[]receiver.Span{server, span("b", "a", "CLIENT", "GET", nil)}, []string{"upstream alone has INTERNAL call"}},
		{"attributes", []receiver.Span{span("a", "", "CLIENT", "GET", attributes{"x": 1, "y": 2})},
			[]receiver.Span{span("a", "", "CLIENT", "GET", attributes{"x": 3})}, []string{"CLIENT GET: x is 3 instead of 1", "CLIENT GET: y is missing"}},
		{"what is required", []receiver.Span{server}, []receiver.Span{span("a", "", "SERVER", "GET /", attributes{"http.request.method": "GET", "url.path": "/"})},
			[]string{"SERVER GET /: url.scheme is missing, which the conventions require"}},
		{"a name after its database", []receiver.Span{span("a", "", "CLIENT", "shop.ping", nil), span("b", "", "CLIENT", "shop.find", nil)},
			[]receiver.Span{span("b", "", "CLIENT", "find users", nil)}, []string{"upstream alone has CLIENT shop.ping", "CLIENT shop.find: the name is find users"}},
		{"other statements", []receiver.Span{span("a", "", "CLIENT", "CURSOR", attributes{"db.statement": "SELECT 1"})},
			[]receiver.Span{span("a", "", "CLIENT", "COPY", attributes{"db.query.text": "COPY a"})}, []string{"upstream alone has CLIENT CURSOR", "we alone have CLIENT COPY"}},
		{"a part of the statement", []receiver.Span{span("a", "", "CLIENT", "twice", attributes{"db.statement": "twice"})},
			[]receiver.Span{span("a", "", "CLIENT", "CALL", attributes{"db.query.text": "CALL twice", "server.address": "a"})}, []string{"CLIENT twice: the name is CALL", "CLIENT twice: db.statement is missing",
				"CLIENT twice: db.query.text is CALL twice instead of twice in db.statement"}},
		{"a former name", []receiver.Span{span("a", "", "CLIENT", "GET", attributes{"db.name": "shop", "db.system": "redis"})},
			[]receiver.Span{span("a", "", "CLIENT", "GET", attributes{"db.namespace": "shop", "db.system.name": "valkey"})},
			[]string{"CLIENT GET: db.name is missing", "CLIENT GET: db.system is missing", "CLIENT GET: db.system.name is valkey instead of redis in db.system"}},
		{"no statement", []receiver.Span{span("a", "", "CLIENT", "connect", attributes{}), span("b", "", "CLIENT", "SELECT", attributes{"db.query.text": "SELECT 1"})},
			[]receiver.Span{span("a", "", "CLIENT", "BEGIN", attributes{"db.query.text": "BEGIN"}), span("b", "", "CLIENT", "SELECT", attributes{"db.query.text": "SELECT 1"})},
			[]string{"upstream alone has CLIENT connect", "we alone have CLIENT BEGIN"}},
		{"a request", []receiver.Span{span("a", "", "CLIENT", "POST", attributes{"http.method": "POST"})},
			[]receiver.Span{span("a", "", "CLIENT", "chat", nil)}, []string{"upstream alone has CLIENT POST", "we alone have CLIENT chat"}},
		{"what is required of a message", nil, []receiver.Span{span("a", "", "CONSUMER", "shop", attributes{"messaging.system": "aws_sqs"})},
			[]string{"we alone have CONSUMER shop", "CONSUMER shop: messaging.operation.name is missing, which the conventions require"}},
		{"what is required of a model", nil, []receiver.Span{span("a", "", "CLIENT", "chat", attributes{"gen_ai.provider.name": "openai", "gen_ai.operation.name": "chat"})},
			[]string{"we alone have CLIENT chat", "CLIENT chat: gen_ai.request.model is missing, which the conventions require"}},
		{"one of many", []receiver.Span{span("a", "", "CLIENT", "GET", attributes{"url.full": "/a"}), span("b", "", "CLIENT", "GET", attributes{"url.full": "/b"})},
			[]receiver.Span{span("b", "", "CLIENT", "GET", attributes{"url.full": "/b"})}, []string{"upstream alone has CLIENT GET"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := comparison{additions: map[string]bool{}}
			c.compare(forest(row.theirs), forest(row.ours))
			if !slices.Equal(c.differences, row.want) {
				t.Errorf("the differences are\n%s\nwant\n%s", strings.Join(c.differences, "\n"), strings.Join(row.want, "\n"))
			}
			if row.name == "the same" && (c.pairs != 2 || !slices.Equal(sorted(c.additions), []string{"more"})) {
				t.Errorf("there are %d pairs, and %v besides", c.pairs, c.additions)
			}
		})
	}
}

func TestNumbersOfRunsDoNotCount(t *testing.T) {
	given := []receiver.Span{{Name: "send orders-1001-done", Attributes: map[string]any{"topic": "orders-1001", "id": "a-10010", "size": 1001}}}
	got := unnumbered(given, 1001)[0]
	if got.Name != "send orders-done" || got.Attributes["topic"] != "orders" || got.Attributes["id"] != "a-10010" || got.Attributes["size"] != 1001 {
		t.Errorf("it is %+v", got)
	}
	if given[0].Attributes["topic"] != "orders-1001" {
		t.Error("the span itself has changed")
	}
}

func TestSectionsAreReplacedInTheirOrder(t *testing.T) {
	page := filepath.Join(t.TempDir(), "parity.md")
	if err := os.WriteFile(page, []byte("# Title\n\nIntroduction.\n\n## b\n\nold\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, section := range [][2]string{{"c", "third\n"}, {"a", "first"}, {"b", "new\n\n"}} {
		if err := replaceSection(page, section[0], section[1]); err != nil {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile(page)
	if want := "# Title\n\nIntroduction.\n\n## a\n\nfirst\n\n## b\n\nnew\n\n## c\n\nthird\n"; err != nil || string(content) != want {
		t.Errorf("the page is %q, %v; want %q", content, err, want)
	}
}
