package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/lumigo-io/opentelemetry-distro/test/pythonenv"
)

// result is one line of the table.
type result struct {
	Group    string   `json:"group"`
	Measure  string   `json:"measure"`
	Unit     string   `json:"unit"`
	Ours     float64  `json:"ours"`
	Upstream *float64 `json:"upstream,omitempty"`
	Target   string   `json:"target,omitempty"`
	Met      *bool    `json:"met,omitempty"`
}

// atMost sets the targets: an absolute one, and one over 1/share of upstream. Zero is no target.
func (r result) atMost(limit, share float64) result {
	met := true
	var words []string
	if limit > 0 {
		words = append(words, fmt.Sprintf("≤ %g %s", limit, r.Unit))
		met = met && r.Ours <= limit
	}
	if share > 0 && r.Upstream != nil {
		words = append(words, fmt.Sprintf("≤ 1/%g of upstream", share))
		met = met && r.Ours <= *r.Upstream/share
	}
	r.Target, r.Met = strings.Join(words, ", "), &met
	return r
}

// benchmarks in the order they run.
var benchmarks = []struct {
	name string
	run  func(*bench) ([]result, error)
}{
	{"startup", startup},
	{"span", span},
	{"request", requestCost},
	{"library", libraryCost},
	{"engine", engineCost},
	{"memory", memory},
	{"viewer", viewer},
}

// bench is what every benchmark needs.
type bench struct {
	python *pythonenv.Env // with upstream's packages, which the others do not import
	lumigo string
	rounds int
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == leaseArgument {
		lease()
		return
	}
	if len(os.Args) > 3 && os.Args[1] == onArgument {
		fmt.Fprintln(os.Stderr, "benchmark: error:", onCPU(os.Args[2], os.Args[3:]))
		os.Exit(1)
	}
	only := flag.String("only", "", "one of startup, span, request, library, engine, memory, viewer")
	asJSON := flag.Bool("json", false, "print JSON instead of a table")
	python := flag.String("python", "", "the `version` of the interpreter, such as 3.12; 3.11 if there is one")
	rounds := flag.Int("rounds", 7, "how often each variant is measured; medians are taken")
	flag.Parse()
	results, err := run(*only, *python, *rounds)
	pythonenv.Cleanup()
	if err == nil {
		if *asJSON {
			encoder := json.NewEncoder(os.Stdout)
			encoder.SetIndent("", "  ")
			err = encoder.Encode(results)
		} else {
			printTable(results)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchmark: error:", err)
		os.Exit(1)
	}
}

func run(only, python string, rounds int) ([]result, error) {
	if only != "" && !slices.ContainsFunc(benchmarks, func(b struct {
		name string
		run  func(*bench) ([]result, error)
	}) bool {
		return b.name == only
	}) {
		return nil, fmt.Errorf("-only %q is not one of startup, span, request, library, engine, memory, viewer", only)
	}
	if python != "" {
		os.Setenv("LUMIGO_TEST_PYTHON", python)
	}
	i, err := pythonenv.Default()
	if err != nil {
		return nil, err
	}
	b := &bench{rounds: rounds}
	if b.lumigo, err = pythonenv.Lumigo(); err != nil {
		return nil, err
	}
	if only != "viewer" { // which asks nothing of Python
		if b.python, err = pythonenv.Venv(i, pythonenv.Upstream()...); err != nil {
			return nil, err
		}
	}
	var all []result
	for _, m := range benchmarks {
		if only != "" && only != m.name {
			continue
		}
		progress("%s on %s", m.name, i)
		results, err := m.run(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		for n := range results {
			results[n].Group = m.name
		}
		all = append(all, results...)
	}
	return all, nil
}

func printTable(results []result) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "measure\tours\tupstream\tratio\ttarget\t")
	group := ""
	for _, r := range results {
		if r.Group != group {
			group = r.Group
			fmt.Fprintf(w, "%s\t\t\t\t\t\n", strings.ToUpper(group))
		}
		upstream, ratio, verdict := "–", "–", ""
		if r.Upstream != nil {
			upstream = amount(*r.Upstream, r.Unit)
			ratio = proportion(r.Ours, *r.Upstream)
		}
		if r.Met != nil {
			verdict = map[bool]string{true: "met", false: "MISSED"}[*r.Met]
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%s\t%s\n", r.Measure, amount(r.Ours, r.Unit), upstream, ratio, r.Target, verdict)
	}
	w.Flush()
}

func amount(v float64, unit string) string {
	if v >= 1000 {
		return fmt.Sprintf("%.0f %s", v, unit)
	}
	return fmt.Sprintf("%.3g %s", v, unit)
}

func proportion(ours, upstream float64) string {
	if ours <= 0 {
		return "–"
	}
	if r := upstream / ours; r >= 1 {
		return fmt.Sprintf("1/%.1f", r)
	}
	return fmt.Sprintf("%.2f", ours/upstream)
}

func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "benchmark: "+format+"\n", args...)
}
