package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/test/pythonenv"
	"github.com/lumigo-io/opentelemetry-distro/test/receiver"
	"github.com/lumigo-io/opentelemetry-distro/test/servers"
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

var oneOfEachKind = []string{"flask", "requests", "psycopg2", "redis", "pika"}

func TestMain(m *testing.M) {
	status := m.Run()
	pythonenv.Cleanup()
	os.Exit(status)
}

// TestNewestVersions is the quick slice of the matrix: each library on the oldest and the newest CPython that it has passed
// on. It also tries that each library's hook can be disabled, by either name. All of that takes some ten minutes, so that
// only one library of each kind is tried, on the newest CPython, unless LUMIGO_TEST_LIBRARIES=1 is set.
func TestNewestVersions(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	all := os.Getenv("LUMIGO_TEST_LIBRARIES") != ""
	if !all {
		t.Logf("SKIP: of %d libraries all but %d, as LUMIGO_TEST_LIBRARIES is not set", len(libraries), len(oneOfEachKind))
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
	for _, l := range libraries {
		if !all && !slices.Contains(oneOfEachKind, l.name) {
			continue
		}
		versions := map[string]string{} // by CPython
		var passed []pythonenv.Interpreter
		for _, python := range pythons {
			i, ok := pythonenv.Find(python)
			if !ok {
				continue
			}
			if version := newestKnown(t, l, i); version != "" {
				versions[python] = version
				passed = append(passed, i)
			}
		}
		if len(passed) == 0 {
			t.Logf("SKIP: no version of %s has passed on a CPython that is here", l.name)
			continue
		}
		if !all {
			passed = passed[len(passed)-1:]
		}
		for _, i := range slices.Compact([]pythonenv.Interpreter{passed[0], passed[len(passed)-1]}) {
			t.Run(l.name+"/"+i.Short(), func(t *testing.T) {
				version := versions[i.Short()]
				err := c.check(l, version, i)
				if errors.Is(err, pythonenv.ErrUnavailable) || errors.Is(err, servers.ErrNotInstalled) {
					t.Skipf("SKIP: %v", err)
				}
				if err != nil {
					t.Fatalf("%s %s: %v", l.name, version, err)
				}
				for _, name := range slices.Compact([]string{l.name, l.packageName()}) {
					disabled(t, c, l, version, i, name)
				}
			})
		}
	}
}

// disabled tries that LUMIGO_DISABLE_INSTRUMENTATION leaves a library out by a name, and nothing else: the first app must
// have the spans of the file disabled.txt, and where there is none, no client span but that of the request which has the
// app work.
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
	dir := filepath.Join(c.testdata, l.name)
	_, spans, err := c.trace(server, env.Python, filepath.Join(dir, l.apps[0].name+".py"), "LUMIGO_DISABLE_INSTRUMENTATION="+name)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join(dir, "disabled.txt"))
	if err == nil {
		// Without their parents, the order of spans that are made side by side is open.
		if got, want := sortedLines(receiver.Tree(spans)), sortedLines(string(want)); got != want {
			t.Errorf("with %s disabled, %s", name, firstDifference(want, got))
		}
		return
	}
	calls := 0
	for _, s := range spans {
		if l.mark != "" && s.Attributes[l.mark] != nil {
			t.Errorf("with %s disabled there is %s = %v", name, l.mark, s.Attributes[l.mark])
		}
		if s.Kind != "SERVER" && (l.mark == "" || s.ParentID == "") {
			calls++
		}
	}
	if calls != 1 { // that of the request which has the app work
		t.Errorf("with %s disabled there are the spans\n%s", name, receiver.Tree(spans))
	}
}

func sortedLines(text string) string {
	return strings.Join(slices.Sorted(strings.Lines(text)), "")
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
	if got, want := firstDifference("a\nb\n", "a\n  b\n"), `line 2, "b", has another indentation`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := firstDifference("a\n", "a"); !strings.Contains(got, "nothing") {
		t.Errorf("got %q", got)
	}
}

func TestIndexIsReadOldestFirst(t *testing.T) {
	text := "redis (6.4.0)\nAvailable versions: 6.4.0, 6.10.0, 5.0.8, 2.4.9.1\n  INSTALLED: 5.0.8\n"
	got := parseIndex(text)
	if want := []string{"2.4.9.1", "5.0.8", "6.4.0", "6.10.0"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for than, want := range map[string]int{"5.0.8": 2, "6.10.0": 0, "1": 4, "6.5": 1} {
		if got := newer(got, than); len(got) != want {
			t.Errorf("newer than %s are %v, want %d of them", than, got, want)
		}
	}
}

func TestPinsOfOlderVersions(t *testing.T) {
	pins := pin("flask", "waitress==3.0.2").before("2.0", "werkzeug==1.0.1", "jinja2==2.11.3").before("2.2", "werkzeug==2.0.3")
	for version, want := range map[string]string{
		"1.1.4": "flask==1.1.4 waitress==3.0.2 werkzeug==1.0.1 jinja2==2.11.3",
		"2.1.3": "flask==2.1.3 waitress==3.0.2 werkzeug==2.0.3",
		"2.2.0": "flask==2.2.0 waitress==3.0.2",
	} {
		if got := strings.Join(pins(version), " "); got != want {
			t.Errorf("%s is installed by %s, want %s", version, got, want)
		}
	}
	if got := (library{pins: pins}).packageName(); got != "flask" {
		t.Errorf("the package is %q", got)
	}
}

func TestResumeKnowsWhatHasBeenTried(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	asked := selection{pythons: []string{"3.11"}}
	open := func(asked selection, resume bool) (journal, []result) {
		j, results, err := openJournal("/repository", asked, resume)
		if err != nil {
			t.Fatal(err)
		}
		return j, results
	}
	j, results := open(asked, true)
	if len(results) != 0 {
		t.Fatalf("there are results of no run: %v", results)
	}
	tried := result{"redis", "5.0.8", "3.11", "passed", "", 1.5}
	if err := j.add(tried); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(string(j), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString(`{"library": "redis", "vers`)
	f.Close()

	if _, results = open(asked, true); !slices.Equal(results, []result{tried}) {
		t.Errorf("a resumed run knows %v", results)
	}
	python := pythonenv.Interpreter{Major: 3, Minor: 11}
	for version, want := range map[string]bool{"5.0.8": true, "5.0.9": false} {
		if _, known := (job{library: library{name: "redis"}, version: version, interpreter: python}).among(results); known != want {
			t.Errorf("that %s was tried is %v", version, known)
		}
	}
	if _, results = open(selection{pythons: []string{"3.13"}}, true); len(results) != 0 {
		t.Errorf("another selection knows %v", results)
	}
	open(asked, false)
	if _, results = open(asked, true); len(results) != 0 {
		t.Errorf("after a run that began anew there is %v", results)
	}
}

func TestProgress(t *testing.T) {
	show := func(terminal bool) string {
		var b strings.Builder
		p := &progress{to: &b, terminal: terminal, total: 2, began: time.Now()}
		p.add(result{Library: "redis", Outcome: "passed"}, true)
		p.begin("redis 6.0 on python3.11")
		p.Write([]byte("pip\n"))
		r := result{"redis", "6.0", "3.11", "failed", "why", 1}
		p.add(r, false)
		p.end([]result{{Outcome: "passed"}, r})
		return b.String()
	}
	line := "2 of 2 failed  redis 6.0 on python3.11 (1.0 s) why\n"
	end := "1 passed, 1 failed, 0 skipped in 0s\n"
	if got, want := show(false), "pip\n"+line+end; got != want {
		t.Errorf("in a file it is\n%q, want\n%q", got, want)
	}
	const clear, status = "\r\x1b[K", "2 of 2: redis 6.0 on python3.11 …"
	if got, want := show(true), clear+status+clear+"pip\n"+status+clear+line+clear+end; got != want {
		t.Errorf("on a terminal it is\n%q, want\n%q", got, want)
	}
}
