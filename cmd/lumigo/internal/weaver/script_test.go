package weaver_test

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/weaver"
	"github.com/rogpeppe/go-internal/goproxytest"
	"github.com/rogpeppe/go-internal/testscript"
)

// The scripts weave with a little tracer of their own, testdata/tracer, which says on standard error what it sees.
// They need no network: programs import nothing but the standard library, what the scripts bring along, and modules of
// testdata/proxy, which MODULES serves.

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"weave": weave})
}

// weave is the go command, woven: weave [--strict] [--report] [--tracer DIR] COMMAND [ARGS...]
func weave() {
	o := weaver.Options{Environ: os.Environ(), Args: os.Args[1:], Tell: func(kind, text string) {
		fmt.Fprintf(os.Stderr, "%s: %s\n", kind, text)
	}}
	tracer := os.Getenv("TRACER")
	for len(o.Args) > 0 && strings.HasPrefix(o.Args[0], "--") {
		switch o.Args[0] {
		case "--toolexec":
			fmt.Fprintln(os.Stderr, weaver.Tool(o.Args[1:]))
			os.Exit(1)
		case "--strict":
			o.Strict = true
		case "--report":
			o.Report = true
		case "--tracer":
			tracer = o.Args[1]
			o.Args = o.Args[1:]
		}
		o.Args = o.Args[1:]
	}
	self, _ := os.Executable()
	o.Tool = []string{self, "--toolexec"}
	o.Sources = os.DirFS(tracer)
	o.Dir, _ = os.Getwd()
	if len(o.Args) == 1 && o.Args[0] == "env" {
		environ, err := weaver.Environment(o)
		for _, e := range environ {
			fmt.Println(e)
		}
		if err == nil {
			os.Exit(0)
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Fprintln(os.Stderr, weaver.Run(o))
	os.Exit(1)
}

// TestScripts runs the scripts, with LUMIGO_TEST_TOOLCHAIN=go1.25.14 by that toolchain.
func TestScripts(t *testing.T) {
	toolchain := os.Getenv("LUMIGO_TEST_TOOLCHAIN")
	real := func(name string) string {
		out, err := exec.Command("go", "env", name).Output()
		if err != nil {
			t.Skipf("SKIP: there is no go command: %v", err)
		}
		return strings.TrimSpace(string(out))
	}
	cache, modules := real("GOCACHE"), real("GOMODCACHE")
	path, ownCache := os.Getenv("PATH"), ""
	if toolchain != "" {
		cmd := exec.Command("go", "env", "GOROOT")
		cmd.Env = append(os.Environ(), "GOTOOLCHAIN="+toolchain)
		root, err := cmd.Output()
		if err != nil {
			t.Skipf("SKIP: %s cannot be had: %v", toolchain, err)
		}
		path = filepath.Join(strings.TrimSpace(string(root)), "bin") + string(filepath.ListSeparator) + path
		// The standard library is compiled for the place where it is, which is in our cache for this toolchain.
		if dir, err := os.UserCacheDir(); err == nil {
			ownCache = filepath.Join(dir, "lumigo-test")
		}
	}
	tracer, err := filepath.Abs("testdata/tracer")
	if err != nil {
		t.Fatal(err)
	}
	proxy, err := goproxytest.NewServer("testdata/proxy", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/scripts",
		Setup: func(env *testscript.Env) error {
			for name, value := range map[string]string{
				"HOME": env.WorkDir + "/home", "TRACER": tracer, "GOCACHE": cache, "GOMODCACHE": modules, "GOPROXY": "off",
				"GOFLAGS": "", "GOTOOLCHAIN": "local", "GOENV": "off", "GOSUMDB": "off", "LUMIGO_SWITCH_OFF": "", "MODULES": proxy.URL, "XDG_CACHE_HOME": ownCache,
			} {
				env.Setenv(name, value)
			}
			env.Setenv("PATH", env.Getenv("PATH")[:strings.Index(env.Getenv("PATH"), string(filepath.ListSeparator))+1]+path)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			// tree DIR FILE writes a digest of each file of a tree.
			"tree": func(ts *testscript.TestScript, neg bool, args []string) {
				ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(tree(ts.MkAbs(args[0]))), 0o644))
			},
		},
		Condition: func(name string) (bool, error) {
			switch name {
			case "root":
				return os.Getuid() == 0, nil
			case "cgo":
				_, err := exec.LookPath("gcc")
				return err == nil, nil
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
	})
}

func tree(dir string) string {
	var b strings.Builder
	filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, _ := d.Info()
		fmt.Fprintf(&b, "%s %s", strings.TrimPrefix(name, dir), info.Mode())
		if info.Mode().IsRegular() {
			text, _ := os.ReadFile(name)
			fmt.Fprintf(&b, " %s %x", info.ModTime(), sha256.Sum256(text))
		}
		b.WriteByte('\n')
		return nil
	})
	return b.String()
}
