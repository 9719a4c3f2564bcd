package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/test/pythonenv"
	"github.com/lumigo-io/opentelemetry-distro/test/receiver"
	"github.com/lumigo-io/opentelemetry-distro/test/servers"
)

// A parity is a library's file parity.txt: what upstream's instrumentation is to be compared by, and why our spans differ
// from its.
type parity struct {
	version          string   // of the library
	instrumentations []string // opentelemetry-instrumentation-… of upstream's, with their versions where these are not UpstreamVersion
	packages         []string // further requirements
	env              []string // variables that upstream needs
	force            []string // instrumentations that upstream would leave out
	reasons          []*reason
}

// A reason justifies the differences that match one of its patterns, in which * stands for anything.
type reason struct {
	patterns []string
	why      string
	times    map[string]int // how often each pattern has been met
}

// parseParity reads lines `version: 1.0`, `instrumentations: …`, `packages: …`, `env: …` and `force: …`, and then, for
// each reason, lines of patterns that begin with `- ` and an indented text.
func parseParity(text string) (*parity, error) {
	p := &parity{}
	var last *reason
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n ")
		pattern, listed := strings.CutPrefix(line, "- ")
		key, value, found := strings.Cut(line, ": ")
		switch {
		case line == "":
		case listed:
			if last == nil || last.why != "" {
				last = &reason{times: map[string]int{}}
				p.reasons = append(p.reasons, last)
			}
			last.patterns = append(last.patterns, pattern)
		case strings.HasPrefix(line, "  ") && last != nil:
			last.why = strings.TrimSpace(last.why + " " + strings.TrimSpace(line))
		case found && key == "version":
			p.version = value
		case found && key == "instrumentations":
			p.instrumentations = strings.Fields(value)
		case found && key == "packages":
			p.packages = strings.Fields(value)
		case found && key == "env":
			p.env = strings.Fields(value)
		case found && key == "force":
			p.force = strings.Fields(value)
		default:
			return nil, fmt.Errorf("%q is no line of a parity.txt", line)
		}
	}
	if p.version == "" || len(p.instrumentations) == 0 {
		return nil, errors.New("the version or the instrumentations are missing")
	}
	for _, r := range p.reasons {
		if r.why == "" {
			return nil, fmt.Errorf("%q has no reason", r.patterns[0])
		}
	}
	return p, nil
}

// justify counts a difference under the reason for it; false when there is none.
func (p *parity) justify(difference string) bool {
	for _, r := range p.reasons {
		for _, pattern := range r.patterns {
			if matches(pattern, difference) {
				r.times[pattern]++
				return true
			}
		}
	}
	return false
}

func matches(pattern, text string) bool {
	quoted := strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*")
	return regexp.MustCompile("(?s)^" + quoted + "$").MatchString(text)
}

// parityPython is the CPython on which the two are compared.
const parityPython = "3.11"

// compareAll compares the libraries that have a parity.txt, and writes docs/parity.md.
func compareAll(ctx context.Context, asked selection, _ bool) (results []result, err error) {
	root, err := pythonenv.Root()
	if err != nil {
		return nil, err
	}
	chosen, err := choose(asked.only)
	if err != nil {
		return nil, err
	}
	python, ok := pythonenv.Find(parityPython)
	if !ok {
		return nil, fmt.Errorf("CPython %s, on which parity is tested, was not found on this machine", parityPython)
	}
	c, err := newChecker()
	if err != nil {
		return nil, err
	}
	defer c.close()
	chosen = slices.DeleteFunc(slices.Clone(chosen), func(l library) bool {
		_, err := os.Stat(c.parityFile(l))
		return err != nil
	})
	shown := newProgress(os.Stderr, len(chosen))
	pythonenv.Progress = shown
	defer func() { shown.end(results) }()
	for _, l := range chosen {
		shown.begin(l.name + " and upstream")
		began := time.Now()
		section, faults, err := c.parity(l, python)
		if ctx.Err() != nil {
			return results, ctx.Err()
		}
		r := result{Library: l.name, Python: python.Short(), Outcome: "passed"}
		switch {
		case untried(err):
			r.Outcome, r.Why = "skipped", err.Error()
		case err != nil:
			return results, fmt.Errorf("%s: %w", l.name, err)
		case len(faults) > 0:
			r.Outcome, r.Why = "failed", "\n  "+strings.Join(faults, "\n  ")
		default:
			if err := replaceSection(filepath.Join(root, "docs", "parity.md"), l.name, section); err != nil {
				return results, err
			}
		}
		r.Seconds = time.Since(began).Seconds()
		results = append(results, r)
		shown.add(r, false)
	}
	return results, nil
}

func (c *checker) parityFile(l library) string {
	return filepath.Join(c.testdata, l.name, "parity.txt")
}

// parity compares a library's apps under upstream and under us. It returns the section of the documentation, and the
// differences that nothing justifies or the reasons that justify nothing.
func (c *checker) parity(l library, python pythonenv.Interpreter) (section string, faults []string, err error) {
	text, err := os.ReadFile(c.parityFile(l))
	if err != nil {
		return "", nil, err
	}
	p, err := parseParity(string(text))
	if err != nil {
		return "", nil, err
	}
	env, err := pythonenv.Venv(python, slices.Concat(l.pins(p.version), pythonenv.Instrumentations(p.instrumentations...), p.packages)...)
	if err != nil {
		return "", nil, err
	}
	common := filepath.Join(c.testdata, "common")
	// Upstream looks at Django's settings before there is a directory of the script.
	path := []string{filepath.Join(common, "parity"), common, filepath.Join(c.testdata, l.name)}
	both := append([]string{"PYTHONPATH=" + strings.Join(path, string(filepath.ListSeparator))}, p.env...)
	compared := comparison{additions: map[string]bool{}}
	for _, name := range p.force {
		compared.add("upstream leaves out %s", name)
	}
	c.runs = max(c.runs, 1000) // so that no other number is taken for that of a run
	ran := false               // a program to its end under both
	for _, a := range l.apps {
		if a.since != "" && compareVersions(p.version, a.since) < 0 {
			continue
		}
		server, err := c.serverOf(l, a)
		if err != nil {
			return "", nil, err
		}
		source := filepath.Join(c.testdata, l.name, a.name+".py")
		theirs, failure := c.upstream(server, env, source, append(both, "QA_INSTRUMENT="+strings.Join(p.force, " ")))
		theirs = unnumbered(theirs, c.runs)
		if failure != nil {
			if _, err := c.runWith(both, server, env.Python, source); err != nil {
				return "", nil, fmt.Errorf("%s: %w: %v", a.name, errUntraced, err)
			}
		}
		_, ours, err := c.trace(server, env.Python, source, append(both, "LUMIGO_DISABLE_INSTRUMENTATION=http.server")...)
		if err != nil {
			return "", nil, fmt.Errorf("%s: %w", a.name, err)
		}
		if failure != nil {
			compared.add("%s.py fails under upstream: %v", a.name, failure)
			continue
		}
		ran = true
		compared.compare(forest(theirs), forest(unnumbered(ours, c.runs)))
	}
	if ran && compared.pairs == 0 {
		faults = append(faults, "no span is the same in both")
	}
	for _, difference := range compared.differences {
		if !p.justify(difference) && !slices.Contains(faults, difference) {
			faults = append(faults, difference)
		}
	}
	for _, r := range p.reasons {
		for _, pattern := range r.patterns {
			if r.times[pattern] == 0 {
				faults = append(faults, "a reason has become idle: "+pattern)
			}
		}
	}
	return p.section(compared), faults, nil
}

// unnumbered leaves the number of a run out of what an app has named by it, such as topics.
func unnumbered(spans []receiver.Span, run int) []receiver.Span {
	number := regexp.MustCompile(fmt.Sprintf(`-%d\b`, run))
	spans = slices.Clone(spans)
	for n, s := range spans {
		spans[n].Name = number.ReplaceAllString(s.Name, "")
		spans[n].Attributes = maps.Clone(s.Attributes)
		for key, value := range s.Attributes {
			if text, ok := value.(string); ok {
				spans[n].Attributes[key] = number.ReplaceAllString(text, "")
			}
		}
	}
	return spans
}

// upstream runs an app under opentelemetry-instrument and returns its spans.
func (c *checker) upstream(server *servers.Running, env *pythonenv.Env, source string, variables []string) ([]receiver.Span, error) {
	r, err := receiver.Listen("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer r.Close()
	launcher := env.Bin("opentelemetry-instrument")
	_, err = c.runWith(append(variables, "QA_LAUNCHER="+launcher,
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="+r.URL(), "OTEL_TRACES_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
		"OTEL_METRICS_EXPORTER=none", "OTEL_LOGS_EXPORTER=none", "OTEL_SEMCONV_STABILITY_OPT_IN=http,database",
	), server, launcher, env.Python, source)
	return r.Spans(), err
}

// section is what the documentation says of a library.
func (p *parity) section(c comparison) string {
	var b strings.Builder
	name, version, pinned := strings.Cut(p.instrumentations[0], "==")
	if !pinned {
		version = pythonenv.UpstreamVersion
	}
	fmt.Fprintf(&b, "Compared with opentelemetry-instrumentation-%s %s on version %s: %d spans are in both.\n\n", name, version, p.version, c.pairs)
	if len(p.reasons) > 0 {
		b.WriteString("| difference | times | why |\n|---|---|---|\n")
		for _, r := range p.reasons {
			times := 0
			for _, n := range r.times {
				times += n
			}
			fmt.Fprintf(&b, "| `%s` | %d | %s |\n", strings.ReplaceAll(strings.Join(r.patterns, "`<br>`"), "|", `\|`), times, r.why)
		}
		b.WriteString("\n")
	}
	if len(c.additions) > 0 {
		fmt.Fprintf(&b, "Our spans have besides: `%s`.\n", strings.Join(sorted(c.additions), "`, `"))
	}
	return b.String()
}

// replaceSection puts a section below its heading into a page; the sections are in the order of their names.
func replaceSection(page, name, section string) error {
	content, err := os.ReadFile(page)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parts := bytes.Split(content, []byte("\n## "))
	sections := map[string]string{}
	for _, part := range parts[1:] {
		heading, text, _ := strings.Cut(string(part), "\n")
		sections[heading] = strings.TrimSpace(text)
	}
	sections[name] = strings.TrimSpace(section)
	var b strings.Builder
	b.WriteString(strings.TrimSpace(string(parts[0])) + "\n")
	for _, heading := range sorted(sections) {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", heading, sections[heading])
	}
	return os.WriteFile(page, []byte(b.String()), 0o644)
}
