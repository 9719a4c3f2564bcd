package engine

import (
	"context"
	"fmt"
	nethttp "net/http"
	"slices"
	"strings"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
	"github.com/lumigo-io/opentelemetry-distro/internal/diag"
	"github.com/lumigo-io/opentelemetry-distro/internal/export"
	"github.com/lumigo-io/opentelemetry-distro/internal/mask"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
	"github.com/lumigo-io/opentelemetry-distro/internal/resource"
	"github.com/lumigo-io/opentelemetry-distro/internal/semconv"
	"github.com/lumigo-io/opentelemetry-distro/internal/spandump"
)

// profile is all that follows from a process's configuration. Processes with
// the same configuration share it, and profiles share exporters and dumps.
type profile struct {
	config     *config.Config
	masker     *mask.Masker
	duplicates semconv.Convention // whose former names are added
	exporter   *export.Exporter   // nil when nothing is sent
	dump       *spandump.Writer   // nil when there is none
	console    *spandump.Writer   // likewise
	logs       *export.Exporter   // of log records; likewise
	logDump    *spandump.Writer   // likewise
	ecs        *ecs               // nil outside of ECS
	messages   []config.Message   // for the processes' log
}

// exporters are all that the profile has.
func (p *profile) exporters() (all []*export.Exporter) {
	for _, x := range []*export.Exporter{p.exporter, p.logs} {
		if x != nil {
			all = append(all, x)
		}
	}
	return all
}

// mostKinds bounds how many different configurations, exporters and dumps an
// engine keeps; a real application has one or two.
const mostKinds = 64

// profile returns what follows from the variables. A process that runs as
// another user than the engine gets no span dump but the one that the engine's
// own environment names: the engine, which may be root, must not write where
// that user could not.
func (e *Engine) profile(variables []string, trusted bool) *profile {
	if variables == nil {
		variables, trusted = e.options.Environ, true
	}
	key := strings.Join(variables, "\x00")
	if !trusted {
		key += "\x00\x00"
	}
	e.setup.Lock()
	defer e.setup.Unlock()
	if p := e.profiles[key]; p != nil {
		return p
	}

	p := new(profile)
	p.config, p.messages = config.Parse(variables)
	c := p.config
	e.options.Log.Redact(c.Export.Token)
	var secrets []string
	if c.Export.Token != "" {
		secrets = append(secrets, c.Export.Token)
	}
	var warnings []config.Message
	p.masker, warnings = mask.New(c.Masking, secrets)
	p.messages = append(slices.Clone(p.messages), warnings...)
	if c.SemconvHTTPDup {
		p.duplicates |= semconv.HTTP
	}
	if c.SemconvDatabaseDup {
		p.duplicates |= semconv.Database
	}
	if c.SwitchOff || c.SDKDisabled {
		return p
	}
	if c.Export.Endpoint != "" {
		p.exporter = e.exporter(p, otlp.Traces, c.Export)
	}
	if c.LogsEndpoint != "" {
		destination := c.Export
		destination.Endpoint = c.LogsEndpoint
		p.logs = e.exporter(p, otlp.Logs, destination)
	}
	if c.Export.Console {
		p.console, _ = spandump.Open("/dev/stdout", false)
	}
	if c.SpanDump != "" {
		p.dump = e.dump(p, spanDump, trusted)
	}
	if c.LogsEnabled && c.LogDump != "" {
		p.logDump = e.dump(p, logDump, trusted)
	}
	if c.ECSMetadataURIV4 != "" {
		p.ecs = e.ask(c)
	}
	if len(e.profiles) < mostKinds {
		e.profiles[key] = p
	}
	return p
}

// exporter returns the exporter of a signal for a profile; e.setup is held.
func (e *Engine) exporter(p *profile, signal otlp.Signal, destination config.Export) *export.Exporter {
	c := p.config
	key := fmt.Sprintf("%d %q %q %q", signal, fmt.Sprint(destination), fmt.Sprint(c.Batch), fmt.Sprint(c.Proxy))
	if x := e.exporters[key]; x != nil {
		return x
	}
	if len(e.exporters) == mostKinds {
		p.messages = append(p.messages, config.Message{Level: diag.Error, Text: fmt.Sprintf(
			"Spans or logs of this process are not sent: the engine already sends to %d destinations", mostKinds)})
		return nil
	}
	x := export.New(export.Options{
		Export:    destination,
		Signal:    signal,
		Batch:     c.Batch,
		Proxy:     c.Proxy,
		Log:       e.options.Log,
		UserAgent: "lumigo-opentelemetry-distro/" + e.options.Version,
	})
	e.exporters[key] = x
	return x
}

// dumpKind is one of the two kinds of dumps.
type dumpKind struct {
	name     string
	variable string
	path     func(*config.Config) string
	open     func(path string) (*spandump.Writer, error)
}

var (
	spanDump = dumpKind{"span dump", "LUMIGO_DEBUG_SPANDUMP", func(c *config.Config) string { return c.SpanDump },
		func(path string) (*spandump.Writer, error) { return spandump.Open(path, true) }}
	logDump = dumpKind{"log dump", "LUMIGO_DEBUG_LOGDUMP", func(c *config.Config) string { return c.LogDump }, spandump.OpenLogs}
)

// dump returns the dump for a profile; e.setup is held. The first process of a
// run empties the file.
func (e *Engine) dump(p *profile, kind dumpKind, trusted bool) *spandump.Writer {
	path := kind.path(p.config)
	key := kind.name + " " + path
	if w, ok := e.dumps[key]; ok && (w != nil || trusted) {
		return w
	}
	refuse := func(why string) *spandump.Writer {
		p.messages = append(p.messages, config.Message{Level: diag.Error, Text: why})
		return nil
	}
	if own, _ := config.Parse(e.options.Environ); !trusted && kind.path(own) != path {
		return refuse(fmt.Sprintf("%s is %q in a process that runs as another user than the engine, which therefore does not write it; set it for the engine as well", kind.variable, path))
	}
	if len(e.dumps) == mostKinds {
		return refuse(fmt.Sprintf("cannot write the %s to %q: the engine already writes %d others", kind.name, path, mostKinds))
	}
	w, err := kind.open(path)
	if err != nil {
		refuse(err.Error())
	} else if kind.name == spanDump.name {
		p.messages = append(p.messages, config.Message{Level: diag.Debug, Text: "Storing a copy of the trace data under: " + path})
	}
	if w != nil {
		e.dumps[key] = w
	}
	return w
}

// ecs is what the container's metadata endpoint tells, once it has.
type ecs struct {
	done       chan struct{}
	attributes []otlp.Attribute
}

// ask asks the endpoint, once and in the background: no process waits for it,
// and its resource has the attributes from when they are known. e.setup is held.
func (e *Engine) ask(c *config.Config) *ecs {
	if known := e.metadata[c.ECSMetadataURIV4]; known != nil || len(e.metadata) == mostKinds {
		return known
	}
	m := &ecs{done: make(chan struct{})}
	e.metadata[c.ECSMetadataURIV4] = m
	go func() {
		defer close(m.done)
		defer e.guard(nil)
		ctx, cancel := context.WithTimeout(e.context, 10*time.Second)
		defer cancel()
		m.attributes = resource.ECS(ctx, c, nethttp.DefaultClient)
	}()
	return m
}

// known returns the attributes, nil until they are there.
func (m *ecs) known() []otlp.Attribute {
	if m == nil {
		return nil
	}
	select {
	case <-m.done:
		return m.attributes
	default:
		return nil
	}
}
