package store

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

func TestATraceIsFoundAgain(t *testing.T) {
	s := open(t, Options{})
	add(t, s,
		made{trace: 1, id: 2, parent: 1, service: "stock", name: "GET /stock", kind: otlp.KindServer, start: 2, end: 8, status: otlp.StatusError, message: "gone",
			attributes: []otlp.Attribute{{Key: "http.response.status_code", Value: 404}}, event: "e"},
		made{trace: 1, id: 1, name: "POST /orders", kind: otlp.KindClient, end: 10,
			attributes: []otlp.Attribute{{Key: "server.address", Value: "stock"}, {Key: "server.port", Value: 8080}}},
		made{trace: 2, id: 1, name: "other"},
	)
	addLog(s, 1, 2, "nothing left")
	sum, spans, logs, ok := s.Trace(trID(1))
	if !ok || len(spans) != 2 || len(logs) != 1 {
		t.Fatalf("got %v, %v, %v", spans, logs, ok)
	}
	want := Summary{
		ID: trID(1), Start: beginning, End: beginning + 10*ms, Spans: 2, Errors: 1, Logs: 1,
		Services: []ServiceCount{{"shop", 1}, {"stock", 1}}, Complete: true,
		Root: Root{Service: "shop", Name: "POST /orders", Kind: otlp.KindClient},
	}
	if !reflect.DeepEqual(sum, want) || sum.Status() != StatusError {
		t.Errorf("got  %+v\nwant %+v", sum, want)
	}
	for i, want := range []Span{
		{ID: spID(1), Service: "shop", Scope: "scope of shop", Name: "POST /orders", Kind: otlp.KindClient, PeerKind: PeerExternal, Peer: "stock:8080",
			Start: beginning, End: beginning + 10*ms, Attributes: 2},
		{ID: spID(2), Parent: spID(1), Service: "stock", Scope: "scope of stock", Name: "GET /stock", Kind: otlp.KindServer, Status: otlp.StatusError, StatusMessage: "gone",
			HTTPStatus: 404, Start: beginning + 2*ms, End: beginning + 8*ms, Attributes: 1, Events: 1},
	} {
		got := spans[i]
		got.place = place{}
		if got != want {
			t.Errorf("span %d: got  %+v\nwant %+v", i, got, want)
		}
	}
	item, err := s.Read(&spans[1])
	if err != nil || item.Scope.Name() != "scope of stock" || item.Resource.Attributes()[1].Value != "host of stock" {
		t.Errorf("read: %+v, %v", item, err)
	}
	if span, err := otlp.ParseSpan(item.Bytes); err != nil || span.Events[0].Name != "e" {
		t.Errorf("read: %+v, %v", span, err)
	}
	if item, err = s.ReadLog(&logs[0]); err != nil || logs[0].Span != spID(2) || logs[0].Service != "shop" {
		t.Errorf("log: %+v, %v", logs[0], err)
	}
	if l, err := otlp.ParseLog(item.Bytes); err != nil || l.Body != "nothing left" {
		t.Errorf("log: %+v, %v", l, err)
	}
	if _, _, _, ok := s.Trace(trID(3)); ok {
		t.Error("found a trace that was never there")
	}
}

func TestItIsThereAfterARestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "traces")
	s := open(t, Options{Dir: dir})
	add(t, s, made{trace: 1, id: 1, name: "a"}, made{trace: 1, id: 2, parent: 1, service: "stock", name: "b"})
	addLog(s, 1, 2, "line")
	before, _, _, _ := s.Trace(trID(1))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for range 3 { // which takes no new file
		s = open(t, Options{Dir: dir})
		if after, _, logs, _ := s.Trace(trID(1)); !reflect.DeepEqual(after, before) || len(logs) != 1 {
			t.Errorf("got  %+v\nwant %+v", after, before)
		}
		s.Close()
	}
	s = open(t, Options{Dir: dir})
	add(t, s, made{trace: 1, id: 3, parent: 1, name: "c", start: 5})
	if got := names(s, 1); got != "shop a, stock b, shop c" {
		t.Errorf("got %q", got)
	}
	if keys := s.Keys("h", 10); !reflect.DeepEqual(keys, []string{"host.name"}) {
		t.Errorf("keys: %v", keys)
	}
	paths, size := files(t, dir)
	if c := balance(t, s); len(paths) != 1 || c.Bytes != size || !c.Persistent || c.Received != 3 {
		t.Errorf("%v of %d bytes: %+v", paths, size, c)
	}
	for path, want := range map[string]os.FileMode{dir: 0o700, paths[0]: 0o600, filepath.Join(dir, "lock"): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v, want %v", path, info.Mode(), err, want)
		}
	}
}

func TestADirectoryIsForOne(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Options{Dir: dir})
	if _, err := Open(Options{Dir: dir, MaxSize: MinSize}); !errors.Is(err, ErrInUse) {
		t.Errorf("got %v", err)
	}
	s.Close()
	open(t, Options{Dir: dir})
}

// TestATornTailIsCut cuts a segment at each of its bytes, as a power failure or a kill might, and wants what was
// whole before, and room for more.
func TestATornTailIsCut(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Options{Dir: dir})
	for n := range uint64(3) {
		add(t, s, made{trace: n + 1, id: 1, name: fmt.Sprint("span ", n)})
	}
	s.Close()
	paths, _ := files(t, dir)
	whole, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	ends := []int{} // of the frames
	for at := len(segmentHeader); at < len(whole); {
		at += frameHeader + int(whole[at]) + int(whole[at+1])<<8
		ends = append(ends, at)
	}
	if len(ends) != 4 || ends[3] != len(whole) { // a group, and the spans
		t.Fatalf("frames end at %v of %d", ends, len(whole))
	}
	for cut := range len(whole) {
		if err := os.WriteFile(paths[0], whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		warnings := 0
		s := open(t, Options{Dir: dir, Warn: func(string) { warnings++ }})
		want := int64(0)
		for _, end := range ends[1:] {
			if end <= cut {
				want++
			}
		}
		if c := balance(t, s); c.Spans != want {
			t.Errorf("cut at %d: %d spans, want %d", cut, c.Spans, want)
		}
		isWhole := cut == len(segmentHeader) || slices.Contains(ends, cut)
		if (warnings == 0) != (isWhole || cut == 0) {
			t.Errorf("cut at %d: %d warnings", cut, warnings)
		}
		add(t, s, made{trace: 9, id: 1, name: "new"})
		s.Close()
		warnings = 0
		s = open(t, Options{Dir: dir, Warn: func(string) { warnings++ }})
		if c := balance(t, s); c.Spans != want+1 || names(s, 9) != "shop new" || warnings != 0 {
			t.Errorf("cut at %d, then one more: %+v, %d warnings", cut, c, warnings)
		}
		s.Close()
		for _, path := range must(filepath.Glob(filepath.Join(dir, "*.segment"))) {
			os.Remove(path)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestDamageIsNoticed(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Options{Dir: dir})
	add(t, s, made{trace: 1, id: 1, name: "first"}, made{trace: 2, id: 1, name: "second"})
	s.Close()
	paths, _ := files(t, dir)
	whole := must(os.ReadFile(paths[0]))
	for at := range whole {
		damaged := slices.Clone(whole)
		damaged[at] ^= 0x40
		if err := os.WriteFile(paths[0], damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		var warning string
		s := open(t, Options{Dir: dir, Warn: func(text string) { warning = text }})
		if c := balance(t, s); c.Spans == 2 || !strings.Contains(warning, "bytes are cut off") {
			t.Errorf("byte %d changed: %+v, warning %q", at, c, warning)
		}
		s.Close()
	}
}

// A length that is damaged must not make it ask for gigabytes.
func TestLengthsAreNotBelieved(t *testing.T) {
	b := append([]byte(segmentHeader), 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4, frameSpan, 0, 0, 0, 0)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	end, err := readFrames(bytes.NewReader(b), func(frame) { t.Error("a frame") })
	runtime.ReadMemStats(&after)
	if end != int64(len(segmentHeader)) || err != nil || after.TotalAlloc-before.TotalAlloc > 1<<20 {
		t.Errorf("%d, %v, %d bytes", end, err, after.TotalAlloc-before.TotalAlloc)
	}
}

// TestItNeverGrowsBeyondItsCap fills a store several times over.
func TestItNeverGrowsBeyondItsCap(t *testing.T) {
	for _, where := range []string{"on disk", "in memory"} {
		t.Run(where, func(t *testing.T) {
			dir := ""
			if where == "on disk" {
				dir = t.TempDir()
			}
			s := open(t, Options{Dir: dir})
			payload := strings.Repeat("x", 100<<10)
			for n := range uint64(700) {
				if n == 300 {
					payload = strings.Repeat("y", 3<<20) // more than a segment should have
				}
				if n == 310 {
					payload = "z"
				}
				add(t, s, made{trace: n/2 + 1, id: n + 1, name: "n", start: n, attributes: []otlp.Attribute{{Key: "k", Value: payload}}})
				c := balance(t, s)
				if c.Bytes > MinSize || c.Capacity != MinSize {
					t.Fatalf("%+v", c)
				}
				if _, size := files(t, dir); dir != "" && size != c.Bytes {
					t.Fatalf("%d bytes in files, %d by its own count", size, c.Bytes)
				}
			}
			c := balance(t, s)
			if c.Evicted == 0 || c.EvictedTraces == 0 || c.Traces == 0 || c.Traces+c.EvictedTraces != 350 {
				t.Errorf("%+v", c)
			}
			if got := names(s, 350); got != "shop n, shop n" {
				t.Errorf("the newest trace: %q", got)
			}
			if got := names(s, 1); got != "" {
				t.Errorf("the oldest trace: %q", got)
			}
			if dir != "" {
				s.Close()
				s = open(t, Options{Dir: dir})
				if again := balance(t, s); again.Spans != c.Spans || again.Traces != c.Traces {
					t.Errorf("before the restart %+v, after it %+v", c, again)
				}
			}
		})
	}
}

func TestTheIndexHasACapOfItsOwn(t *testing.T) {
	for name, long := range map[string]string{"small spans": "", "long names": strings.Repeat("x", 400)} {
		t.Run(name, func(t *testing.T) {
			s := open(t, Options{Dir: t.TempDir(), MaxSize: 1 << 30})
			r, scope := otlp.NewResource(nil, ""), otlp.NewScope("", "")
			for n := uint64(0); s.Counts().Evicted < 50_000; n += 1000 {
				spans := otlp.ScopeSpans{Scope: scope}
				for i := range uint64(1000) {
					m := made{trace: n + i + 1, id: 1}
					if long != "" { // each another, so that it takes memory
						m.name = fmt.Sprint(long, n+i)
					}
					spans.Spans = append(spans.Spans, m.encoded())
				}
				s.AddSpans([]otlp.Group{{Resource: r, Scopes: []otlp.ScopeSpans{spans}}})
				if c := s.Counts(); c.Index > indexLimit+2<<20 {
					t.Fatalf("%+v", c)
				}
			}
			if c := balance(t, s); c.Bytes > c.Capacity/2 {
				t.Errorf("%+v", c)
			}
		})
	}
}

func TestWhatIsLeftOfATraceStays(t *testing.T) {
	s := open(t, Options{})
	add(t, s, made{trace: 1, id: 1, name: "early"})
	for n := uint64(0); s.Counts().Evicted == 0; n++ {
		add(t, s, made{trace: 2, id: n + 1, attributes: []otlp.Attribute{{Key: "k", Value: strings.Repeat("x", 1<<20)}}})
		if n == 5 {
			add(t, s, made{trace: 1, id: 2, parent: 1, name: "late"})
			addLog(s, 1, 2, "late")
		}
	}
	if got := names(s, 1); got != "shop late" {
		t.Errorf("got %q", got)
	}
	if sum, _, _, _ := s.Trace(trID(1)); sum.Complete || sum.Root.Name != "late" {
		t.Errorf("got %+v", sum)
	}
	add(t, s, made{trace: 1, id: 1, name: "early"}) // again, since it is gone
	if got := names(s, 1); got != "shop early, shop late" {
		t.Errorf("got %q", got)
	}
	add(t, s, made{trace: 1, id: 2, parent: 1, name: "late"}) // again, though it is there
	addLog(s, 1, 2, "late")
	if sum, _, _, _ := s.Trace(trID(1)); sum.Spans != 2 || sum.Logs != 1 {
		t.Errorf("got %+v", sum)
	}
	balance(t, s)
}

func TestWhatIsSentTwiceIsKeptOnce(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Options{Dir: dir})
	one := made{trace: 1, id: 1, name: "a"}
	add(t, s, one, one)
	add(t, s, one)
	addLog(s, 1, 1, "line")
	addLog(s, 1, 1, "line")
	addLog(s, 1, 1, "another at the same time")
	for n := range uint64(100) { // more than are looked through one by one
		add(t, s, made{trace: 2, id: n + 1, name: "b"})
	}
	_, before := files(t, dir)
	for n := range uint64(100) {
		add(t, s, made{trace: 2, id: n + 1, name: "b"})
	}
	if _, after := files(t, dir); after != before {
		t.Errorf("what was there already takes %d bytes more", after-before)
	}
	add(t, s, made{trace: 2, id: 1, name: "another of the same id"})
	c := balance(t, s)
	if c.Spans != 102 || c.Duplicates != 102 || c.Logs != 2 {
		t.Errorf("%+v", c)
	}
	s.Close()
	s = open(t, Options{Dir: dir})
	if again := balance(t, s); again.Spans != c.Spans || again.Logs != c.Logs {
		t.Errorf("after a restart: %+v", again)
	}
}

func TestWhatIsRejected(t *testing.T) {
	group := func(b []byte, resource string) []otlp.Group {
		return []otlp.Group{{
			Resource: otlp.NewResource([]otlp.Attribute{{Key: "k", Value: resource}}, ""),
			Scopes:   []otlp.ScopeSpans{{Scope: otlp.NewScope("", ""), Spans: [][]byte{b, made{trace: 7, id: 7}.encoded()}}},
		}}
	}
	var noTrace, noSpan otlp.Span
	noTrace.Context(TraceID{}, spID(1), SpanID{}, "", 0)
	noSpan.Context(trID(1), SpanID{}, SpanID{}, "", 0)
	large := made{trace: 1, id: 1, attributes: []otlp.Attribute{{Key: "k", Value: strings.Repeat("x", MaxItem)}}}.encoded()
	tests := []struct {
		name     string
		groups   []otlp.Group
		rejected int64
		reason   string
	}{
		{"no trace id", group(noTrace.Encoded(), ""), 1, "a span has no trace id"},
		{"no span id", group(noSpan.Encoded(), ""), 1, "a span has no span id"},
		{"nothing at all", group(nil, ""), 1, "a span has no trace id"},
		{"a short id", group([]byte("\x0a\x01x"), ""), 1, "a span is damaged: id of 1 bytes, want 16"},
		{"cut short", group(made{trace: 1, id: 1}.encoded()[:30], ""), 1, "a span is damaged: protobuf: message is cut short"},
		{"too large", group(large, ""), 1, fmt.Sprintf("a span of %d bytes is too large", len(large))},
		{"too many parts", group(append(made{trace: 1, id: 1}.encoded(), strings.Repeat("\x4a\x00", mostParts)...), ""), 1, "a span consists of too many parts"},
		{"a resource that is too large", group(made{trace: 1, id: 1}.encoded(), strings.Repeat("x", MaxItem)), 2, "a resource of 4194336 bytes is too large"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, Options{})
			rejected, reason := s.AddSpans(tt.groups)
			if rejected != tt.rejected || reason != tt.reason {
				t.Errorf("got %d, %q, want %d, %q", rejected, reason, tt.rejected, tt.reason)
			}
			if c := balance(t, s); c.Rejected != tt.rejected || c.Spans != 2-tt.rejected {
				t.Errorf("%+v", c)
			}
		})
	}
	t.Run("logs", func(t *testing.T) {
		s := open(t, Options{})
		if rejected, reason := s.AddLogs(group([]byte("\x4a\x01x"), "")); rejected != 1 || reason != "a log record is damaged: id of 1 bytes, want 16" {
			t.Errorf("got %d, %q", rejected, reason)
		}
		addLog(s, 0, 0, "of no trace")
		if c := s.Counts(); c.Logs != 0 {
			t.Errorf("%+v", c)
		}
	})
}

func TestTimesThatMakeNoSense(t *testing.T) {
	const latest = uint64(math.MaxInt64)
	tests := []struct {
		name       string
		start, end uint64
		wantStart  uint64
		wantEnd    uint64
	}{
		{"an end before the start", beginning + 5, beginning, beginning + 5, beginning + 5},
		{"no start", 0, beginning + 7, beginning + 7, beginning + 7},
		{"no end", beginning + 7, 0, beginning + 7, beginning + 7},
		{"beyond what counts", math.MaxUint64, math.MaxUint64, latest, latest},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, Options{})
			var span otlp.Span
			span.Context(trID(1), spID(1), SpanID{}, "", 0)
			span.Times(tt.start, tt.end)
			g := made{trace: 1, id: 2}.group()
			g.Scopes[0].Spans = [][]byte{span.Encoded()}
			s.AddSpans([]otlp.Group{g})
			sum, spans, _, ok := s.Trace(trID(1))
			if !ok || spans[0].Start != tt.wantStart || spans[0].End != tt.wantEnd || sum.Start != tt.wantStart || sum.End != tt.wantEnd {
				t.Errorf("got %+v, %+v", sum, spans)
			}
		})
	}
	t.Run("a span without times does not stretch its trace", func(t *testing.T) {
		s := open(t, Options{})
		add(t, s, made{trace: 1, id: 1, end: 3})
		var span otlp.Span
		span.Context(trID(1), spID(2), spID(1), "", 0)
		g := made{trace: 1, id: 2}.group()
		g.Scopes[0].Spans = [][]byte{span.Encoded()}
		s.AddSpans([]otlp.Group{g})
		if sum, _, _, _ := s.Trace(trID(1)); sum.Start != beginning || sum.End != beginning+3*ms || sum.Spans != 2 {
			t.Errorf("got %+v", sum)
		}
	})
}

func TestLongNamesAreCutInTheIndexAlone(t *testing.T) {
	s := open(t, Options{})
	long := strings.Repeat("é", 1000)
	add(t, s, made{trace: 1, id: 1, name: "a" + long})
	_, spans, _, _ := s.Trace(trID(1))
	if name := spans[0].Name; len(name) > mostText+3 || !strings.HasSuffix(name, "é…") {
		t.Errorf("in the index: %q", name)
	}
	if item, err := s.Read(&spans[0]); err != nil || !bytes.Contains(item.Bytes, []byte("a"+long)) {
		t.Errorf("read: %q, %v", item.Bytes, err)
	}
}

func TestEverythingIsForgotten(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Options{Dir: dir})
	add(t, s, made{trace: 1, id: 1, attributes: []otlp.Attribute{{Key: "k", Value: "v"}}})
	_, spans, _, _ := s.Trace(trID(1))
	seen, changed := s.Changes()
	s.Clear()
	<-changed
	if _, err := s.Read(&spans[0]); !errors.Is(err, ErrGone) {
		t.Errorf("reading what is forgotten: %v", err)
	}
	if c := balance(t, s); c.Spans != 0 || c.Forgotten != 1 || found(t, s, Query{}) != "" || len(s.Keys("", 9)) != 0 {
		t.Errorf("%+v", c)
	}
	add(t, s, made{trace: 2, id: 1})
	if ids := s.ChangedSince(seen); len(ids) != 1 || ids[0] != trID(2) {
		t.Errorf("changed: %v", ids)
	}
	s.Close()
	if s = open(t, Options{Dir: dir}); found(t, s, Query{}) != "2" {
		t.Errorf("after a restart: %q", found(t, s, Query{}))
	}
}

func TestChangesAreToldInTheirOrder(t *testing.T) {
	s := open(t, Options{})
	add(t, s, made{trace: 1, id: 1}, made{trace: 2, id: 1}, made{trace: 3, id: 1})
	seen, changed := s.Changes()
	if ids := s.ChangedSince(seen); len(ids) != 0 {
		t.Errorf("nothing has changed, but %v", ids)
	}
	add(t, s, made{trace: 3, id: 2}, made{trace: 1, id: 2}, made{trace: 3, id: 3}, made{trace: 4, id: 1})
	<-changed
	if ids := s.ChangedSince(seen); !reflect.DeepEqual(ids, []TraceID{trID(1), trID(3), trID(4)}) {
		t.Errorf("got %v", ids)
	}
}

// TestAFullDisk fills a file system of one megabyte.
func TestAFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("SKIP: a small file system cannot be mounted here: %v", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, 0) })
	var warnings []string
	o := Options{Dir: dir, MaxSize: 64 << 20, Warn: func(text string) { warnings = append(warnings, text) }}
	s := open(t, o)
	n := uint64(0)
	fill := func(spans uint64) {
		for end := n + spans; n < end; n++ {
			add(t, s, made{trace: n + 1, id: 1, name: "n", start: n, attributes: []otlp.Attribute{{Key: "k", Value: strings.Repeat("x", 10<<10)}}})
		}
	}
	fill(4000) // 40 MB, more than is kept in memory as well
	c := balance(t, s)
	if len(warnings) != 1 || !strings.Contains(warnings[0], "no space left on device; traces are kept in memory") || c.Problem != warnings[0] || c.Persistent {
		t.Errorf("%q, %+v", warnings, c)
	}
	if names(s, n) == "" || names(s, 1) == "" {
		t.Error("the latest trace is missing, or the first, which is on disk")
	}
	if c.Bytes > memoryLimit+1<<20 {
		t.Errorf("%+v", c)
	}

	// When there is room again, what comes next is written.
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT, "size=8m"); err != nil {
		t.Fatal(err)
	}
	fill(300)
	if c := balance(t, s); !c.Persistent || c.Problem != "" || len(warnings) != 1 {
		t.Errorf("%q, %+v", warnings, c)
	}
	s.Close()
	s = open(t, o)
	if names(s, n) == "" || names(s, 1) == "" || len(warnings) != 1 {
		t.Errorf("after a restart the latest or the first trace is missing: %q", warnings)
	}
}

func TestADirectoryThatCannotBeUsed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Options{Dir: file, MaxSize: MinSize}); err == nil {
		t.Error("no error for a file in the place of the directory")
	}
}

func TestManyAtATimeConcurrentSafe(t *testing.T) {
	s := open(t, Options{Dir: t.TempDir()})
	var group sync.WaitGroup
	for w := range uint64(4) {
		group.Go(func() {
			for n := range uint64(150) {
				add(t, s, made{trace: n + 1, id: w + 1, name: "n", attributes: []otlp.Attribute{{Key: "k", Value: strings.Repeat("x", 50<<10)}}})
				addLog(s, n+1, w+1, "line")
			}
		})
		group.Go(func() {
			m := s.Matcher(Query{Text: "yyy"})
			for range 20 {
				found(t, s, Query{Attributes: []Condition{{Key: "k", Contains: true, Value: "y"}}})
				seen, _ := s.Changes()
				for _, id := range s.ChangedSince(seen - min(seen, 10)) {
					m.Match(id)
				}
				s.Each(0, math.MaxInt64, func(spans []Span) { s.ReadSpans(spans) })
				s.Counts()
				s.Keys("", 10)
			}
		})
	}
	group.Wait()
	if c := balance(t, s); c.Received != 600 || c.Evicted == 0 {
		t.Errorf("%+v", c)
	}
}
