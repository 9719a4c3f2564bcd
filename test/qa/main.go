package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/test/pythonenv"
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
	asJSON := flag.Bool("json", false, "print the results as JSON")
	flag.Parse()
	failed, err := run(list(*only), list(*pythons), list(*versions), *latest, *asJSON)
	if err != nil {
		fmt.Fprintln(os.Stderr, "qa: error:", err)
		os.Exit(2)
	}
	if failed {
		os.Exit(1)
	}
}

func list(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}

func run(only, pythons, versions []string, latest, asJSON bool) (failed bool, err error) {
	chosen := libraries
	if len(only) > 0 {
		chosen = nil
		for _, name := range only {
			n := slices.IndexFunc(libraries, func(l library) bool { return l.name == name })
			if n < 0 {
				return false, fmt.Errorf("--only %q names no library; there are %s", name, strings.Join(names(), ", "))
			}
			chosen = append(chosen, libraries[n])
		}
	}
	root, err := pythonenv.Root()
	if err != nil {
		return false, err
	}
	c, err := newChecker()
	if err != nil {
		return false, err
	}
	defer c.close()
	results := []result{}
	for _, l := range chosen {
		for _, python := range pythons {
			i, ok := pythonenv.Find(python)
			if !ok {
				return failed, fmt.Errorf("--python %q was not found on this machine", python)
			}
			file := versionFileOf(root, python, l.name)
			todo, err := candidates(l, i, file, versions, latest)
			if err != nil {
				return failed, err
			}
			for _, version := range todo {
				r, err := c.result(l, version, i, file)
				if err != nil {
					return failed, err
				}
				fmt.Fprintf(os.Stderr, "%-8s %s %s on %s (%.1f s) %s\n", r.Outcome, l.name, version, i, r.Seconds, r.Why)
				failed = failed || r.Outcome == "failed"
				results = append(results, r)
			}
		}
	}
	if asJSON {
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(results); err != nil {
			return failed, err
		}
	}
	path, text, err := documentation(root)
	if err != nil {
		return failed, err
	}
	return failed, os.WriteFile(path, []byte(text), 0o644)
}

func names() []string {
	var all []string
	for _, l := range libraries {
		all = append(all, l.name)
	}
	return all
}

// candidates are the versions to be tested.
func candidates(l library, i pythonenv.Interpreter, file versionFile, versions []string, latest bool) ([]string, error) {
	if latest {
		newest, err := newestOf(l, i)
		return []string{newest}, err
	}
	if len(versions) > 0 {
		return versions, nil
	}
	known, err := file.read()
	for _, t := range known {
		versions = append(versions, t.Version)
	}
	return versions, err
}

// newestOf asks the package index for the newest version that the interpreter can install.
func newestOf(l library, i pythonenv.Interpreter) (string, error) {
	name := l.packageName()
	cmd := exec.Command(i.Path, "-m", "pip", "index", "versions", "--disable-pip-version-check", name)
	cmd.Env = pythonenv.Environ()
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("the package index was asked in vain for %s: %w", name, err)
	}
	_, rest, _ := strings.Cut(string(out), "(")
	version, _, found := strings.Cut(rest, ")")
	if !found {
		return "", fmt.Errorf("pip tells no version of %s: %q", name, out)
	}
	return version, nil
}

// result checks a version and notes in the file what came of it, unless it could not be tried.
func (c *checker) result(l library, version string, i pythonenv.Interpreter, file versionFile) (result, error) {
	began := time.Now()
	fault := c.check(l, version, i)
	r := result{Library: l.name, Version: version, Python: i.Short(), Outcome: "passed", Seconds: time.Since(began).Seconds()}
	if fault != nil {
		r.Outcome, r.Why = "failed", strings.Join(strings.Fields(fault.Error()), " ")
	}
	if errors.Is(fault, pythonenv.ErrUnavailable) || errors.Is(fault, errNoServer) {
		r.Outcome = "skipped"
		return r, nil
	}
	return r, file.record(tested{version, fault != nil, r.Why})
}
