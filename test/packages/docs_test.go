package packages

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/test/pythonenv"
	"github.com/lumigo-io/opentelemetry-distro/test/servers"
)

var consoleBlock = regexp.MustCompile("(?ms)^```console\n(.*?)^```$")

// TestQuickStarts runs every command of the quick starts, in their order, in a shell in a copy of the repository, as
// a reader does who types them. Blocks of other kinds are not for typing.
func TestQuickStarts(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: the quick starts are walked through")
	}
	python, err := pythonenv.Default()
	if err != nil {
		t.Skip("SKIP:", err)
	}
	for _, page := range []string{"quickstart-python.md", "quickstart-go.md"} {
		t.Run(page, func(t *testing.T) {
			root := copyOfRepository(t, "distro")
			content, err := os.ReadFile(filepath.Join(root, "docs", page))
			must(t, err)
			script := []string{"set -e"}
			for _, block := range consoleBlock.FindAllStringSubmatch(string(content), -1) {
				for line := range strings.Lines(block[1]) {
					command, found := strings.CutPrefix(line, "$ ")
					if !found {
						t.Fatalf("not a command: %q", line)
					}
					script = append(script, strings.TrimSpace(command))
				}
			}
			if len(script) < 4 {
				t.Fatalf("only %d commands were found", len(script)-1)
			}
			// What is the reader's: a place for programs, this Python, /tmp and a port that is free.
			bin := t.TempDir()
			must(t, os.Symlink(python.Path, filepath.Join(bin, "python3")))
			text := strings.NewReplacer("/tmp/", t.TempDir()+"/", "8080", fmt.Sprint(servers.FreePort())).Replace(strings.Join(script, "\n"))
			cmd := exec.Command("bash", "-x", "-c", text)
			cmd.Dir = root
			cmd.Env = pythonenv.Environ("GOBIN="+bin, "PATH="+bin+":"+os.Getenv("PATH"))
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			t.Logf("%s", out)
			for _, said := range []string{"Loading the Lumigo OpenTelemetry distribution", `"trace_id"`} {
				if !strings.Contains(string(out), said) {
					t.Errorf("nothing said %q:\n%s", said, out)
				}
			}
		})
	}
}

var markdownLink = regexp.MustCompile(`\]\(([^)#\s]+)(#[^)\s]*)?\)`)

// TestLinksOfTheDocsLead: to files that there are, and to headings in them.
func TestLinksOfTheDocsLead(t *testing.T) {
	root := repository(t)
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	must(t, err)
	for _, page := range append(pages, filepath.Join(root, "README.md")) {
		content, err := os.ReadFile(page)
		must(t, err)
		for _, link := range markdownLink.FindAllStringSubmatch(string(content), -1) {
			if strings.Contains(link[1], "://") {
				continue
			}
			target := filepath.Join(filepath.Dir(page), link[1])
			text, err := os.ReadFile(target)
			if info, e := os.Stat(target); e != nil || err != nil && !info.IsDir() {
				t.Errorf("%s links to %s, which is not there", filepath.Base(page), link[1])
			} else if link[2] != "" && !hasHeading(string(text), link[2][1:]) {
				t.Errorf("%s links to %s%s, but there is no such heading", filepath.Base(page), link[1], link[2])
			}
		}
	}
}

func hasHeading(text, anchor string) bool {
	for line := range strings.Lines(text) {
		if heading, found := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); found && strings.HasPrefix(line, "#") {
			name := regexp.MustCompile(`[^\w\- ]`).ReplaceAllString(strings.ToLower(strings.TrimSpace(heading)), "")
			if strings.ReplaceAll(name, " ", "-") == anchor {
				return true
			}
		}
	}
	return false
}

var variableName = regexp.MustCompile(`["'` + "`" + `]((?:LUMIGO|OTEL)_[A-Z_]+[A-Z])\b`)

// TestEveryVariableIsDocumented: those that the Go and the Python part name in their code.
func TestEveryVariableIsDocumented(t *testing.T) {
	root := repository(t)
	var docs strings.Builder
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	must(t, err)
	for _, page := range pages {
		content, err := os.ReadFile(page)
		must(t, err)
		docs.Write(content)
	}
	found := 0
	for path := range strings.SplitSeq(output(t, root, nil, "git", "ls-files", "*.go", "*.py"), "\n") {
		if strings.HasPrefix(path, "test/") || strings.HasPrefix(path, "python/tests/") || strings.HasPrefix(path, "examples/") || strings.HasSuffix(path, "_test.go") || path == "" {
			continue
		}
		content, err := os.ReadFile(filepath.Join(root, path))
		must(t, err)
		for _, name := range variableName.FindAllStringSubmatch(string(content), -1) {
			found++
			if !strings.Contains(docs.String(), name[1]) {
				t.Errorf("%s reads %s, which no page of docs names", path, name[1])
			}
		}
	}
	if found < 50 {
		t.Errorf("only %d variables were found", found)
	}
}
