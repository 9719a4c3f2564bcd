package weaver_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/weaver"
)

func TestLook(t *testing.T) {
	tests := []struct {
		name  string
		args  []string
		files map[string]string
		want  func(p *weaver.Preview) bool
	}{
		{"a program", []string{"build", "./..."}, map[string]string{"main.go": "package main\n\nimport _ \"container/ring\"\n\nfunc main() {}\n", "lib/lib.go": "package lib\n"},
			func(p *weaver.Preview) bool {
				return p.Builds && slices.Equal(p.Traced, []string{"example.com/app"}) && slices.Contains(p.Woven, "container/ring") &&
					slices.Contains(p.Packages, "example.com/app/lib") && p.Skipped == nil && p.Unresolved == nil && strings.HasPrefix(p.Toolchain, "go1.")
			}},
		{"one that embeds everything", []string{"build", "."}, map[string]string{"main.go": "package main\n\nimport \"embed\"\n\n//go:embed *\nvar all embed.FS\n\nfunc main() { _ = all }\n"},
			func(p *weaver.Preview) bool {
				return p.Traced == nil && len(p.Skipped) == 1 && strings.Contains(p.Skipped[0], "go:embed *")
			}},
		{"one with an import that is not there", []string{"build", "."}, map[string]string{"main.go": "package main\n\nimport _ \"example.com/app/gone\"\n\nfunc main() {}\n"},
			func(p *weaver.Preview) bool {
				return len(p.Unresolved) == 1 && strings.HasPrefix(p.Unresolved[0], "example.com/app/gone: ")
			}},
		{"no build", []string{"mod", "tidy"}, nil, func(p *weaver.Preview) bool { return !p.Builds }},
	}
	tracer, err := filepath.Abs("testdata/tracer")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir, cache := t.TempDir(), t.TempDir()
			write(t, filepath.Join(dir, "go.mod"), "module example.com/app\n\ngo 1.22\n")
			for name, text := range tt.files {
				write(t, filepath.Join(dir, name), text)
			}
			p, err := weaver.Look(context.Background(), weaver.Options{
				Args: tt.args, Dir: dir, Sources: os.DirFS(tracer), Environ: append(os.Environ(), "XDG_CACHE_HOME="+cache, "GOWORK=off", "GOFLAGS="),
			})
			if err != nil {
				t.Fatal(err)
			}
			if !tt.want(p) {
				t.Errorf("got %+v", p)
			}
			if plans, _ := filepath.Glob(filepath.Join(cache, "lumigo", "go", "plans", "*")); len(plans) > 0 {
				t.Errorf("plans were kept: %v", plans)
			}
		})
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
