package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/test/pythonenv"
	"github.com/lumigo-io/opentelemetry-distro/test/servers"
)

// A result is what came of one version on one interpreter.
type result struct {
	Library string  `json:"library"`
	Version string  `json:"version"`
	Python  string  `json:"python"`
	Outcome string  `json:"outcome"` // passed, failed or skipped
	Why     string  `json:"why,omitempty"`
	Seconds float64 `json:"seconds"`
}

func main() {
	only := flag.String("only", "", "a comma list of `libraries`; all if empty")
	pythons := flag.String("python", "3.8,3.11,3.13", "a comma list of `versions` of CPython")
	versions := flag.String("versions", "", "a comma list of `versions` of the libraries; those in the files if empty")
	latest := flag.Bool("latest", false, "test the newest version that the package index has for each interpreter")
	gained := flag.Bool("new", false, "test what the package index has gained since the newest version in each file")
	resume := flag.Bool("resume", false, "go on with an interrupted run of the same command")
	parity := flag.Bool("parity", false, "compare our spans with those of upstream's instrumentations instead")
	asJSON := flag.Bool("json", false, "print the results as JSON")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	asked := selection{list(*only), list(*pythons), list(*versions), *latest, *gained}
	run := run
	if *parity {
		run = compareAll
	}
	results, err := run(ctx, asked, *resume)
	stop()
	pythonenv.Cleanup()
	if *asJSON {
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", "  ")
		err = errors.Join(err, encoder.Encode(results))
	}
	switch {
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(os.Stderr, "qa: interrupted; the same command with --resume goes on")
		os.Exit(130)
	case err != nil:
		fmt.Fprintln(os.Stderr, "qa: error:", err)
		os.Exit(2)
	case count(results)["failed"] > 0:
		os.Exit(1)
	}
}

func list(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}

func count(results []result) map[string]int {
	counts := map[string]int{}
	for _, r := range results {
		counts[r.Outcome]++
	}
	return counts
}

// run tests what is asked for and returns what is known at its end, also when that is an early one.
func run(ctx context.Context, asked selection, resume bool) ([]result, error) {
	root, err := pythonenv.Root()
	if err != nil {
		return nil, err
	}
	todo, err := plan(root, asked)
	if err != nil {
		return nil, err
	}
	journal, results, err := openJournal(root, asked, resume)
	if err != nil {
		return nil, err
	}
	c, err := newChecker()
	if err != nil {
		return nil, err
	}
	defer c.close()
	results, err = c.all(ctx, todo, journal, results)
	if err == nil {
		err = journal.remove()
	}
	path, text, fault := documentation(root)
	if fault != nil {
		return results, errors.Join(err, fault)
	}
	return results, errors.Join(err, os.WriteFile(path, []byte(text), 0o644))
}

// all does the jobs that have no results yet, and shows how far it has come.
func (c *checker) all(ctx context.Context, todo []job, journal journal, results []result) ([]result, error) {
	shown := newProgress(os.Stderr, len(todo))
	pythonenv.Progress = shown
	defer func() { shown.end(results) }()
	for _, j := range todo {
		if r, known := j.among(results); known {
			shown.add(r, known)
			continue
		}
		shown.begin(j.String())
		r, fault := c.result(j)
		if ctx.Err() != nil { // what was under way has been interrupted as well
			return results, ctx.Err()
		}
		if errors.Is(fault, errMachine) {
			return results, fault
		}
		if err := errors.Join(j.record(r), journal.add(r)); err != nil {
			return results, err
		}
		results = append(results, r)
		shown.add(r, false)
	}
	return results, nil
}

// result checks a version; the fault is what came of it, too.
func (c *checker) result(j job) (result, error) {
	began := time.Now()
	fault := j.unavailable
	if fault == nil {
		fault = c.check(j.library, j.version, j.interpreter)
	}
	r := result{j.library.name, j.version, j.interpreter.Short(), "passed", "", time.Since(began).Seconds()}
	if fault != nil {
		r.Outcome, r.Why = "failed", strings.Join(strings.Fields(fault.Error()), " ")
	}
	if untried(fault) {
		r.Outcome = "skipped"
	}
	return r, fault
}

// untried tells that a fault says nothing about us.
func untried(fault error) bool {
	return errors.Is(fault, pythonenv.ErrUnavailable) || errors.Is(fault, servers.ErrNotInstalled) || errors.Is(fault, errUntraced)
}
