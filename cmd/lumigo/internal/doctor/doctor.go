package doctor

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/weaver"
	"github.com/lumigo-io/opentelemetry-distro/internal/config"
	"github.com/lumigo-io/opentelemetry-distro/internal/export"
	"github.com/lumigo-io/opentelemetry-distro/internal/mask"
)

// patience is how long an interpreter or a go command may take to answer. On an ordinary machine they take a small
// part of it.
const patience = 5 * time.Second

// networkPatience is the same for the backend.
const networkPatience = 2 * time.Second

// Options says what to examine, and with what.
type Options struct {
	Command []string // as it would follow "lumigo run --"; empty for what is found in Dir
	Environ []string
	Dir     string   // where it would start
	Version string   // of this distribution
	Python  fs.FS    // the Python part
	Sources fs.FS    // the module that woven programs link
	Root    fs.FS    // the file system with /proc in it
	Self    []string // a command that is this program
}

// Status says how a finding bears on tracing.
type Status string

// The statuses, best first.
const (
	OK      Status = "ok"
	Skipped Status = "skipped" // it does not matter here, or could not be looked at
	Warning Status = "warning" // traced, but not wholly, or not as was meant
	Problem Status = "problem" // not traced, or the spans do not arrive
)

// Finding is one thing that a check has found.
type Finding struct {
	Group  string `json:"group"`
	Check  string `json:"check"`
	Status Status `json:"status"`
	Found  string `json:"found"`
	Remedy string `json:"remedy,omitempty"`
}

// Report is what an examination has found.
type Report struct {
	Version  string    `json:"version"`
	Command  []string  `json:"command"`
	Traced   bool      `json:"traced"` // no finding is a problem
	Findings []Finding `json:"findings"`
}

// Count returns how many findings have a status.
func (r Report) Count(status Status) (n int) {
	for _, f := range r.Findings {
		if f.Status == status {
			n++
		}
	}
	return n
}

// Check describes a check. One that does not concern a command finds nothing.
type Check struct {
	Group, Name string
	About       string // what it looks at
	look        func(*examination, *findings)
}

// The groups of checks.
const (
	groupCommand       = "command"
	groupPython        = "python"
	groupGo            = "go"
	groupConfiguration = "configuration"
	groupDelivery      = "delivery"
	groupMachine       = "machine"
)

// Checks returns all checks, in the order of a report.
func Checks() []Check {
	return []Check{
		{groupCommand, "command", "what the command comes down to, through shells, scripts, `env` and the like", lookAtCommand},
		{groupCommand, "environment", "whether it starts the program in an environment without ours (`env -i`, `sudo`, another `PYTHONPATH`)", lookAtEnvironment},

		{groupPython, "interpreter", "which interpreter it is, and whether its version is supported", lookAtInterpreter},
		{groupPython, "flags", "`-I`, `-E` and `-S`, which keep us out", lookAtFlags},
		{groupPython, "activation", "how tracing starts: by `lumigo run`, by `AUTOWRAPT_BOOTSTRAP` and the wheel, or by what `lumigo install` has laid out; whether that is there, and of the version of this program", lookAtActivation},
		{groupPython, "trial", "whether that interpreter, started with tracing, reaches the engine", lookAtTrial},
		{groupPython, "tracers", "other tracers in the command, on `PYTHONPATH` or installed", lookAtTracers},
		{groupPython, "sitecustomize", "a `sitecustomize.py` of the user's own", lookAtSitecustomize},
		{groupPython, "libraries", "which of the installed libraries are traced, which are not, and which are disabled", lookAtLibraries},

		{groupGo, "toolchain", "whether its version is supported", lookAtToolchain},
		{groupGo, "build", "which programs of a build would trace themselves, and what could not be woven", lookAtBuild},
		{groupGo, "flags", "`GOFLAGS` of others, overlays that are gone, vendoring", lookAtGoFlags},
		{groupGo, "binary", "whether a program that is built already traces itself", lookAtBinary},
		{groupGo, "libraries", "which packages of the build are traced, and other tracers among them", lookAtPackages},

		{groupConfiguration, "switches", "what turns tracing off as a whole", lookAtSwitches},
		{groupConfiguration, "variables", "values that cannot be used", lookAtVariables},
		{groupConfiguration, "sampling", "whether traces are kept", lookAtSampling},

		{groupDelivery, "destination", "whether spans go anywhere", lookAtDestination},
		{groupDelivery, "token", "whether there is a token, and whether it looks like one", lookAtToken},
		{groupDelivery, "endpoint", "what the backend answers to a request without spans", lookAtEndpoint},
		{groupDelivery, "clock", "whether this machine's clock agrees with the backend's", lookAtClock},
		{groupDelivery, "span dump", "whether the file can be written", lookAtSpanDump},

		{groupMachine, "system", "whether it is Linux", lookAtSystem},
		{groupMachine, "sockets", "whether there is a directory for the engine's socket", lookAtSockets},
		{groupMachine, "shared memory", "whether spans can be handed over through it", lookAtSharedMemory},
		{groupMachine, "container", "the container, its limits, and whether the app would be its first process", lookAtContainer},
		{groupMachine, "kubernetes", "whether the pod is known", lookAtKubernetes},
	}
}

// findings takes down what one check finds.
type findings struct {
	check Check
	list  []Finding
}

func (f *findings) add(status Status, remedy, found string, args []any) {
	f.list = append(f.list, Finding{f.check.Group, f.check.Name, status, fmt.Sprintf(found, args...), remedy})
}

func (f *findings) ok(found string, args ...any)      { f.add(OK, "", found, args) }
func (f *findings) skipped(found string, args ...any) { f.add(Skipped, "", found, args) }

func (f *findings) warning(remedy, found string, args ...any) { f.add(Warning, remedy, found, args) }
func (f *findings) problem(remedy, found string, args ...any) { f.add(Problem, remedy, found, args) }

// An examination is what the checks look at. What takes time is found out when the first check asks for it.
type examination struct {
	Options
	context  context.Context
	program  *program
	config   *config.Config   // of the program
	messages []config.Message // about it
	off      string           // the variable that turns everything off; "" for none

	interpreter func() (*interpreter, error)
	trial       func() (*trial, error)
	preview     func() (*weaver.Preview, error)
	answer      func() (export.Trial, time.Time)
}

// Examine looks at everything. It is done after a few seconds at the most, or when ctx ends.
func Examine(ctx context.Context, o Options) Report {
	x := &examination{Options: o, context: ctx}
	if len(x.Command) == 0 {
		x.Command = usual(o)
	}
	x.program = resolve(ctx, x.Command, o.Environ, o.Dir)
	x.readConfiguration(x.program.environ.entries())
	x.interpreter = sync.OnceValues(x.askInterpreter)
	x.trial = sync.OnceValues(x.tryInterpreter)
	x.preview = sync.OnceValues(x.previewBuild)
	x.answer = sync.OnceValues(x.tryEndpoint)

	checks := Checks()
	found := make([]findings, len(checks))
	var wait sync.WaitGroup
	for i, c := range checks {
		found[i].check = c
		wait.Go(func() { c.look(x, &found[i]) })
	}
	wait.Wait()

	r := Report{Version: o.Version, Command: x.Command}
	for _, f := range found {
		r.Findings = append(r.Findings, f.list...)
	}
	for i := range r.Findings {
		x.conceal(&r.Findings[i].Found)
		x.conceal(&r.Findings[i].Remedy)
	}
	r.Traced = r.Count(Problem) == 0
	return r
}

func (x *examination) readConfiguration(environ []string) {
	x.config, x.messages = config.Parse(environ)
	_, masking := mask.New(x.config.Masking, nil)
	x.messages = append(x.messages, masking...)
	switch {
	case x.config.SwitchOff:
		x.off = "LUMIGO_SWITCH_OFF"
	case x.config.SDKDisabled:
		x.off = "OTEL_SDK_DISABLED"
	}
}

// usual is the command to examine where none is given: a build of the Go module that is here, or else Python.
func usual(o Options) []string {
	if hasModule(o.Dir) {
		return []string{"go", "build", "./..."}
	}
	return []string{"python3"}
}

// conceal keeps the token out of a text, whatever brought it there.
func (x *examination) conceal(text *string) {
	if token := x.config.Export.Token; token != "" {
		*text = strings.ReplaceAll(*text, token, mask.Mask)
	}
}

// enumerate lists names in a sentence.
func enumerate(names []string) string {
	const most = 12
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// sorted returns names in alphabetical order, each once.
func sorted(names []string) []string {
	names = slices.Clone(names)
	slices.Sort(names)
	return slices.Compact(names)
}
