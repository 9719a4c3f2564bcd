package config

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the generated part of docs/configuration.md")

// TestDocumentation keeps docs/configuration.md true to the table.
func TestDocumentation(t *testing.T) {
	const path = "../../docs/configuration.md"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const marker = "-update -->\n"
	written, generated, found := strings.Cut(string(page), marker)
	if !found {
		t.Fatalf("%s has lost the line that ends in %q", path, marker)
	}
	want := documentation()
	if *update {
		if err := os.WriteFile(path, []byte(written+marker+want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if generated != want {
		t.Errorf("%s is out of date; run: go test ./internal/config -update", path)
	}
}

// TestEveryHookCanBeDisabled keeps the names true to the hooks of the Python
// part.
func TestEveryHookCanBeDisabled(t *testing.T) {
	hooks, err := filepath.Glob("../../python/lumigo_opentelemetry/hooks/*.py")
	if err != nil || len(hooks) == 0 {
		t.Fatal("no hooks found", err)
	}
	imports, err := os.ReadFile("../../python/lumigo_opentelemetry/_imports.py")
	if err != nil {
		t.Fatal(err)
	}
	plumbing := regexp.MustCompile(`_PLUMBING = frozenset\(\((.*)\)\)`).FindSubmatch(imports)
	if plumbing == nil {
		t.Fatal("_imports.py no longer says which hooks are not the user's to disable")
	}
	for _, hook := range hooks {
		name := strings.TrimSuffix(filepath.Base(hook), ".py")
		spared := name == "__init__" || bytes.Contains(plumbing[1], strconv.AppendQuote(nil, name))
		if _, known := Instrumentation(name); !known && !spared {
			t.Errorf("LUMIGO_DISABLE_INSTRUMENTATION does not know the hook %q", name)
		}
	}
}

// TestEveryIntegrationCanBeDisabled keeps the names true to what is woven into
// Go programs.
func TestEveryIntegrationCanBeDisabled(t *testing.T) {
	plumbing := []string{"runtime", "net/http/httputil", "net/http/internal/http2", "google.golang.org/grpc/internal/transport", "github.com/jackc/pgx/v5/stdlib"}
	found := 0
	err := fs.WalkDir(os.DirFS("../../instrumentation"), ".", func(name string, d fs.DirEntry, err error) error {
		target, isArchive := strings.CutSuffix(name, ".txtar")
		if isWeave, _ := path.Match("weave*.go.txt", d.Name()); isWeave {
			target = path.Dir(name)
		} else if !isArchive {
			return err
		}
		found++
		if _, known := Instrumentation(target); !known && !slices.Contains(plumbing, target) {
			t.Errorf("LUMIGO_DISABLE_INSTRUMENTATION does not know %q", target)
		}
		return err
	})
	if err != nil || found == 0 {
		t.Fatal("no integrations found", err)
	}
}

func documentation() string {
	var b strings.Builder
	heading := ""
	for _, v := range Variables() {
		if v.Group != heading {
			heading = v.Group
			fmt.Fprintf(&b, "\n### %s\n\n| variable | default | meaning |\n|---|---|---|\n", heading)
		}
		standard := ""
		if v.Default != "" {
			standard = "`" + v.Default + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", v.Name, standard, v.Description)
	}
	b.WriteString("\n## Names of instrumentations\n\n" +
		"For `LUMIGO_DISABLE_INSTRUMENTATION`. Case does not matter, nor do `-`, `_` and `.`; a name that is not listed costs a warning.\n\n" +
		"| name | also |\n|---|---|\n")
	for _, id := range Instrumentations() {
		var also []string
		for _, alias := range instrumentationAliases[id] {
			also = append(also, "`"+alias+"`")
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", id, strings.Join(also, ", "))
	}
	return b.String()
}
