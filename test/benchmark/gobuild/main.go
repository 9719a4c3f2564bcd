// Command gobuild measures what weaving costs a build: plain go build, lumigo go build, and orchestrion with aspects
// of our own (../orchestrion), of the same program, a server with a database, take turns in one run.
//
//	go run ./test/benchmark/gobuild                      about ten minutes
//	go run ./test/benchmark/gobuild -orchestrion=false   about five
//	go run ./test/benchmark/gobuild -clean 0             no clean builds but those that fill the caches
//
// Wall time depends on what else the machine does; CPU time hardly. A clean build begins with empty caches, the go
// command's and ours. Progress goes to standard error.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/test/benchmark/internal/orchestrion"
)

func main() {
	clean := flag.Int("clean", 1, "how often to build from nothing")
	rounds := flag.Int("rounds", 9, "how often to build again; medians are taken")
	withOrchestrion := flag.Bool("orchestrion", true, "measure orchestrion as well")
	flag.Parse()
	if err := run(*clean, *rounds, *withOrchestrion); err != nil {
		fmt.Fprintln(os.Stderr, "gobuild: error:", err)
		os.Exit(1)
	}
}

// cost is what a build took.
type cost struct{ wall, cpu time.Duration }

// A variant is a go command with caches of its own.
type variant struct {
	name    string
	command []string
	app     string // directory
	cache   string
	output  string
}

func run(clean, rounds int, withOrchestrion bool) error {
	dir, err := os.MkdirTemp("", "lumigo-gobuild-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	app, lumigo := filepath.Join(dir, "shop"), filepath.Join(dir, "lumigo")
	if err := os.CopyFS(app, os.DirFS("test/benchmark/gobuild/testdata/shop")); err != nil {
		return fmt.Errorf("%w; run this at the root of the repository", err)
	}
	if out, err := exec.Command("go", "build", "-o", lumigo, "./cmd/lumigo").CombinedOutput(); err != nil {
		return fmt.Errorf("cannot build lumigo: %w\n%s", err, out)
	}
	variants := []*variant{
		{name: "plain", command: []string{"go"}, app: app},
		{name: "woven", command: []string{lumigo, "go", "--strict"}, app: app},
	}
	if withOrchestrion {
		command, source, err := orchestrion.Prepare("test/benchmark/orchestrion", dir, filepath.Join(app, "main.go"))
		if err != nil {
			fmt.Fprintln(os.Stderr, "gobuild: SKIP:", err)
		} else {
			variants = append(variants, &variant{name: "orchestrion", command: []string{command, "go"}, app: source})
		}
	}
	for _, v := range variants {
		v.cache, v.output = filepath.Join(dir, v.name+"-cache"), filepath.Join(dir, v.name)
	}
	measure := func(times int, prepare func(v *variant, round int) error) ([]cost, error) {
		all := make([][]cost, len(variants))
		for round := range times {
			for n, v := range variants {
				if err := prepare(v, round); err != nil {
					return nil, err
				}
				c, err := v.build()
				if err != nil {
					return nil, err
				}
				fmt.Fprintf(os.Stderr, "gobuild:   %s: %.2f s, CPU %.2f s\n", v.name, c.wall.Seconds(), c.cpu.Seconds())
				all[n] = append(all[n], c)
			}
		}
		medians := make([]cost, len(variants))
		for n, costs := range all {
			slices.SortFunc(costs, func(a, b cost) int { return int(a.cpu - b.cpu) })
			medians[n].cpu = costs[len(costs)/2].cpu
			slices.SortFunc(costs, func(a, b cost) int { return int(a.wall - b.wall) })
			medians[n].wall = costs[len(costs)/2].wall
		}
		return medians, nil
	}
	nothing := func(*variant, int) error { return nil }
	empty := func(v *variant, _ int) error { return os.RemoveAll(v.cache) }
	touch := func(v *variant, round int) error {
		f, err := os.OpenFile(filepath.Join(v.app, "main.go"), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = fmt.Fprintf(f, "\nfunc %s%d() { println(%d) }\n", v.name, round, round)
		return err
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "build\t")
	for _, v := range variants {
		fmt.Fprintf(w, "%s\tCPU\t", v.name)
		if v != variants[0] {
			fmt.Fprint(w, "of plain\t")
		}
	}
	fmt.Fprintln(w, "target of woven\t")
	for _, m := range []struct {
		name    string
		times   int
		prepare func(*variant, int) error
		target  string
	}{
		{"clean", clean, empty, "≤ 1.25 of plain's CPU"},
		{"", 1, nothing, ""}, // all are in the cache from here on
		{"nothing changed", rounds, nothing, "≤ 150 ms more"},
		{"one file touched", rounds, touch, "≤ 1.3 of plain's CPU"},
	} {
		if m.times == 0 {
			continue
		}
		fmt.Fprintln(os.Stderr, "gobuild:", m.name)
		costs, err := measure(m.times, m.prepare)
		if err != nil {
			return err
		}
		if m.name == "" {
			continue
		}
		fmt.Fprintf(w, "%s\t", m.name)
		for n, c := range costs {
			fmt.Fprintf(w, "%.2f s\t%.2f s\t", c.wall.Seconds(), c.cpu.Seconds())
			if n > 0 {
				fmt.Fprintf(w, "%.2f\t", c.cpu.Seconds()/costs[0].cpu.Seconds())
			}
		}
		fmt.Fprintf(w, "%s\t\n", m.target)
	}
	fmt.Fprint(w, "size of the program\t")
	for n, v := range variants {
		info, err := os.Stat(v.output)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%.1f MB\t\t", float64(info.Size())/1e6)
		if n > 0 {
			fmt.Fprint(w, "\t")
		}
	}
	fmt.Fprintln(w, "≤ 3 MB more\t")
	return w.Flush()
}

func (v *variant) build() (cost, error) {
	args := append(slices.Clone(v.command), "build", "-o", v.output, ".")
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = v.app
	cmd.Env = append(os.Environ(), "GOCACHE="+filepath.Join(v.cache, "go"), "XDG_CACHE_HOME="+v.cache, "GOWORK=off", "GOFLAGS=-buildvcs=false")
	start := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		return cost{}, fmt.Errorf("%s build: %w\n%s", v.name, err, out)
	}
	return cost{time.Since(start), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}, nil
}
