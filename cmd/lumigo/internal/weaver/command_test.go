package weaver

import (
	"slices"
	"strings"
	"testing"
)

func TestParseCommand(t *testing.T) {
	for _, test := range []struct {
		line                  string
		load, packages, after string // joined by spaces
		dir, overlay, modfile string
		covers                bool
	}{
		{line: "build"},
		{line: "build -o x -race ./...", load: "-race", packages: "./..."},
		{line: "build -tags a,b -tags=c -v a b", load: "-tags a,b -tags=c", packages: "a b"},
		{line: "build --tags x -ldflags -X=a.b=c -gcflags=all=-N .", load: "--tags x -gcflags=all=-N", packages: "."},
		{line: "build -C dir -overlay o.json -modfile=m.mod .", load: "-modfile=m.mod", packages: ".", dir: "dir", overlay: "o.json", modfile: "m.mod"},
		{line: "build -cover -coverpkg=./... .", load: "-cover -coverpkg=./...", packages: ".", covers: true},
		{line: "run . -race x.go", packages: ".", after: "-race x.go"},
		{line: "run a.go b.go c d.go", packages: "a.go b.go", after: "c d.go"},
		{line: "run -exec xprog -- ./cmd", after: "-- ./cmd"},
		{line: "run ./cmd a.go", packages: "./cmd", after: "a.go"},
		{line: "test -run X ./a ./b -v -race -timeout 3s", load: "-race", packages: "./a ./b", after: "-v -race -timeout 3s"},
		{line: "test -v ./a -args -race ./b", packages: "./a", after: "-args -race ./b"},
		{line: "test -cover ./a -custom=1 more", packages: "./a", after: "-custom=1 more", covers: true},
		{line: "mod tidy -v", after: "tidy -v"},
		{line: "env GOROOT", after: "GOROOT"},
	} {
		c := parseCommand(strings.Fields(test.line))
		join := func(list []string) string { return strings.Join(list, " ") }
		if join(c.load) != test.load || join(c.packages) != test.packages || join(c.after) != test.after {
			t.Errorf("go %s: load %q, packages %q, after %q", test.line, c.load, c.packages, c.after)
		}
		if c.dir != test.dir || c.overlay != test.overlay || c.modfile != test.modfile || c.covers != test.covers {
			t.Errorf("go %s: dir %q, overlay %q, modfile %q, covers %t", test.line, c.dir, c.overlay, c.modfile, c.covers)
		}
	}
}

func TestCommandWithOverlay(t *testing.T) {
	for line, want := range map[string]string{
		"build -o x .":               "build -o x -overlay=O -mod=readonly .",
		"build -C d -overlay=u .":    "build -C d -overlay=O -mod=readonly .",
		"run main.go x":              "run -overlay=O -mod=readonly main.go extra.go x",
		"test -v ./a -run X -args y": "test -v -overlay=O -mod=readonly ./a -run X -args y",
	} {
		var files []string
		c := parseCommand(strings.Fields(line))
		if c.namesFiles() {
			files = []string{"extra.go"}
		}
		if got := strings.Join(c.withOverlay("O", []string{"-mod=readonly"}, files), " "); got != want {
			t.Errorf("go %s: got %q, want %q", line, got, want)
		}
	}
}

func TestFields(t *testing.T) {
	for text, want := range map[string][]string{
		"":                                   nil,
		"-a  -b=c\t":                         {"-a", "-b=c"},
		`'-ldflags=-X main.a=b' "-tags=c d"`: {"-ldflags=-X main.a=b", "-tags=c d"},
		`-a='b`:                              {`-a='b`},
		`'-a`:                                {`'-a`},
	} {
		if got := fields(text); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
