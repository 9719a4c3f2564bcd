package e2e

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/test/receiver"
)

// TestAccounting: whatever happens to the engine or the backend, every span that was made is delivered once
// or dropped and counted, and the app goes on meanwhile.
func TestAccounting(t *testing.T) {
	notShort(t)
	outage := 3 * time.Second
	if full() {
		outage = time.Minute
	}
	for _, row := range []struct {
		story    string
		env      []string
		refusing bool // from the start; cutting connections later could leave in doubt what has been delivered
		// during happens once the app runs, before its storm is known to be over; after when it is over and
		// before the app ends.
		during, after func(t *testing.T, engine *process, backend *receiver.Receiver)
		lossless      bool
	}{
		{
			story: "all is well", lossless: true,
		},
		{
			story:  "the engine stands still and goes on",
			during: func(t *testing.T, engine *process, _ *receiver.Receiver) { engine.signal(syscall.SIGSTOP) },
			after:  func(t *testing.T, engine *process, _ *receiver.Receiver) { engine.signal(syscall.SIGCONT) },
		},
		{
			story: "the backend refuses connections", refusing: true,
		},
		{
			story: "the backend refuses connections for a while", refusing: true, lossless: true,
			after: func(t *testing.T, _ *process, backend *receiver.Receiver) {
				if err := backend.Refuse(false); err != nil {
					t.Fatal(err)
				}
			},
		},
		{
			story: "the backend is slow", lossless: true,
			during: func(t *testing.T, _ *process, backend *receiver.Receiver) {
				backend.Always(receiver.Answer{Delay: 300 * time.Millisecond})
			},
		},
		{
			story: "the backend answers 503 for a while", lossless: !full(), // a minute is longer than a batch is retried
			during: func(t *testing.T, _ *process, backend *receiver.Receiver) {
				recovery := time.Now().Add(outage)
				backend.Answer(func(int, *http.Request) receiver.Answer {
					if time.Now().Before(recovery) {
						return receiver.Answer{Status: 503}
					}
					return receiver.Answer{}
				})
			},
			after: func(t *testing.T, _ *process, backend *receiver.Receiver) {
				spansUntil(t, backend, "the backend to recover", func(spans []receiver.Span) bool { return len(spans) > 0 })
			},
		},
		{
			story: "the backend accepts only part of each batch",
			during: func(t *testing.T, _ *process, backend *receiver.Receiver) {
				backend.Always(receiver.Answer{Rejected: 3, Message: "three too many"})
			},
		},
		{
			story: "the backend finds fault with everything",
			during: func(t *testing.T, _ *process, backend *receiver.Receiver) {
				backend.Always(receiver.Answer{Status: 400})
			},
		},
		{
			story: "a small queue", env: []string{"OTEL_BSP_MAX_QUEUE_SIZE=100", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=50"},
			during: func(t *testing.T, _ *process, backend *receiver.Receiver) {
				backend.Always(receiver.Answer{Delay: 300 * time.Millisecond})
			},
		},
	} {
		t.Run(row.story, func(t *testing.T) {
			backend := newBackend(t)
			backend.Refuse(row.refusing)
			engine, calm := startStorm(t, backend, row.env)
			if row.during != nil {
				engine.stdout.match(t, "made ")
				row.during(t, engine, backend)
			}
			engine.stdout.match(t, "storm over")
			if row.after != nil {
				row.after(t, engine, backend)
			}
			calm()
			if e := engine.wait(); e.Code != 0 {
				t.Errorf("ended with %s", e)
			}
			a := account(t, engine.stderr.String())
			t.Log(a.line)
			if made := madeBy(t, engine.stdout.String()); a.made != made {
				t.Errorf("the engine knows of %d spans made, the app made %d", a.made, made)
			}
			if sum := a.delivered + a.elsewhere(); a.made != sum {
				t.Errorf("%d made, but delivered and dropped are %d: %s", a.made, sum, a.line)
			}
			if got := backend.Counts(); got.Spans != a.delivered || got.Duplicates != 0 {
				t.Errorf("the backend has %d spans and %d duplicates, the engine says that it delivered %d", got.Spans, got.Duplicates, a.delivered)
			}
			if row.lossless && a.delivered != a.made {
				t.Errorf("spans were lost without need: %s", a.line)
			}
			if n := a.parts["missing"]; n != 0 {
				t.Errorf("%d spans are missing", n)
			}
		})
	}
}

// TestEngineKilled: the app of a killed launcher goes on untraced and unharmed.
func TestEngineKilled(t *testing.T) {
	notShort(t)
	backend := newBackend(t)
	engine, calm := startStorm(t, backend, nil)
	engine.stdout.match(t, "made ")
	engine.signal(syscall.SIGKILL)
	engine.stdout.match(t, "storm over")
	calm()
	engine.stdout.match(t, "calm True")
	if got := engine.stdout.String(); strings.Contains(got, "child ended") {
		t.Errorf("children were harmed: %s", got)
	}
	if got := appStderr(engine.stderr.String()); got != "" {
		t.Errorf("stderr has more than our log: %q", got)
	}
	if n := backend.Counts().Duplicates; n != 0 {
		t.Errorf("%d duplicates", n)
	}
}

// startStorm starts testdata/storm.py under the launcher. calm lets it end.
func startStorm(t *testing.T, backend *receiver.Receiver, env []string) (engine *process, calm func()) {
	t.Helper()
	input, calm := pipe(t)
	engine = start(t, program{
		argv:  []string{lumigo(t), "run", "--", defaultPython(t).Path, "-W", "ignore", testdata(t, "storm.py"), "8", "400", "20", "50"},
		env:   toBackend(backend, env...),
		stdin: input,
	})
	return engine, calm
}

// madeBy adds up what the processes of a storm say.
func madeBy(t *testing.T, stdout string) int {
	t.Helper()
	sum := 0
	for _, m := range regexp.MustCompile(`(?m)^made (\d+)$`).FindAllStringSubmatch(stdout, -1) {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	return sum
}

// summary is the line that the engine says at its end: how many spans were made, and where they are.
type summary struct {
	line            string
	made, delivered int
	parts           map[string]int // "dropped", "dropped in the app", "missing", …
}

// elsewhere is how many spans are accounted for without having been delivered.
func (s summary) elsewhere() int {
	n := 0
	for _, part := range []string{"dropped", "still waiting", "dropped in the app", "missing", "unreadable", "not meant to be exported", "without a destination"} {
		n += s.parts[part]
	}
	return n
}

var summaryPattern = regexp.MustCompile(`^(\d+) spans made in \d+ process(?:es)?, (\d+) delivered`)

func account(t *testing.T, stderr string) summary {
	t.Helper()
	for _, l := range logLines(stderr) {
		var s summary
		m := summaryPattern.FindStringSubmatch(l.text)
		if m == nil {
			continue
		}
		s.made, _ = strconv.Atoi(m[1])
		s.delivered, _ = strconv.Atoi(m[2])
		s.line, s.parts = l.text, map[string]int{}
		text := regexp.MustCompile(`\([^)]*\)`).ReplaceAllString(l.text, "")
		for _, part := range strings.Split(text, ",")[2:] {
			number, what, _ := strings.Cut(strings.TrimSpace(part), " ")
			n, err := strconv.Atoi(number)
			if err != nil {
				t.Fatalf("cannot read %q in %q", part, l.text)
			}
			s.parts[strings.TrimSpace(what)] += n // each reason for dropping has its own number
		}
		return s
	}
	t.Fatalf("the engine did not say where the spans are:\n%s", clip(stderr))
	panic("unreachable")
}
