package packages

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/lumigo-io/opentelemetry-distro/test/container"
	"github.com/lumigo-io/opentelemetry-distro/test/pythonenv"
)

// There is no Docker here. What stands in for it: BuildKit's own parser reads the Dockerfile, each step is executed
// in a container of package container, and a base image is what this machine has: its Go for golang, one of its
// interpreters for python, and nothing at all for scratch. An instruction that is not known here fails the test.

// image is what a stage of a Dockerfile has come to.
type image struct {
	root    string // its own files; those of its base image are elsewhere
	base    base
	env     []string
	dir     string
	user    int
	command []string // ENTRYPOINT and CMD
}

// base is what stands in for a base image.
type base struct {
	bare   bool
	mounts []container.Mount
	env    []string
}

func baseImage(t *testing.T, name string) base {
	t.Helper()
	name, version, _ := strings.Cut(name, ":")
	switch name {
	case "scratch":
		return base{bare: true}
	case "golang":
		goroot := strings.TrimSpace(output(t, ".", nil, "go", "env", "GOROOT"))
		b := base{mounts: []container.Mount{{Source: goroot, Target: "/go/sdk"}}}
		b.env = []string{"PATH=/go/sdk/bin:/usr/bin:/bin", "GOROOT=/go/sdk", "GOTOOLCHAIN=local", "GOFLAGS=", "HOME=/tmp"}
		// What the machine has downloaded and compiled before; the tests are not about that.
		for variable, target := range map[string]string{"GOMODCACHE": "/go/pkg/mod", "GOCACHE": "/go/cache"} {
			source := strings.TrimSpace(output(t, ".", nil, "go", "env", variable))
			b.mounts = append(b.mounts, container.Mount{Source: source, Target: target, Writable: true})
			b.env = append(b.env, variable+"="+target)
		}
		for _, variable := range []string{"GOPROXY", "GOSUMDB", "GONOSUMDB"} {
			b.env = append(b.env, variable+"="+strings.TrimSpace(output(t, ".", nil, "go", "env", variable)))
		}
		return b
	case "python":
		parts := strings.SplitN(version, ".", 3)
		interpreter, ok := pythonenv.Find(parts[0] + "." + parts[1])
		if !ok {
			t.Skipf("SKIP: there is no Python %s.%s here", parts[0], parts[1])
		}
		prefix := filepath.Dir(filepath.Dir(interpreter.Path))
		b := base{env: []string{"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/tmp"}}
		// In its own place as well, where its libraries are looked for.
		b.mounts = []container.Mount{{Source: prefix, Target: prefix}, {Source: prefix, Target: "/usr/local"}}
		for _, entry := range os.Environ() { // how this machine reaches a package index
			if strings.HasPrefix(entry, "PIP_") || strings.HasPrefix(entry, "SSL_CERT") {
				b.env = append(b.env, entry)
			}
		}
		return b
	}
	t.Fatalf("nothing here stands in for the image %s", name)
	return base{}
}

// build executes the Dockerfile, whose build context is the directory, and returns its last stage.
func build(t *testing.T, context, dockerfile string) *image {
	t.Helper()
	if err := container.Unavailable(); err != nil {
		t.Skip("SKIP:", err)
	}
	content, err := os.ReadFile(filepath.Join(context, dockerfile))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parser.Parse(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	if len(parsed.Warnings) > 0 {
		t.Errorf("%s: %+v", dockerfile, parsed.Warnings)
	}
	stages, _, err := instructions.Parse(parsed.AST, linter.New(&linter.Config{Warn: func(rule, _, _, detail string, _ []parser.Range) {
		t.Errorf("%s: %s: %s", dockerfile, rule, detail)
	}}))
	if err != nil {
		t.Fatal(err)
	}
	built := map[string]*image{}
	var last *image
	for _, stage := range stages {
		last = &image{root: t.TempDir(), base: baseImage(t, stage.BaseName), dir: "/"}
		if err := os.Chmod(last.root, 0o755); err != nil {
			t.Fatal(err)
		}
		if !last.base.bare {
			must(t, os.Mkdir(last.root+"/tmp", 0o777))
		}
		last.env = slices.Clone(last.base.env)
		for _, instruction := range stage.Commands {
			last.execute(t, instruction, context, built)
		}
		built[stage.Name] = last
	}
	return last
}

func (i *image) execute(t *testing.T, instruction instructions.Command, context string, built map[string]*image) {
	t.Helper()
	switch c := instruction.(type) {
	case *instructions.WorkdirCommand:
		i.dir = path.Join("/", c.Path)
		must(t, os.MkdirAll(i.root+i.dir, 0o755))
	case *instructions.EnvCommand:
		for _, e := range c.Env {
			i.env = append(i.env, e.Key+"="+e.Value)
		}
	case *instructions.ArgCommand:
		for _, a := range c.Args {
			if a.Key != "TARGETARCH" {
				t.Fatalf("no value is known for the argument %s", a.Key)
			}
			i.env = append(i.env, "TARGETARCH="+strings.TrimSpace(output(t, ".", nil, "go", "env", "GOARCH")))
		}
	case *instructions.CopyCommand:
		i.copy(t, c, context, built)
	case *instructions.RunCommand:
		argv := c.CmdLine
		if c.PrependShell {
			argv = append([]string{"/bin/sh", "-c"}, argv...)
		}
		run := i.container(i.root, true)
		run.User = 0
		command, env := run.Command(argv...)
		cmd := exec.Command(command[0], command[1:]...)
		cmd.Env = env
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("RUN %s: %v\n%s", strings.Join(c.CmdLine, " "), err, out)
		}
	case *instructions.UserCommand:
		var group int
		if n, err := fmt.Sscanf(c.User, "%d:%d", &i.user, &group); n != 2 || i.user == 0 || group != i.user {
			t.Fatalf("USER %s is not a number that Kubernetes can see not to be root, twice: %v", c.User, err)
		}
	case *instructions.EntrypointCommand:
		if c.PrependShell {
			t.Error("ENTRYPOINT needs a shell")
		}
		i.command = c.CmdLine
	case *instructions.CmdCommand:
		if c.PrependShell {
			t.Error("CMD needs a shell")
		}
		i.command = append(i.command, c.CmdLine...)
	case *instructions.ExposeCommand:
	default:
		t.Fatalf("cannot execute %s", instruction)
	}
}

// copy puts files of the build context or of another stage where they belong.
func (i *image) copy(t *testing.T, c *instructions.CopyCommand, context string, built map[string]*image) {
	t.Helper()
	for _, source := range c.SourcePaths {
		from := filepath.Join(context, source)
		if c.From != "" {
			stage := built[c.From]
			if stage == nil {
				t.Fatalf("COPY --from=%s: there is no such stage", c.From)
			}
			from = filepath.Join(stage.root, source)
			if _, err := os.Lstat(from); err != nil && !stage.base.bare {
				from = source // of the base image
			}
		}
		target := c.DestPath
		if !path.IsAbs(target) {
			target = path.Join(i.dir, target) + strings.TrimPrefix(c.DestPath, ".")
		}
		info, err := os.Stat(from)
		if err != nil {
			t.Fatalf("COPY %s: %v", source, err)
		}
		if info.IsDir() {
			must(t, copyTree(from, i.root+target))
			continue
		}
		if existing, err := os.Stat(i.root + target); strings.HasSuffix(target, "/") || err == nil && existing.IsDir() {
			target = path.Join(target, filepath.Base(from))
		}
		must(t, os.MkdirAll(filepath.Dir(i.root+target), 0o755))
		must(t, copyFile(from, i.root+target, info.Mode()))
	}
}

// container is what the image runs in.
func (i *image) container(root string, writable bool) container.Container {
	return container.Container{Root: root, Bare: i.base.bare, Writable: writable, Mounts: i.base.mounts, User: i.user, Env: i.env, Dir: i.dir}
}

func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := to + strings.TrimPrefix(path, from)
		info, err := entry.Info()
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return os.MkdirAll(target, 0o755)
		case info.Mode()&fs.ModeSymlink != 0:
			link, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.Symlink(link, target)
		}
		return copyFile(path, target, info.Mode())
	})
}

func copyFile(from, to string, mode fs.FileMode) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.WriteFile(to, content, mode.Perm()); err != nil {
		return err
	}
	return os.Chmod(to, mode.Perm())
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
