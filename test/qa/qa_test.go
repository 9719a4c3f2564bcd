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

func root(t *testing.T) string {
	t.Helper()
	root, err := pythonenv.Root()
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// newestKnown is the newest version of a library that has passed on an interpreter; "" when there is none.
func newestKnown(t *testing.T, l library, i pythonenv.Interpreter) string {
	t.Helper()
	known, err := versionFileOf(root(t), i.Short(), l.name).read()
	if err != nil {
		t.Fatal(err)
	}
	for _, each := range slices.Backward(known) {
		if !each.Failed {
			return each.Version
		}
	}
	return ""
}

// TestNewestVersions is the quick slice of the matrix, on the oldest and the newest CPython that there are results for,
// and tries that each library's hook can be disabled.
func TestNewestVersions(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	c, err := newChecker()
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	pythons, err := testedPythons(root(t))
	if err != nil || len(pythons) == 0 {
		t.Fatalf("there are no files of versions: %v", err)
	}
	for _, python := range slices.Compact([]string{pythons[0], pythons[len(pythons)-1]}) {
		i, ok := pythonenv.Find(python)
		if !ok {
			t.Logf("SKIP: there is no CPython %s here", python)
			continue
		}
		for _, l := range libraries {
			t.Run(python+"/"+l.name, func(t *testing.T) {
				version := newestKnown(t, l, i)
				if version == "" {
					t.Skipf("SKIP: no version of %s has passed on CPython %s", l.name, python)
				}
				err := c.check(l, version, i)
				if errors.Is(err, pythonenv.ErrUnavailable) || errors.Is(err, errNoServer) {
					t.Skipf("SKIP: %v", err)
				}
				if err != nil {
					t.Fatalf("%s %s: %v", l.name, version, err)
				}
				disabled(t, c, l, version, i, l.name)
				disabled(t, c, l, version, i, l.packageName())
			})
		}
	}
}

// disabled tries that LUMIGO_DISABLE_INSTRUMENTATION leaves a library out by a name, and nothing else.
func disabled(t *testing.T, c *checker, l library, version string, i pythonenv.Interpreter, name string) {
	t.Helper()
	env, err := pythonenv.Venv(i, l.pins(version)...)
	if err != nil {
		t.Fatal(err)
	}
	server, err := c.serverOf(l, l.apps[0])
	if err != nil {
		t.Fatal(err)
	}
	_, spans, err := c.trace(server, env.Python, filepath.Join(c.testdata, l.name, l.apps[0].name+".py"), "LUMIGO_DISABLE_INSTRUMENTATION="+name)
	if err != nil {
		t.Fatal(err)
	}
	clients := 0
	for _, s := range spans {
		if l.mark != "" && s.Attributes[l.mark] != nil {
			t.Errorf("with %s disabled there is %s = %v", name, l.mark, s.Attributes[l.mark])
		}
		if s.Kind == "CLIENT" && (l.mark == "" || s.ParentID == "") {
			clients++
		}
	}
	if clients != 1 { // that of the request which has the app work
		t.Errorf("with %s disabled there are the spans\n%s", name, receiver.Tree(spans))
	}
}

func TestDocumentationIsCurrent(t *testing.T) {
	path, want, err := documentation(root(t))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what the files of versions say; `go run ./test/qa` writes it", path)
	}
}

func TestVersionFile(t *testing.T) {
	file := versionFileOf(t.TempDir(), "3.11", "redis")
	for _, each := range []tested{{Version: "5.0.10"}, {"4.6.0", true, "reason"}, {Version: "5.0.9"}, {Version: "4.6.0"}, {"6.0.0", true, "other"}} {
		if err := file.record(each); err != nil {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile(string(file))
	if want := "4.6.0\n5.0.9\n5.0.10\n!6.0.0 # other\n"; err != nil || string(content) != want {
		t.Errorf("the file holds %q, %v; want %q", content, err, want)
	}
	all, err := file.read()
	if want := []tested{{Version: "4.6.0"}, {Version: "5.0.9"}, {Version: "5.0.10"}, {"6.0.0", true, "other"}}; err != nil || !slices.Equal(all, want) {
		t.Errorf("read %v, %v; want %v", all, err, want)
	}
}

func TestDrawShowsTheAttributesThatAreExpected(t *testing.T) {
	spans := []receiver.Span{
		{TraceID: "t", SpanID: "1", Kind: "SERVER", Name: "GET", Start: 1},
		{TraceID: "t", SpanID: "2", ParentID: "1", Kind: "CLIENT", Name: "SET", Start: 2, Attributes: map[string]any{"a": "x\ny", "b": int64(2)}},
	}
	for _, row := range []struct{ expected, want string }{
		{"SERVER GET\n  CLIENT SET\n    | a = x\\ny\n", "SERVER GET\n  CLIENT SET\n    | a = x\\ny\n"},
		{"SERVER GET\n  CLIENT SET\n    | b = 3\n    | c = 1\n", "SERVER GET\n  CLIENT SET\n    | b = 2\n    | c = <nil>\n"},
		{"SERVER GET\n", "SERVER GET\n  CLIENT SET\n"},
	} {
		if got := draw(spans, row.expected); got != row.want {
			t.Errorf("beside\n%sit is drawn as\n%swant\n%s", row.expected, got, row.want)
		}
	}
}

func TestFirstDifference(t *testing.T) {
	if got, want := firstDifference("a\n b\n", "a\n c\n"), `line 2 is "c", not "b"`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := firstDifference("a\n", "a"); !strings.Contains(got, "nothing") {
		t.Errorf("got %q", got)
	}
}
