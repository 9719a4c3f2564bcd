package doctor

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
)

// question is what an interpreter is asked.
//
//go:embed question.py
var question string

// An interpreter is what it has answered.
type interpreter struct {
	Implementation string            `json:"implementation"`
	Version        string            `json:"version"`
	Number         [2]int            `json:"number"` // of Version, the first two
	Executable     string            `json:"executable"`
	Prefix         string            `json:"prefix"`
	Hooks          map[string]string `json:"hooks"`    // by the modules that they are for
	Plumbing       []string          `json:"plumbing"` // hooks that cannot be disabled
	Standard       []string          `json:"standard"` // modules with hooks that come with Python
	Distributions  []distribution    `json:"distributions"`
	Package        *struct {
		Directory, Version string
		Engine             bool   // it has the engine that the wheel brings along
		Runs               bool   // which can be executed
		Starts             string // the file that starts it by AUTOWRAPT_BOOTSTRAP; "" for none
	} `json:"package"` // ours, where it is installed
	Sitecustomize string `json:"sitecustomize"`
}

// A distribution is something that pip has installed.
type distribution struct {
	Name, Version string
	Modules       []string // top-level ones
}

func (d distribution) String() string {
	return strings.TrimSpace(strings.ReplaceAll(d.Name, "_", "-") + " " + d.Version)
}

// supported reports whether the Python part traces such an interpreter.
func (i *interpreter) supported() bool {
	return i.Number[0] == 3 && i.Number[1] >= 7 && i.Number[1] <= 14
}

// errUnasked means that there is no interpreter to look at.
var errUnasked = errors.New("there is no interpreter to ask")

func (x *examination) askInterpreter() (*interpreter, error) {
	if x.program.kind != python {
		return nil, errUnasked
	}
	hooks, err := fs.ReadFile(x.Python, "lumigo_opentelemetry/_imports.py")
	if err != nil {
		return nil, err
	}
	environ := newEnvironment(x.program.environ.entries())
	delete(environ, "AUTOWRAPT_BOOTSTRAP") // nothing is to be started by the question
	out, _, err := x.run(environ, hooks, x.program.path, "-E", "-s", "-c", question)
	if err != nil {
		return nil, err
	}
	answer := new(interpreter)
	if err := json.Unmarshal(out, answer); err != nil {
		return nil, fmt.Errorf("its answer makes no sense: %q", clip(string(out)))
	}
	return answer, nil
}

// run runs a program for a while, where the command would run, and returns what it has printed.
func (x *examination) run(environ environment, input []byte, name string, args ...string) (out, problems []byte, err error) {
	ctx, cancel := context.WithTimeout(x.context, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env, cmd.Dir, cmd.Stdin = environ.entries(), x.program.dir, bytes.NewReader(input)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	// With all that it has started, if it takes too long.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = patience
	err = cmd.Run()
	if ctx.Err() != nil {
		err = fmt.Errorf("no answer within %v", patience)
	} else if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
		err = fmt.Errorf("%w: %s", err, clip(lastLine(stderr.String())))
	}
	return stdout.Bytes(), stderr.Bytes(), err
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// clip shortens a text that somebody else has written.
func clip(text string) string {
	const most = 200
	if text = strings.TrimSpace(text); len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// pip is how something is installed for the interpreter.
func (i *interpreter) pip(what string) string {
	return fmt.Sprintf("%s -m pip install %s", i.Executable, what)
}

const (
	packageName = "lumigo_opentelemetry"
	wheelHint   = "the wheel (lumigo wheel makes it)"
)

// bootstraps reports whether the environment asks for what, by AUTOWRAPT_BOOTSTRAP.
func (x *examination) bootstraps() (list []string, us bool) {
	for item := range strings.SplitSeq(x.program.environ["AUTOWRAPT_BOOTSTRAP"], ",") {
		if item != "" {
			list = append(list, item)
		}
	}
	return list, slices.Contains(list, packageName)
}

func lookAtInterpreter(x *examination, f *findings) {
	if x.program.kind != python {
		return
	}
	i, err := x.interpreter()
	switch {
	case err != nil:
		f.problem("see what it says by itself: "+x.program.path+" -c pass", "%s does not work: %v", x.program.path, err)
	case !i.supported():
		f.problem("use CPython 3.7 to 3.14", "%s %s (%s) is not supported", i.Implementation, i.Version, i.Executable)
	case i.Implementation != "CPython":
		f.warning("use CPython 3.7 to 3.14", "%s %s (%s): only CPython is tested", i.Implementation, i.Version, i.Executable)
	default:
		f.ok("%s %s (%s)", i.Implementation, i.Version, i.Executable)
	}
}

// An activation is a way in which tracing starts in an interpreter.
type activation int

const (
	byLauncher  activation = iota // lumigo run puts a directory on PYTHONPATH
	byWheel                       // the file that the wheel has in site-packages looks at AUTOWRAPT_BOOTSTRAP
	byPath                        // the environment has such a directory on PYTHONPATH
	byInjection                   // a library that LD_PRELOAD names puts it there
)

// activation tells which it would be, and for the last two the directory that holds what is needed: the target of
// lumigo install.
func (x *examination) activation(i *interpreter) (a activation, dir string) {
	_, us := x.bootstraps()
	if us && i != nil && i.Package != nil && i.Package.Starts != "" && i.Package.Runs {
		return byWheel, ""
	}
	preloaded := strings.FieldsFunc(x.program.environ["LD_PRELOAD"], func(r rune) bool { return r == ' ' || r == ':' })
	for _, library := range preloaded {
		if dir, ok := strings.CutSuffix(library, "/injector/lumigo_injector.so"); ok {
			return byInjection, dir
		}
	}
	for _, entry := range filepath.SplitList(x.program.environ["PYTHONPATH"]) {
		if above := filepath.Dir(entry); filepath.Base(entry) == "sitecustomize" && exists(filepath.Join(above, packageName, "VERSION")) {
			return byPath, filepath.Dir(above)
		}
	}
	return byLauncher, ""
}

// shutsOut returns the flags that keep us out, and why each does.
func (x *examination) shutsOut(i *interpreter) (flags [][2]string) {
	a, _ := x.activation(i)
	for n, flag := range x.program.flags {
		isValue := n > 0 && slices.Contains([]string{"-W", "-X", "--check-hash-based-pycs"}, x.program.flags[n-1])
		if isValue || !strings.HasPrefix(flag, "-") || strings.HasPrefix(flag, "--") || strings.ContainsAny(flag, "WX") {
			continue
		}
		switch {
		case strings.ContainsRune(flag, 'S'):
			flags = append(flags, [2]string{flag, "Python leaves out its site module, and with it all that could start tracing"})
		case strings.ContainsRune(flag, 'I') && a != byWheel:
			flags = append(flags, [2]string{flag, "Python ignores PYTHONPATH, by which tracing reaches it"})
		case strings.ContainsRune(flag, 'E') && a != byWheel:
			flags = append(flags, [2]string{flag, "Python ignores its environment, PYTHONPATH included, by which tracing reaches it"})
		}
	}
	return flags
}

func lookAtFlags(x *examination, f *findings) {
	if x.program.kind != python {
		return
	}
	i, _ := x.interpreter()
	flags := x.shutsOut(i)
	for _, flag := range flags {
		remedy := "leave the flag out"
		if !strings.ContainsRune(flag[0], 'S') {
			remedy += ", or install " + wheelHint + " and set AUTOWRAPT_BOOTSTRAP=" + packageName + ", which works with it"
		}
		if x.program.shebang != "" {
			remedy += " (it is in the first line of " + x.program.shebang + ")"
		}
		f.problem(remedy, "with %s, %s", flag[0], flag[1])
	}
	if flags == nil {
		f.ok("none that keep us out")
	}
}

func lookAtActivation(x *examination, f *findings) {
	i, err := x.interpreter()
	if err != nil {
		return
	}
	if _, us := x.bootstraps(); us {
		lookAtWheel(x, i, f)
	} else if a, dir := x.activation(i); a != byLauncher {
		lookAtMounted(x, a, dir, f)
	} else {
		f.ok("by lumigo run")
	}
	if p := i.Package; p != nil && p.Engine && p.Version != x.Version {
		f.warning("install the wheel of this version: "+i.pip(fmt.Sprintf("lumigo_opentelemetry-%s-….whl", x.Version)),
			"the wheel is of version %s, this program of %s", p.Version, x.Version)
	}
}

func lookAtWheel(x *examination, i *interpreter, f *findings) {
	switch p := i.Package; {
	case p == nil:
		f.problem("install "+wheelHint+": "+i.pip("lumigo_opentelemetry-….whl")+"; or start the command with lumigo run",
			"AUTOWRAPT_BOOTSTRAP asks for %s, which is not installed for %s", packageName, i.Executable)
	case !p.Engine:
		f.problem("install the wheel for this platform: "+i.pip("--force-reinstall lumigo_opentelemetry-….whl"),
			"AUTOWRAPT_BOOTSTRAP asks for %s, but what is in %s has no engine", packageName, p.Directory)
	case !p.Runs:
		f.problem("install it where programs can be run, or start the command with lumigo run",
			"AUTOWRAPT_BOOTSTRAP asks for %s, whose engine in %s cannot be executed: it lacks the permission, or its file system is mounted noexec", packageName, p.Directory)
	case p.Starts == "":
		f.problem("install it with pip, not by PYTHONPATH or --target: "+i.pip("lumigo_opentelemetry-….whl"),
			"AUTOWRAPT_BOOTSTRAP asks for %s, but beside %s there is no %s.pth that would start it", packageName, p.Directory, packageName)
	default:
		f.ok("by AUTOWRAPT_BOOTSTRAP and the wheel %s in %s", p.Version, filepath.Dir(p.Directory))
	}
}

// lookAtMounted looks at what lumigo install has laid out.
func lookAtMounted(x *examination, a activation, dir string, f *findings) {
	by, needed := "PYTHONPATH", []string{}
	if a == byInjection {
		by, needed = "LD_PRELOAD", []string{"injector/lumigo_injector.so"}
	}
	needed = append(needed, "python/sitecustomize/sitecustomize.py", "python/"+packageName+"/__init__.py")
	for _, name := range needed {
		if !exists(filepath.Join(dir, name)) {
			f.problem("mount the volume that lumigo install has written, in this container and at this path", "%s names %s, but %s is not there", by, dir, name)
			return
		}
	}
	engine := filepath.Join(dir, "python", packageName, "bin", "lumigo")
	if err := executable(engine); err != nil {
		f.problem("mount the volume without noexec, or install again: lumigo install --target "+dir, "%s names %s, but its engine, %s, cannot be executed: %v", by, dir, engine, err)
		return
	}
	text, _ := os.ReadFile(filepath.Join(dir, "python", packageName, "VERSION"))
	version := strings.TrimSpace(string(text))
	f.ok("by %s and what is in %s, version %s", by, dir, version)
	if version != x.Version {
		f.warning("install again: lumigo install --target "+dir, "what is in %s is of version %s, this program of %s", dir, version, x.Version)
	}
}

// A trial is what became of an interpreter that was started with tracing.
type trial struct {
	reached  bool     // it has reached the engine
	warnings []string // of the Python part and of the engine
}

// trialCode says whether tracing is on in the process that runs it.
const trialCode = `import sys; b = sys.modules.get("lumigo_opentelemetry._bootstrap"); sys.stdout.write("\nlumigo: %s" % bool(b and b.active))`

func (x *examination) tryInterpreter() (*trial, error) {
	i, err := x.interpreter()
	if err != nil {
		return nil, err
	}
	environ := newEnvironment(x.program.environ.entries())
	environ["OTEL_TRACES_EXPORTER"], environ["OTEL_LOG_LEVEL"] = "none", "info"
	for _, name := range []string{"LUMIGO_DEBUG", "LUMIGO_DEBUG_SPANDUMP", "LUMIGO_ENGINE"} {
		delete(environ, name)
	}
	command := slices.Concat([]string{x.program.path}, x.program.flags, []string{"-c", trialCode})
	if a, _ := x.activation(i); a == byLauncher {
		delete(environ, "AUTOWRAPT_BOOTSTRAP")
		command = slices.Concat(x.Self, []string{"run", "--flush-timeout", "1s", "--"}, command)
	}
	out, problems, err := x.run(environ, nil, command[0], command[1:]...)
	if err != nil {
		return nil, err
	}
	t := &trial{reached: lastLine(string(out)) == "lumigo: True"}
	for line := range strings.Lines(string(problems)) {
		if parts := strings.SplitN(strings.TrimSpace(line), " - ", 4); len(parts) == 4 && parts[0] == "#LUMIGO#" && parts[2] != "INFO" {
			t.warnings = append(t.warnings, parts[3])
		}
	}
	return t, nil
}

func lookAtTrial(x *examination, f *findings) {
	i, err := x.interpreter()
	if err != nil {
		return
	}
	switch {
	case x.off != "" || !x.config.TracesEnabled:
		f.skipped("tracing is turned off")
		return
	case !i.supported() || x.program.clears != "" || x.losesPath(i) || x.shutsOut(i) != nil:
		f.skipped("it is known to fail, see above")
		return
	}
	t, err := x.trial()
	switch {
	case err != nil:
		f.problem("run it by itself: lumigo run -- "+i.Executable+" -c pass", "%s, started with tracing, failed: %v", i.Executable, err)
	case !t.reached && len(t.warnings) > 0:
		f.problem("put right what it says", "started with tracing, it said: %s", strings.Join(t.warnings, "; "))
	case !t.reached:
		f.problem("see the other findings", "started with tracing, it has not reached the engine")
	default:
		f.ok("started with tracing, it reaches the engine")
	}
}

func lookAtSitecustomize(x *examination, f *findings) {
	i, err := x.interpreter()
	if err != nil {
		return
	}
	if i.Sitecustomize == "" {
		f.ok("there is none besides ours")
		return
	}
	f.ok("%s runs as well, after ours", i.Sitecustomize)
}

// A tracer is somebody else's.
type tracer struct {
	name     string
	packages []string // distributions that are it, without what only goes with it
	paths    []string // parts of the directories that start it from PYTHONPATH
	names    []string // that it goes by in AUTOWRAPT_BOOTSTRAP
}

var tracers = []tracer{
	{"Datadog's tracer", []string{"ddtrace"}, []string{"ddtrace/bootstrap"}, nil},
	{"New Relic's agent", []string{"newrelic"}, []string{"newrelic/bootstrap"}, nil},
	{"opentelemetry-python's automatic instrumentation", []string{"opentelemetry-distro", "opentelemetry-instrumentation"},
		[]string{"opentelemetry/instrumentation/auto_instrumentation", "otel-auto-instrumentation"}, nil},
	{"Elastic's agent", []string{"elastic-apm"}, []string{"elasticapm/instrumentation/wrapper"}, []string{"elasticapm"}},
	{"Splunk's distribution", []string{"splunk-opentelemetry"}, nil, nil},
	{"Instana's tracer", []string{"instana"}, nil, []string{"instana"}},
	{"Sentry's SDK", []string{"sentry-sdk"}, nil, nil},
	{"AWS X-Ray's SDK", []string{"aws-xray-sdk"}, nil, nil},
	{"Scout's agent", []string{"scout-apm"}, nil, nil},
	{"AppDynamics' agent", []string{"appdynamics"}, nil, nil},
	{"Lumigo's tracer for AWS Lambda", []string{"lumigo-tracer"}, nil, []string{"lumigo_tracer"}},
}

func lookAtTracers(x *examination, f *findings) {
	i, err := x.interpreter()
	if err != nil {
		return
	}
	const twice = ": requests would be traced twice, and both would write trace headers"
	quiet := true
	for _, name := range x.program.tracers {
		f.warning(fmt.Sprintf("leave %s out, or leave tracing to it", name), "the command starts another tracer, by %s%s", name, twice)
		quiet = false
	}
	asked, _ := x.bootstraps()
	var idle []string
	for _, t := range tracers {
		if slices.ContainsFunc(t.paths, func(path string) bool { return strings.Contains(x.program.environ["PYTHONPATH"], path) }) {
			f.warning("take it off PYTHONPATH, or leave tracing to it", "PYTHONPATH starts %s%s", t.name, twice)
			quiet = false
		}
		if slices.ContainsFunc(t.names, func(name string) bool { return slices.Contains(asked, name) }) {
			f.warning("take it out of AUTOWRAPT_BOOTSTRAP, or leave tracing to it", "AUTOWRAPT_BOOTSTRAP starts %s%s", t.name, twice)
			quiet = false
		}
		for _, d := range i.Distributions {
			if slices.Contains(t.packages, strings.ToLower(strings.ReplaceAll(d.Name, "_", "-"))) {
				idle = append(idle, d.String())
			}
		}
	}
	switch {
	case len(idle) > 0:
		f.ok("installed, and harmless unless the app starts them: %s", enumerate(sorted(idle)))
	case quiet:
		f.ok("none")
	}
}

// ids are the instrumentations that a hook belongs to: by its own name, by its module's, by that of the module's
// package. The Python part decides by these names, too.
func ids(module, hook string) (ids []string) {
	top, _, _ := strings.Cut(module, ".")
	for _, name := range []string{hook, module, top} {
		if id, known := config.Instrumentation(name); known {
			ids = append(ids, id)
		}
	}
	return ids
}

func lookAtLibraries(x *examination, f *findings) {
	i, err := x.interpreter()
	if err != nil {
		return
	}
	hooked, disabling := map[string]bool{}, map[string]bool{} // by the ids of instrumentations
	for module, hook := range i.Hooks {
		for _, id := range ids(module, hook) {
			hooked[id] = true
			disabling[id] = disabling[id] || !slices.Contains(i.Plumbing, hook)
		}
	}
	var traced, untraced, disabled []string
	add := func(name string, modules []string) {
		for _, module := range modules {
			for _, id := range ids(module, i.Hooks[module]) {
				if slices.Contains(x.config.DisabledInstrumentations, id) && disabling[id] {
					disabled = append(disabled, name)
					return
				}
			}
		}
		traced = append(traced, name)
	}
	for _, module := range i.Standard {
		if hook := i.Hooks[module]; !slices.Contains(i.Plumbing, hook) && (hook != "logging" || x.config.LogsEnabled) {
			add(ids(module, i.Hooks[module])[0], []string{module})
		}
	}
	for _, d := range i.Distributions {
		modules := i.hookedModules(d)
		id, known := config.Instrumentation(d.Name)
		switch {
		case len(modules) > 0:
			add(d.String(), modules)
		case known && !hooked[id]:
			untraced = append(untraced, d.String())
		}
	}
	f.ok("traced: %s", enumerate(sorted(traced)))
	if len(disabled) > 0 {
		f.warning("take them out of LUMIGO_DISABLE_INSTRUMENTATION, if they should be traced", "disabled: %s", enumerate(sorted(disabled)))
	}
	if len(untraced) > 0 {
		f.warning("where they matter, make spans with opentelemetry-api: they join the traces",
			"installed, but not traced, except for what they do over a library that is: %s", enumerate(sorted(untraced)))
	}
	var idle []string
	for _, id := range x.config.DisabledInstrumentations {
		if !disabling[id] && !strings.Contains(id, "/") && id != "log" { // those are Go's
			idle = append(idle, id)
		}
	}
	if len(idle) > 0 {
		f.warning("name what carries it, such as http.client for requests and urllib3", "LUMIGO_DISABLE_INSTRUMENTATION has names that disable nothing: %s", strings.Join(idle, ", "))
	}
}

// hookedModules are the modules of a distribution for which there are hooks.
func (i *interpreter) hookedModules(d distribution) (modules []string) {
	for _, module := range slices.Sorted(maps.Keys(i.Hooks)) {
		top, _, _ := strings.Cut(module, ".")
		// Many distributions share the package opentelemetry; its hooks trace no library.
		if top != "opentelemetry" && !slices.Contains(i.Standard, module) && slices.Contains(d.Modules, top) {
			modules = append(modules, module)
		}
	}
	return modules
}
