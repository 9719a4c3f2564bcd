package main

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"github.com/lumigo-io/opentelemetry-distro/test/pythonenv"
)

// A selection is what the command line asks for.
type selection struct {
	only, pythons, versions []string
	latest, gained          bool
}

// A job is one version to be tested on one interpreter.
type job struct {
	library     library
	version     string
	interpreter pythonenv.Interpreter
	file        versionFile
	unavailable error // why there is no version to be tested
}

func (j job) String() string {
	return strings.Join(strings.Fields(fmt.Sprintf("%s %s on %s", j.library.name, j.version, j.interpreter)), " ")
}

// among finds the job's result.
func (j job) among(results []result) (r result, ok bool) {
	n := slices.IndexFunc(results, func(r result) bool {
		return r.Library == j.library.name && r.Version == j.version && r.Python == j.interpreter.Short()
	})
	if n < 0 {
		return r, false
	}
	return results[n], true
}

// record notes the job's result in its file, unless nothing was found out.
func (j job) record(r result) error {
	if r.Outcome == "skipped" {
		return nil
	}
	return j.file.record(tested{r.Version, r.Outcome == "failed", r.Why})
}

// choose returns the libraries of these names; all when there are none.
func choose(only []string) ([]library, error) {
	if len(only) == 0 {
		return libraries, nil
	}
	var chosen []library
	for _, name := range only {
		n := slices.IndexFunc(libraries, func(l library) bool { return l.name == name })
		if n < 0 {
			return nil, fmt.Errorf("--only %q names no library; there are %s", name, strings.Join(names(), ", "))
		}
		chosen = append(chosen, libraries[n])
	}
	return chosen, nil
}

// plan lists what is to be tested.
func plan(root string, asked selection) ([]job, error) {
	chosen, err := choose(asked.only)
	if err != nil {
		return nil, err
	}
	var todo []job
	for _, l := range chosen {
		for _, python := range asked.pythons {
			i, ok := pythonenv.Find(python)
			if !ok {
				return nil, fmt.Errorf("--python %q was not found on this machine", python)
			}
			j := job{library: l, interpreter: i, file: versionFileOf(root, python, l.name)}
			known, err := j.file.read()
			if err != nil {
				return nil, err
			}
			versions := asked.versions
			if asked.latest || asked.gained {
				available, err := available(l, i)
				if err != nil {
					j.unavailable = err
					todo = append(todo, j)
					continue
				}
				if versions = available[len(available)-1:]; asked.gained && len(known) > 0 {
					versions = newer(available, known[len(known)-1].Version)
				}
			} else if len(versions) == 0 {
				for _, t := range known {
					versions = append(versions, t.Version)
				}
			}
			for _, j.version = range versions {
				todo = append(todo, j)
			}
		}
	}
	return todo, nil
}

func names() []string {
	var all []string
	for _, l := range libraries {
		all = append(all, l.name)
	}
	return all
}

// newer are those of the versions, oldest first, that come after one.
func newer(versions []string, than string) []string {
	n := slices.IndexFunc(versions, func(v string) bool { return compareVersions(v, than) > 0 })
	if n < 0 {
		return nil
	}
	return versions[n:]
}

// available asks the package index for the versions that the interpreter can install, and returns them oldest first;
// there is at least one. The error wraps pythonenv.ErrUnavailable.
func available(l library, i pythonenv.Interpreter) ([]string, error) {
	fmt.Fprintf(pythonenv.Progress, "qa: asking the package index for %s on %s\n", l.packageName(), i)
	cmd := exec.Command(i.Path, "-m", "pip", "index", "versions", "--disable-pip-version-check", l.packageName())
	cmd.Env = pythonenv.Environ()
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%w: pip finds no version of %s for %s", pythonenv.ErrUnavailable, l.packageName(), i)
	}
	versions := parseIndex(string(out))
	if len(versions) == 0 {
		return nil, fmt.Errorf("%w: pip tells no version of %s: %q", pythonenv.ErrUnavailable, l.packageName(), out)
	}
	return versions, nil
}

// parseIndex reads what pip index versions prints.
func parseIndex(text string) []string {
	_, rest, _ := strings.Cut(text, "Available versions:")
	line, _, _ := strings.Cut(rest, "\n")
	versions := list(line)
	slices.SortStableFunc(versions, compareVersions)
	return versions
}
