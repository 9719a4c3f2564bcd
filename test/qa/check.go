package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/test/pythonenv"
	"github.com/lumigo-io/opentelemetry-distro/test/receiver"
)

// A checker runs apps; it starts each server once.
type checker struct {
	lumigo   string
	testdata string
	servers  map[*server]*running
}

func newChecker() (*checker, error) {
	lumigo, err := pythonenv.Lumigo()
	if err != nil {
		return nil, err
	}
	root, err := pythonenv.Root()
	if err != nil {
		return nil, err
	}
	return &checker{lumigo, filepath.Join(root, "test", "qa", "testdata"), map[*server]*running{}}, nil
}

func (c *checker) close() {
	for _, r := range c.servers {
		r.stop()
	}
	pythonenv.Cleanup()
}

// errUntraced says that an app does not run as it is: that is not for us to judge.
var errUntraced = errors.New("does not run on this Python, traced or not")

// errMachine says that the machine could not do its part, as when its disk is full.
var errMachine = errors.New("an environment could not be made")

// check returns nil when a version is traced rightly. The error wraps pythonenv.ErrUnavailable when it cannot be
// installed, errNoServer when there is no server for it, and errMachine when nothing can be tried.
func (c *checker) check(l library, version string, i pythonenv.Interpreter) error {
	server, err := c.server(l)
	if err != nil {
		return err
	}
	env, err := pythonenv.Venv(i, l.pins(version)...)
	if errors.Is(err, pythonenv.ErrUnavailable) {
		return err
	} else if err != nil {
		return fmt.Errorf("%w: %v", errMachine, err)
	}
	for _, a := range l.apps {
		if a.since != "" && compareVersions(version, a.since) < 0 {
			continue
		}
		if err := c.checkApp(env, l, a, server); err != nil {
			return fmt.Errorf("%s: %w", a.name, err)
		}
	}
	return nil
}

// server is the library's server, which is started when it is first needed, or a free port where it needs none.
func (c *checker) server(l library) (*running, error) {
	if l.server == nil {
		return &running{port: freePort()}, nil
	}
	if running := c.servers[l.server]; running != nil {
		return running, nil
	}
	running, err := l.server.start()
	if err == nil {
		c.servers[l.server] = running
	}
	return running, err
}

func (c *checker) checkApp(env *pythonenv.Env, l library, a app, server *running) error {
	source := filepath.Join(c.testdata, l.name, a.name)
	plain, err := c.run(server, env.Python, source+".py")
	if err != nil {
		return fmt.Errorf("%w: %v", errUntraced, err)
	}
	traced, spans, err := c.trace(server, env.Python, source+".py")
	if err != nil {
		return err
	}
	if plain.stdout != traced.stdout {
		return fmt.Errorf("prints other than untraced: %s", firstDifference(plain.stdout, traced.stdout))
	}
	if fault := ours.FindString(traced.stderr); fault != "" {
		return errors.New(fault)
	}
	want, err := os.ReadFile(source + ".txt")
	if err != nil {
		return err
	}
	expected := strings.ReplaceAll(string(want), "{port}", strconv.Itoa(server.port))
	if got := draw(spans, expected); got != expected {
		return fmt.Errorf("has other spans: %s", firstDifference(expected, got))
	}
	return nil
}

// ours are the lines that say that something went wrong in our own code.
var ours = regexp.MustCompile(`(An exception occurred in lumigo's code|An error occurred while applying).*`)

type output struct{ stdout, stderr string }

// run runs a program to its end.
func (c *checker) run(server *running, argv ...string) (output, error) {
	return c.runWith(nil, server, argv...)
}

func (c *checker) runWith(env []string, server *running, argv ...string) (output, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	common := []string{"QA_PORT=" + strconv.Itoa(server.port), "PYTHONPATH=" + filepath.Join(c.testdata, "common")}
	cmd.Env = pythonenv.Environ(append(common, env...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, lastLine(stderr.String()))
	}
	return output{stdout.String(), stderr.String()}, err
}

// lastLine is the last line that is not the distro's.
func lastLine(stderr string) string {
	last := ""
	for line := range strings.Lines(stderr) {
		if !strings.HasPrefix(line, "#LUMIGO#") {
			last = strings.TrimSpace(line)
		}
	}
	return last
}

// trace runs a program under lumigo run, with more variables if need be, and returns its spans, too.
func (c *checker) trace(server *running, python, source string, env ...string) (output, []receiver.Span, error) {
	r, err := receiver.Listen("127.0.0.1:0")
	if err != nil {
		return output{}, nil, err
	}
	defer r.Close()
	env = append(env, "LUMIGO_TRACER_TOKEN=t_0123456789abcdef01234", "LUMIGO_ENDPOINT="+r.URL(), "LUMIGO_DEBUG=true")
	out, err := c.runWith(env, server, c.lumigo, "run", "--", python, source)
	return out, r.Spans(), err // the launcher has sent all when it ends
}

// draw is receiver.Tree with those attributes below each span that the expected text has there.
func draw(spans []receiver.Span, expected string) string {
	shown := attributesOf(expected)
	var b strings.Builder
	n := 0
	receiver.Walk(spans, func(s receiver.Span, depth int) {
		indent := strings.Repeat("  ", depth)
		fmt.Fprintf(&b, "%s%s\n", indent, s)
		if n < len(shown) {
			for _, name := range shown[n] {
				text := strings.ReplaceAll(fmt.Sprint(s.Attributes[name]), "\n", `\n`)
				fmt.Fprintf(&b, "%s  | %s = %s\n", indent, name, text)
			}
		}
		n++
	})
	return b.String()
}

// attributesOf lists the attributes' names of each span of an expected text.
func attributesOf(expected string) [][]string {
	var names [][]string
	for line := range strings.Lines(expected) {
		if attribute, ok := strings.CutPrefix(strings.TrimSpace(line), "| "); ok {
			name, _, _ := strings.Cut(attribute, " = ")
			names[len(names)-1] = append(names[len(names)-1], name)
		} else {
			names = append(names, nil)
		}
	}
	return names
}

// firstDifference shows where two texts part.
func firstDifference(want, got string) string {
	wanted, gotten := strings.Split(want, "\n"), strings.Split(got, "\n")
	for n := range max(len(wanted), len(gotten)) {
		w, g := "nothing", "nothing"
		if n < len(wanted) {
			w = strconv.Quote(strings.TrimSpace(wanted[n]))
		}
		if n < len(gotten) {
			g = strconv.Quote(strings.TrimSpace(gotten[n]))
		}
		if w != g {
			return fmt.Sprintf("line %d is %s, not %s", n+1, g, w)
		}
	}
	return "none"
}

// compareVersions orders versions by their numbers; what follows these does not count.
func compareVersions(a, b string) int { return slices.Compare(numbers(a), numbers(b)) }

func numbers(version string) []int {
	var all []int
	for part := range strings.SplitSeq(version, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			break
		}
		all = append(all, n)
	}
	return all
}
