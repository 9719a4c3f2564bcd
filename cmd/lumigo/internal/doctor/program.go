package doctor

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// A kind of program is what decides how it would be traced.
type kind int

const (
	unknown    kind = iota // it cannot be told from outside
	foreign                // neither Python nor Go
	python                 // an interpreter
	goCommand              // go, or lumigo go
	goProgram              // built by it
	notStarted             // there is no such command, or it cannot be run
)

// A program is what a command comes down to, once everything is taken away that only leads to it.
type program struct {
	kind    kind
	path    string           // of its file; of an embedded interpreter, the one that stands beside it
	flags   []string         // of an interpreter
	args    []string         // what follows them, without the program itself
	environ environment      // what it gets, as far as it can be told, without what tracing adds
	dir     string           // where it starts
	build   *debug.BuildInfo // of a program written in Go

	route    []string // what leads to it, in words
	tracers  []string // commands of other tracers among that
	viewed   bool     // by the viewer of lumigo run --view
	shebang  string   // the script whose first line has the flags; "" if the command has them
	clears   string   // what of that gives it an environment without ours; "" for nothing
	replaces string   // what of that gives it another PYTHONPATH; "" for nothing
	why      string   // of a program that is unknown, foreign or notStarted
	remedy   string   // the same; may be empty
}

// environment has the variables of a process that is about to start.
type environment map[string]string

// newEnvironment takes the first of several entries for a name, as CPython does.
func newEnvironment(entries []string) environment {
	e := environment{}
	for _, entry := range entries {
		name, value, _ := strings.Cut(entry, "=")
		if _, known := e[name]; !known {
			e[name] = value
		}
	}
	return e
}

func (e environment) entries() []string {
	var entries []string
	for _, name := range slices.Sorted(maps.Keys(e)) {
		entries = append(entries, name+"="+e[name])
	}
	return entries
}

// injected stands for the directory that "lumigo run" puts in front of PYTHONPATH. Whether it is still there when
// an interpreter starts tells whether that would be traced.
const injected = "/injected-by-lumigo-run"

// deepest bounds how many commands lead from one to the next.
const deepest = 16

// resolve finds out what a command runs, by reading the files on the way. It starts none of them, but asks version
// managers (pyenv and the like) what they would choose.
func resolve(ctx context.Context, command, environ []string, dir string) *program {
	p := &program{args: command, environ: newEnvironment(environ), dir: dir}
	users, given := p.environ["PYTHONPATH"]
	p.environ["PYTHONPATH"] = injected
	if given && users != "" {
		p.environ["PYTHONPATH"] += ":" + users
	}
	p.follow(ctx, 0)
	p.environ["PYTHONPATH"] = withoutInjected(p.environ["PYTHONPATH"])
	return p
}

// withoutInjected is a PYTHONPATH as the user knows it.
func withoutInjected(path string) string {
	entries := slices.DeleteFunc(filepath.SplitList(path), func(entry string) bool { return entry == injected })
	return strings.Join(entries, ":")
}

// set is what the command itself does to the environment of what it runs.
func (p *program) set(name, value, by string) {
	p.environ[name] = value
	if name != "PYTHONPATH" {
		return
	}
	p.replaces = ""
	if !slices.Contains(filepath.SplitList(value), injected) {
		p.replaces = by
	}
}

func (p *program) unset(name, by string) {
	p.set(name, "", by)
	delete(p.environ, name)
}

func (p *program) clone() *program {
	c := *p
	c.environ = maps.Clone(p.environ)
	c.route, c.tracers = slices.Clone(p.route), slices.Clone(p.tracers)
	return &c
}

func (p *program) end(k kind, why, remedy string) { p.kind, p.why, p.remedy = k, why, remedy }

var interpreterName = regexp.MustCompile(`^(python|pypy)[0-9.]*[dt]?$`)

// follow takes away one command after the other, until args is what the program gets.
func (p *program) follow(ctx context.Context, depth int) {
	for ; depth < deepest; depth++ {
		if len(p.args) == 0 {
			p.end(unknown, "the command runs nothing", "")
			return
		}
		name := p.args[0]
		file, err := p.lookPath(name)
		if err != nil {
			p.end(notStarted, err.Error(), p.meant(name))
			return
		}
		switch base := filepath.Base(name); {
		case interpreterName.MatchString(base):
			p.kind, p.path = python, file
			p.flags, p.args = splitInterpreter(p.args[1:])
			return
		case base == "go":
			p.kind, p.path, p.args = goCommand, file, p.args[1:]
			return
		case base == "lumigo" && len(p.args) > 1 && p.args[1] == "go":
			p.kind, p.path, p.args = goCommand, file, p.args[2:]
			return
		case base == "env":
			p.throughEnv()
		case slices.Contains(shells, base):
			p.throughShell(ctx, depth)
			return
		case slices.Contains(managers, base) && len(p.args) > 2 && p.args[1] == "exec":
			p.args = slices.Concat([]string{p.choice(ctx, file, p.args[2])}, p.args[3:])
		case runners[base] != "":
			p.end(unknown, base+" runs it "+runners[base], fmt.Sprintf("examine it from there: %s", p.inside()))
			return
		case base == "lumigo" && len(p.args) > 1 && p.args[1] == "run":
			p.viewed = slices.ContainsFunc(p.args[2:], isViewFlag)
			p.args = wrapper{long: []string{"flush-timeout"}}.command(p.args[2:])
			p.route = append(p.route, "lumigo run")
		default:
			w, found := wrappers[base]
			if !found {
				if p.throughFile(ctx, file, depth) {
					return
				}
				continue
			}
			if w.tracer {
				p.tracers = append(p.tracers, base)
			}
			if w.resets {
				p.clears = base
			}
			p.args = w.command(p.args[1:])
			p.route = append(p.route, base)
		}
	}
	p.end(unknown, "each command runs another, and there is no end to it", "")
}

func isViewFlag(arg string) bool {
	name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
	return strings.HasPrefix(arg, "-") && (name == "view" || name == "open")
}

// lookPath finds the file of a command as a shell does.
func (p *program) lookPath(name string) (string, error) {
	if strings.ContainsRune(name, filepath.Separator) {
		file := p.absolute(name)
		if err := executable(file); err != nil {
			if target, e := os.Readlink(file); e == nil && errors.Is(err, fs.ErrNotExist) {
				return "", fmt.Errorf("%s is a link to %s, which is gone", name, target)
			}
			return "", fmt.Errorf("%s: %w", name, err)
		}
		return file, nil
	}
	for _, dir := range filepath.SplitList(p.environ["PATH"]) {
		if file := filepath.Join(p.absolute(dir), name); executable(file) == nil {
			return file, nil
		}
	}
	return "", fmt.Errorf("there is no command %q on PATH", name)
}

func executable(file string) error {
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fs.ErrNotExist
	case err != nil:
		return err
	case info.IsDir():
		return errors.New("it is a directory")
	case unix.Access(file, unix.X_OK) != nil:
		return errors.New("it is not executable")
	}
	return nil
}

func (p *program) absolute(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(p.dir, name)
}

// meant guesses what was meant by a command that cannot be run.
func (p *program) meant(name string) string {
	file := p.absolute(name)
	info, err := os.Stat(file)
	switch {
	case err == nil && info.IsDir(), err != nil && !strings.Contains(name, "/"):
		if _, err := p.lookPath("python3"); err == nil && name == "python" {
			return "write python3"
		}
		return "install it, activate the environment that it is in, or give its path"
	case err == nil && strings.HasSuffix(name, ".py"):
		return "start it with its interpreter: python3 " + name
	case err == nil && !strings.Contains(name, "/"):
		return fmt.Sprintf("a file of that name is in this directory: ./%s", name)
	case err == nil:
		return "chmod +x " + name
	}
	if _, err := os.Readlink(file); err == nil {
		return "make the virtual environment again, with an interpreter that is there"
	}
	return "check the path"
}

// splitInterpreter tells the flags of an interpreter from what it runs.
func splitInterpreter(args []string) (flags, rest []string) {
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if len(arg) < 2 || arg[0] != '-' || arg == "--" {
			return flags, args[i:]
		}
		if strings.HasPrefix(arg, "--") {
			flags = append(flags, arg)
			if arg == "--check-hash-based-pycs" && i+1 < len(args) {
				i++
				flags = append(flags, args[i])
			}
			continue
		}
		switch letter := strings.IndexAny(arg, "cmWX"); {
		case letter < 0:
			flags = append(flags, arg)
		case arg[letter] == 'c' || arg[letter] == 'm':
			if letter > 1 {
				flags = append(flags, arg[:letter])
			}
			return flags, slices.Concat([]string{"-" + arg[letter:]}, args[i+1:])
		default:
			flags = append(flags, arg)
			if letter == len(arg)-1 && i+1 < len(args) {
				i++
				flags = append(flags, args[i])
			}
		}
	}
	return flags, nil
}

// throughFile goes on to what a file is run by. It reports whether that is the end.
func (p *program) throughFile(ctx context.Context, file string, depth int) (ended bool) {
	head, err := readHead(file)
	if err != nil {
		p.end(notStarted, fmt.Sprintf("%s cannot be read: %v", file, err), "")
		return true
	}
	if line, ok := bytes.CutPrefix(head, []byte("#!")); ok {
		return p.throughScript(ctx, file, line, depth)
	}
	if target, err := filepath.EvalSymlinks(file); err == nil && slices.Contains(managers, filepath.Base(target)) {
		p.args = slices.Concat([]string{p.choice(ctx, target, filepath.Base(file))}, p.args[1:])
		return false
	}
	if !bytes.HasPrefix(head, []byte(elf.ELFMAG)) {
		p.end(notStarted, fmt.Sprintf("%s does not say in its first line what runs it", file), `start it with its interpreter, or give it a first line such as "#!/usr/bin/env python3"`)
		return true
	}
	p.path = file
	p.args = p.args[1:]
	if build, err := buildinfo.ReadFile(file); err == nil {
		p.kind, p.build = goProgram, build
		return true
	}
	if interpreter := p.embedded(file); interpreter != "" {
		p.route = append(p.route, filepath.Base(file)+", with Python inside")
		p.kind, p.path = python, interpreter
		return true
	}
	name := filepath.Base(file)
	if slices.Contains(runtimes, name) {
		p.end(foreign, fmt.Sprintf("%s is neither Python nor Go", name), "")
		return true
	}
	p.end(unknown, fmt.Sprintf("%s is a program of its own, neither Python nor Go", name), "if it starts a Python interpreter, examine that command instead")
	return true
}

// readHead reads the beginning of a file.
func readHead(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	head := make([]byte, 1024)
	n, err := io.ReadFull(file, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return head[:n], nil
}

// throughScript goes on to the interpreter that the first line of a script names, as the kernel does: what follows
// the name is one argument.
func (p *program) throughScript(ctx context.Context, file string, head []byte, depth int) (ended bool) {
	first, rest, _ := strings.Cut(string(head), "\n")
	interpreter, argument, _ := strings.Cut(strings.TrimSpace(first), " ")
	second, _, _ := strings.Cut(rest, "\n")
	// The scripts of pip in directories whose path is too long for the first line start as a shell script that
	// replaces itself by the interpreter; the rest of it is Python.
	if strings.HasPrefix(second, "'''exec'") {
		p.route = append(p.route, filepath.Base(file))
		p.runShell(ctx, second, file, p.args[1:], depth)
		return true
	}
	args := []string{interpreter}
	if argument = strings.TrimSpace(argument); argument != "" {
		args = append(args, argument)
		p.shebang = file
	}
	if base := filepath.Base(interpreter); !slices.Contains(shells, base) {
		p.route = append(p.route, filepath.Base(file))
	}
	p.args = slices.Concat(args, []string{file}, p.args[1:])
	return false
}

// embedded returns the interpreter beside a program that has Python inside of it, "" if it has not.
func (p *program) embedded(file string) string {
	if filepath.Base(file) != "uwsgi" {
		binary, err := elf.Open(file)
		if err != nil {
			return ""
		}
		defer binary.Close()
		libraries, _ := binary.ImportedLibraries()
		if !slices.ContainsFunc(libraries, func(l string) bool { return strings.HasPrefix(l, "libpython3") }) {
			return ""
		}
	}
	for _, name := range []string{filepath.Join(filepath.Dir(file), "python3"), "python3"} {
		if interpreter, err := p.lookPath(name); err == nil {
			return interpreter
		}
	}
	return ""
}

// choice asks a version manager which file it runs under a name.
func (p *program) choice(ctx context.Context, manager, name string) string {
	p.route = append(p.route, filepath.Base(manager))
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, manager, "which", name)
	cmd.Env, cmd.Dir = p.environ.entries(), p.dir
	cmd.WaitDelay = patience
	out, err := cmd.Output()
	if err != nil {
		return name
	}
	return strings.TrimSpace(string(out))
}

// throughEnv goes on to what env(1) runs.
func (p *program) throughEnv() {
	args := p.args[1:]
	by := "env"
options:
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		value := func(long string) string {
			if v, ok := strings.CutPrefix(arg, "--"+long+"="); ok {
				return v
			}
			if len(arg) > 2 && arg[1] != '-' {
				return arg[2:]
			}
			if len(args) == 0 {
				return ""
			}
			v := args[0]
			args = args[1:]
			return v
		}
		switch {
		case arg == "-" || arg == "-i" || arg == "--ignore-environment":
			p.clears = "env " + arg
		case strings.HasPrefix(arg, "-u") || strings.HasPrefix(arg, "--unset"):
			p.unset(value("unset"), "env -u PYTHONPATH")
		case strings.HasPrefix(arg, "-C") || strings.HasPrefix(arg, "--chdir"):
			p.dir = p.absolute(value("chdir"))
		case strings.HasPrefix(arg, "-S") || strings.HasPrefix(arg, "--split-string"):
			args = append(strings.Fields(value("split-string")), args...)
		case arg == "--":
			break options
		case strings.HasPrefix(arg, "-"):
		case strings.Contains(arg, "="):
			name, v, _ := strings.Cut(arg, "=")
			p.set(name, v, "env "+arg)
			by = "env with variables"
		default:
			args = append([]string{arg}, args...)
			break options
		}
	}
	if p.clears != "" {
		by = p.clears
	}
	if by != "env" {
		p.route = append(p.route, by)
	}
	p.args = args
}

// A wrapper is a command that runs the one in its arguments, in the environment that it was given itself.
type wrapper struct {
	values   string   // letters of the options that take a value
	long     []string // long options that take one
	longs    bool     // all of them do
	operands int      // arguments before the command
	tracer   bool     // it brings a tracer of its own along
	resets   bool     // not in that environment, after all
}

var wrappers = map[string]wrapper{
	"catatonit":   {},
	"chrt":        {operands: 1},
	"dumb-init":   {values: "r", long: []string{"rewrite"}},
	"docker-init": {values: "pe"},
	"flock":       {values: "wE", operands: 1},
	"gosu":        {operands: 1},
	"ionice":      {values: "cnpPu"},
	"nice":        {values: "n", long: []string{"adjustment"}},
	"nohup":       {},
	"numactl":     {values: "CNmiplr"},
	"setpriv":     {longs: true},
	"setsid":      {},
	"stdbuf":      {values: "ioe", long: []string{"input", "output", "error"}},
	"strace":      {values: "eopsuPEabIOSX"},
	"su-exec":     {operands: 1},
	"sudo":        {values: "CDghpRrTtu", resets: true},
	"systemd-cat": {values: "tp"},
	"taskset":     {operands: 1},
	"time":        {values: "fo"},
	"timeout":     {values: "ks", long: []string{"kill-after", "signal"}, operands: 1},
	"tini":        {values: "pe"},
	"tini-static": {values: "pe"},

	"ddtrace-run":              {tracer: true},
	"elasticapm-run":           {longs: true, tracer: true},
	"newrelic-admin":           {operands: 1, tracer: true},
	"opentelemetry-instrument": {longs: true, tracer: true},
	"splunk-instrument":        {longs: true, tracer: true},
	"splunk-py-trace":          {tracer: true},
}

// command is what follows the options and operands of a wrapper.
func (w wrapper) command(args []string) []string {
	i := 0
	for i < len(args) && len(args[i]) > 1 && args[i][0] == '-' {
		arg := args[i]
		i++
		if arg == "--" {
			break
		}
		name := strings.TrimLeft(arg, "-")
		if arg[1] == '-' || slices.Contains(w.long, name) {
			if !strings.Contains(arg, "=") && (w.longs || slices.Contains(w.long, name)) {
				i++
			}
			continue
		}
		if at := strings.IndexAny(name, w.values); w.values != "" && at == len(name)-1 {
			i++
		}
	}
	return args[min(i+w.operands, len(args)):]
}

var (
	shells   = []string{"sh", "bash", "dash", "ash", "ksh", "zsh", "busybox"}
	managers = []string{"pyenv", "asdf", "mise"}
	runtimes = []string{"node", "deno", "bun", "java", "ruby", "php", "perl", "dotnet", "beam.smp", "erl"}

	// runners run a command where its interpreter is not the one that is found here.
	runners = map[string]string{
		"conda":      inEnvironment,
		"hatch":      inEnvironment,
		"mamba":      inEnvironment,
		"micromamba": inEnvironment,
		"nox":        inEnvironment,
		"pdm":        inEnvironment,
		"pipenv":     inEnvironment,
		"pixi":       inEnvironment,
		"poetry":     inEnvironment,
		"tox":        inEnvironment,
		"uv":         inEnvironment,
		"docker":     "in a container",
		"podman":     "in a container",
		"nerdctl":    "in a container",
		"kubectl":    "in a container",
		"ssh":        "on another machine",
		"su":         "in a login of its own",
		"runuser":    "in a login of its own",
	}
)

const inEnvironment = "in a Python environment that it chooses itself"

// inside is the command with the doctor in it, where the runner would start the program.
func (p *program) inside() string {
	at := 1
	for i, arg := range p.args {
		if arg == "run" || arg == "exec" {
			at = i + 1
			break
		}
	}
	return strings.Join(slices.Concat(p.args[:at], []string{"lumigo", "doctor", "--"}, p.args[at:]), " ")
}
