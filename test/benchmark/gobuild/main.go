// Command gobuild measures what weaving costs a build: plain go build and lumigo go build of the same program, a
// server with a database, take turns in one run.
//
//	go run ./test/benchmark/gobuild               about five minutes
//	go run ./test/benchmark/gobuild -clean 0      only the builds that find most of it in the cache
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
)

func main() {
	clean := flag.Int("clean", 1, "how often to build from nothing")
	rounds := flag.Int("rounds", 9, "how often to build again; medians are taken")
	flag.Parse()
	if err := run(*clean, *rounds); err != nil {
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
	cache   string
	output  string
}

func run(clean, rounds int) error {
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
		{name: "plain", command: []string{"go"}},
		{name: "woven", command: []string{lumigo, "go", "--strict"}},
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
				c, err := v.build(app)
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
		f, err := os.OpenFile(filepath.Join(app, "main.go"), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = fmt.Fprintf(f, "\nfunc %s%d() { println(%d) }\n", v.name, round, round)
		return err
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "build\tplain\twoven\tCPU plain\tCPU woven\tratio of CPU\ttarget\t")
	for _, m := range []struct {
		name    string
		times   int
		prepare func(*variant, int) error
		target  string
	}{
		{"clean", clean, empty, "≤ 1.25"},
		{"", 1, nothing, ""}, // both are in the cache from here on
		{"nothing changed", rounds, nothing, "≤ 150 ms more"},
		{"one file touched", rounds, touch, "≤ 1.3"},
	} {
		if m.times == 0 {
			continue
		}
		fmt.Fprintln(os.Stderr, "gobuild:", m.name)
		c, err := measure(m.times, m.prepare)
		if err != nil {
			return err
		}
		if m.name != "" {
			fmt.Fprintf(w, "%s\t%.2f s\t%.2f s\t%.2f s\t%.2f s\t%.2f\t%s\t\n", m.name, c[0].wall.Seconds(), c[1].wall.Seconds(),
				c[0].cpu.Seconds(), c[1].cpu.Seconds(), c[1].cpu.Seconds()/c[0].cpu.Seconds(), m.target)
		}
	}
	var sizes []float64
	for _, v := range variants {
		info, err := os.Stat(v.output)
		if err != nil {
			return err
		}
		sizes = append(sizes, float64(info.Size())/1e6)
	}
	fmt.Fprintf(w, "size of the program\t%.1f MB\t%.1f MB\t\t\t\t≤ 3 MB more\t\n", sizes[0], sizes[1])
	return w.Flush()
}

func (v *variant) build(app string) (cost, error) {
	args := append(slices.Clone(v.command), "build", "-o", v.output, ".")
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = app
	cmd.Env = append(os.Environ(), "GOCACHE="+filepath.Join(v.cache, "go"), "XDG_CACHE_HOME="+v.cache, "GOWORK=off", "GOFLAGS=-buildvcs=false")
	start := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		return cost{}, fmt.Errorf("%s build: %w\n%s", v.name, err, out)
	}
	return cost{time.Since(start), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}, nil
}
