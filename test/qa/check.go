package main

import (
	"bytes"
	"context"
	"encoding/hex"
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
	"github.com/lumigo-io/opentelemetry-distro/test/servers"
)

// A checker runs apps; it starts each server once.
type checker struct {
	lumigo   string
	testdata string
	servers  map[*servers.Server]*servers.Running
	runs     int // of apps
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
	return &checker{lumigo: lumigo, testdata: filepath.Join(root, "test", "qa", "testdata"), servers: map[*servers.Server]*servers.Running{}}, nil
}

func (c *checker) close() {
	for _, r := range c.servers {
		r.Stop()
	}
}

// errUntraced says that an app does not run as it is: that is not for us to judge.
var errUntraced = errors.New("does not run on this Python, traced or not")

// errMachine says that the machine could not do its part, as when its disk is full.
var errMachine = errors.New("an environment could not be made")

// check returns nil when a version is traced rightly. The error wraps pythonenv.ErrUnavailable when it cannot be
// installed, servers.ErrNotInstalled when there is no server for it, and errMachine when nothing can be tried.
func (c *checker) check(l library, version string, i pythonenv.Interpreter) error {
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
		server, err := c.serverOf(l, a)
		if err != nil {
			return err
		}
		if err := c.checkApp(env, l, a, server); err != nil {
			return fmt.Errorf("%s: %w", a.name, err)
		}
	}
	return nil
}

// serverOf is the server that an app talks to, started if need be.
func (c *checker) serverOf(l library, a app) (*servers.Running, error) {
	s := a.server
	if s == nil {
		s = l.server
	}
	if s == nil {
		return &servers.Running{Port: servers.FreePort()}, nil
	}
	if c.servers[s] == nil {
		r, err := s.Start()
		if err != nil {
			return nil, err
		}
		c.servers[s] = r
	}
	return c.servers[s], nil
}

func (c *checker) checkApp(env *pythonenv.Env, l library, a app, server *servers.Running) error {
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
	expected := strings.NewReplacer("{port}", strconv.Itoa(server.Port), "{run}", strconv.Itoa(c.runs)).Replace(string(want))
	if got := draw(spans, expected); got != expected {
		return fmt.Errorf("has other spans: %s", firstDifference(expected, got))
	}
	return nil
}

// ours are the lines that say that something went wrong in our own code.
var ours = regexp.MustCompile(`(An exception occurred in lumigo's code|An error occurred while applying).*`)

type output struct{ stdout, stderr string }

// run runs a program to its end.
func (c *checker) run(server *servers.Running, argv ...string) (output, error) {
	return c.runWith(nil, server, argv...)
}

// runWith tells the program the port of its server, and a number that no other run had.
func (c *checker) runWith(env []string, server *servers.Running, argv ...string) (output, error) {
	c.runs++
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	common := []string{"QA_PORT=" + strconv.Itoa(server.Port), "QA_RUN=" + strconv.Itoa(c.runs), "PYTHONPATH=" + filepath.Join(c.testdata, "common")}
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
func (c *checker) trace(server *servers.Running, python, source string, env ...string) (output, []receiver.Span, error) {
	r, err := receiver.Listen("127.0.0.1:0")
	if err != nil {
		return output{}, nil, err
	}
	defer r.Close()
	env = append(env, "LUMIGO_TRACER_TOKEN=t_0123456789abcdef01234", "LUMIGO_ENDPOINT="+r.URL(), "LUMIGO_DEBUG=true")
	out, err := c.runWith(env, server, c.lumigo, "run", "--", python, source)
	return out, r.Spans(), err // the launcher has sent all when it ends
}

// draw is receiver.Tree with those attributes below each span that the expected text has there; links stands for the
// names of the spans that it is linked to.
func draw(spans []receiver.Span, expected string) string {
	shown := attributesOf(expected)
	var b strings.Builder
	n := 0
	receiver.Walk(spans, func(s receiver.Span, depth int) {
		indent := strings.Repeat("  ", depth)
		fmt.Fprintf(&b, "%s%s\n", indent, s)
		if n < len(shown) {
			for _, name := range shown[n] {
				value := s.Attributes[name]
				if name == "links" {
					value = linked(s, spans)
				}
				text := strings.ReplaceAll(fmt.Sprint(value), "\n", `\n`)
				fmt.Fprintf(&b, "%s  | %s = %s\n", indent, name, text)
			}
		}
		n++
	})
	return b.String()
}

func linked(s receiver.Span, spans []receiver.Span) string {
	var names []string
	for _, link := range s.Proto.GetLinks() {
		id := hex.EncodeToString(link.SpanId)
		n := slices.IndexFunc(spans, func(other receiver.Span) bool { return other.SpanID == id })
		if n < 0 {
			names = append(names, "nothing that was sent")
		} else {
			names = append(names, spans[n].Name)
		}
	}
	return strings.Join(names, ", ")
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
		switch {
		case w != g:
			return fmt.Sprintf("line %d is %s, not %s", n+1, g, w)
		case n < min(len(wanted), len(gotten)) && wanted[n] != gotten[n]:
			return fmt.Sprintf("line %d, %s, has another indentation", n+1, g)
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
