package doctor

import (
	"context"
	"go/version"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/weaver"
	"github.com/lumigo-io/opentelemetry-distro/internal/config"
)

// hasModule reports whether a directory is in a Go module.
func hasModule(dir string) bool {
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return true
		}
		if dir == filepath.Dir(dir) {
			return false
		}
	}
}

// previewBuild asks the weaver what it would do; nil if the command is no go command.
func (x *examination) previewBuild() (*weaver.Preview, error) {
	if x.program.kind != goCommand {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(x.context, patience)
	defer cancel()
	return weaver.Look(ctx, weaver.Options{
		Args: x.program.args, Environ: x.program.environ.entries(), Dir: x.program.dir, Sources: x.Sources,
		Tool: append(slices.Clone(x.Self), "go", "--toolexec"),
	})
}

func lookAtToolchain(x *examination, f *findings) {
	p, err := x.preview()
	if err != nil || p == nil || !p.Builds {
		return // lookAtBuild says why
	}
	if version.Compare(p.Toolchain, weaver.Language()) < 0 {
		f.problem("build with "+weaver.Language()+" or later, for example by GOTOOLCHAIN="+weaver.Language()+".0", "%s does not weave", p.Toolchain)
		return
	}
	f.ok("%s", p.Toolchain)
}

func lookAtBuild(x *examination, f *findings) {
	if x.program.kind != goCommand {
		return
	}
	p, err := x.preview()
	if err != nil {
		f.problem(x.remedyOf(err.Error()), "nothing would be woven: %v", err)
		return
	}
	if !p.Builds {
		f.warning("examine the command that builds the program: lumigo doctor -- go build ./...", "go %s builds nothing that could trace itself", strings.Join(x.program.args, " "))
		return
	}
	const most = 5
	for i, u := range p.Unresolved {
		if i == most {
			f.problem("put these right first", "and %d packages more", len(p.Unresolved)-most)
			break
		}
		f.problem(x.remedyOf(u), "%s", u)
	}
	switch {
	case len(p.Traced) > 0:
		f.ok("would trace themselves: %s; woven: %s", enumerate(p.Traced), enumerate(p.Woven))
	case len(p.Skipped) == 0 && len(p.Unresolved) == 0:
		f.warning("name the package of a program: go build ./cmd/…", "there is no main package and no test in it that could trace itself")
	}
	for _, s := range p.Skipped {
		if len(p.Traced) == 0 {
			f.problem("docs/go.md tells what can be woven", "not woven: %s", s)
			continue
		}
		f.warning("docs/go.md tells what can be woven", "not woven: %s", s)
	}
}

// remedyOf says what to do about an error of the go command's.
func (x *examination) remedyOf(text string) string {
	switch {
	case strings.Contains(text, "GOPROXY=off"):
		return "go mod download; doctor itself downloads nothing"
	case !hasModule(x.program.dir):
		return "go to the directory of your module, or make this one: go mod init"
	}
	return "put right what the go command says; until then, lumigo go is the plain go command"
}

func lookAtGoFlags(x *examination, f *findings) {
	if x.program.kind != goCommand {
		return
	}
	goflags := x.program.environ["GOFLAGS"]
	p, _ := x.preview()
	quiet := true
	for flag := range strings.FieldsSeq(goflags) {
		name, value, _ := strings.Cut(strings.TrimLeft(strings.Trim(flag, `'"`), "-"), "=")
		switch {
		case name == "overlay" && !exists(x.program.absolute(value)):
			f.problem(`if it came from "lumigo go env", ask again: eval "$(lumigo go env)"; or unset GOFLAGS`, "GOFLAGS names an overlay that is not there: %s", value)
		case name == "toolexec" && strings.Contains(value, "orchestrion"):
			f.warning("let one of the two do it", "GOFLAGS has another tracer woven in, orchestrion: requests would be traced twice")
		case name == "toolexec":
			f.warning("take it out of GOFLAGS for builds with -cover", "GOFLAGS has a -toolexec of its own, beside which woven builds cannot count coverage")
		default:
			continue
		}
		quiet = false
	}
	switch {
	case !quiet || p == nil || !p.Builds:
	case p.Vendored:
		f.ok("it is built from the vendor directory")
	case p.Overlay != "":
		f.ok("your own overlay is kept: %s", p.Overlay)
	default:
		f.ok("none that matter")
	}
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

func lookAtBinary(x *examination, f *findings) {
	build := x.program.build
	if build == nil {
		return
	}
	switch woven, imported := weaver.Woven(build); {
	case woven:
		f.ok("it traces itself: it was built by lumigo go")
	case imported:
		f.warning("build it with lumigo go build, so that all requests and SQL are traced", "it imports the tracer, but was not woven: it traces what lumigo.Wrap wraps")
	default:
		f.problem("build it with lumigo go build; lumigo run does not reach into a Go program", "it does not trace itself: %s was built by the plain go command", build.Path)
	}
}

// goTracers are the modules of other tracers, by what their packages' paths begin with.
var goTracers = map[string]string{
	"gopkg.in/DataDog/dd-trace-go.v1":    "Datadog's tracer",
	"github.com/DataDog/dd-trace-go":     "Datadog's tracer",
	"github.com/newrelic/go-agent":       "New Relic's agent",
	"go.elastic.co/apm":                  "Elastic's agent",
	"github.com/getsentry/sentry-go":     "Sentry's SDK",
	"github.com/instana/go-sensor":       "Instana's tracer",
	"github.com/aws/aws-xray-sdk-go":     "AWS X-Ray's SDK",
	"github.com/lightstep/lightstep-tra": "Lightstep's tracer",
}

func lookAtPackages(x *examination, f *findings) {
	p, err := x.preview()
	if err != nil || p == nil || !p.Builds {
		return
	}
	var traced, disabled, others []string
	for _, target := range p.Woven {
		id, known := config.Instrumentation(target)
		switch {
		case !known:
		case slices.Contains(x.config.DisabledInstrumentations, id):
			disabled = append(disabled, target)
		default:
			traced = append(traced, target)
		}
	}
	for _, path := range p.Packages {
		for prefix, name := range goTracers {
			if strings.HasPrefix(path, prefix) {
				others = append(others, name)
			}
		}
	}
	if len(traced) > 0 {
		f.ok("traced: %s", enumerate(sorted(traced)))
	}
	if slices.Contains(p.Packages, "go.opentelemetry.io/otel") {
		f.ok("spans that the program makes with go.opentelemetry.io/otel join ours")
	}
	if len(disabled) > 0 {
		f.warning("take them out of LUMIGO_DISABLE_INSTRUMENTATION, if they should be traced", "disabled when it runs: %s", enumerate(sorted(disabled)))
	}
	if len(others) > 0 {
		f.warning("leave tracing to one of them", "other tracers are in the build: %s", enumerate(sorted(others)))
	}
}
