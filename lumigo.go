// Package lumigo traces the Go application that imports it, as the environment asks for.
//
//	import _ "github.com/lumigo-io/opentelemetry-distro"
//
// Programs built with "lumigo go build" import it by themselves, and with it what traces net/http, database/sql and
// goroutines; without that, it traces what [Wrap] wraps. LUMIGO_SWITCH_OFF=true makes all of it do nothing.
package lumigo

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
	"github.com/lumigo-io/opentelemetry-distro/internal/diag"
	"github.com/lumigo-io/opentelemetry-distro/internal/export"
	"github.com/lumigo-io/opentelemetry-distro/internal/handover"
	"github.com/lumigo-io/opentelemetry-distro/internal/mask"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
	"github.com/lumigo-io/opentelemetry-distro/internal/resource"
	"github.com/lumigo-io/opentelemetry-distro/internal/spandump"
	"github.com/lumigo-io/opentelemetry-distro/internal/tracer"
	"github.com/lumigo-io/opentelemetry-distro/internal/untraced"
)

// version is that of the distribution; a test holds it to the one in the Python part.
const version = "0.1.0"

// lastFlush is how long the end of the process may wait for spans to be delivered. As in the launcher.
const lastFlush = 5 * time.Second

// The environment is read here and never again: some programs clear it as they start.
func init() {
	build, _ := debug.ReadBuildInfo()
	if build != nil && strings.HasPrefix(build.Path, "github.com/lumigo-io/opentelemetry-distro/cmd/") {
		return // the command embeds this package's sources, and is no application
	}
	defer func() {
		if fault := recover(); fault != nil {
			diag.New(os.Stderr, diag.Info).Warningf("Tracing could not be started, this process runs untraced: %v", fault)
		}
	}()
	activate(build)
}

func activate(build *debug.BuildInfo) {
	environ := os.Environ()
	c, messages := config.Parse(environ)
	log := diag.New(os.Stderr, c.LogLevel)
	log.Redact(c.Export.Token)
	if !c.SwitchOff && !c.SDKDisabled {
		log.Infof("Loading the Lumigo OpenTelemetry distribution v%s (injection mode: %s)", version, mode(build))
	}
	for _, m := range messages {
		log.Printf(m.Level, "%s", m.Text)
	}
	if c.SwitchOff || c.SDKDisabled || !c.TracesEnabled {
		return
	}
	var secrets []string
	if c.Export.Token != "" {
		secrets = append(secrets, c.Export.Token)
	}
	masker, warnings := mask.New(c.Masking, secrets)
	for _, m := range warnings {
		log.Printf(m.Level, "%s", m.Text)
	}

	executable, _ := os.Executable()
	process := resource.Process{
		PID: os.Getpid(), Language: "go", RuntimeName: runtime.Compiler, RuntimeVersion: runtime.Version(),
		RuntimeDescription: "go version " + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH,
		Executable:         executable, Environ: environ,
	}
	o := tracer.Options{Config: c, Masker: masker, Log: log, Version: version, Engine: engine(environ, process, mode(build), log)}
	switch {
	case o.Engine != nil:
	case c.Export.Endpoint != "":
		o.Exporter = export.New(export.Options{Export: c.Export, Batch: c.Batch, Proxy: c.Proxy, Log: log, UserAgent: "lumigo-opentelemetry-distro/" + version})
	}
	if c.SpanDump != "" && o.Engine == nil {
		dump, err := spandump.Open(c.SpanDump, true)
		if err != nil {
			log.Errorf("%v", err)
		} else {
			log.Debugf("Storing a copy of the trace data under: %s", c.SpanDump)
			o.Dump = dump
		}
	}
	if c.Export.Console && o.Engine == nil {
		o.Console, _ = spandump.Open("/dev/stdout", false)
	}
	if c.LambdaTraceHeader != "" {
		o.TraceHeader = func() string { return os.Getenv("_X_AMZN_TRACE_ID") } // which Lambda changes for each invocation
	}
	found := resource.Detect(c, masker, process, version, os.DirFS("/"))
	o.Resource = otlp.NewResource(found, resource.SchemaURL)

	t := tracer.New(o)
	tracer.AtExit(func(why string) { leave(t, log, why) })
	tracer.Activate(t)
	if c.ECSMetadataURIV4 != "" && o.Engine == nil {
		go askECS(t, c, found)
	}
}

// engine connects with the engine of "lumigo run", if this process has one: it sends, dumps and outlives.
func engine(environ []string, p resource.Process, mode string, log *diag.Logger) *handover.Client {
	path, key := handover.Address(lookup(environ, handover.Variable))
	if path == "" {
		return nil
	}
	log.Redact(key)
	c, err := handover.Connect(path, key, handover.Process{
		Version: version, Mode: mode, Runtime: [3]string{p.RuntimeName, p.RuntimeVersion, p.RuntimeDescription}, Executable: p.Executable, Environ: environ,
	}, log)
	if err != nil {
		log.Debugf("The Lumigo engine does not answer on '%s', so this process sends its spans itself: %v", path, err)
		return nil
	}
	return c
}

func lookup(environ []string, name string) string {
	for _, entry := range environ {
		if value, found := strings.CutPrefix(entry, name+"="); found {
			return value
		}
	}
	return ""
}

func mode(build *debug.BuildInfo) string {
	if build != nil {
		for _, m := range build.Deps {
			if m.Path == "github.com/lumigo-io/opentelemetry-distro" && strings.HasSuffix(m.Version, "-woven") {
				return "automatic injection"
			}
		}
	}
	return "import"
}

// leave sends what is left, for a bounded time, and accounts for it.
func leave(t *tracer.Tracer, log *diag.Logger, why string) {
	t.Interrupt(why)
	if t.Made() == 0 && !t.HandsOver() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), lastFlush)
	defer cancel()
	t.Shutdown(ctx)
	level := diag.Info
	account, lost := t.Account()
	if lost {
		level = diag.Warning
	}
	log.Printf(level, "%s", account)
}

func askECS(t *tracer.Tracer, c *config.Config, found []otlp.Attribute) {
	defer func() { recover() }()
	ctx, cancel := context.WithTimeout(untraced.Context(context.Background()), 10*time.Second)
	defer cancel()
	if known := resource.ECS(ctx, c, export.PlainClient()); len(known) > 0 {
		t.SetResource(otlp.NewResource(resource.Merge(known, found), resource.SchemaURL))
	}
}
