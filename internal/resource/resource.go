package resource

import (
	"cmp"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
	"github.com/lumigo-io/opentelemetry-distro/internal/mask"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

// SchemaURL is the version of the semantic conventions that the attributes
// follow.
const SchemaURL = "https://opentelemetry.io/schemas/1.37.0"

// Process is what a traced process tells of itself. What is empty is left out.
type Process struct {
	PID                int
	Language           string // telemetry.sdk.language: python or go
	RuntimeName        string // such as cpython
	RuntimeVersion     string // such as 3.11.4
	RuntimeDescription string
	Executable         string   // path of the program, such as /usr/bin/python3.11
	Framework          string   // such as flask
	Environ            []string // name=value; nil to leave out process.environ
}

// Root is the file system with /proc in it: os.DirFS("/").
type Root = fs.FS

// Detect returns the attributes of a process, in a fixed order, each key once.
// What the user says in OTEL_RESOURCE_ATTRIBUTES wins over what is found out;
// OTEL_SERVICE_NAME, LUMIGO_TAG and LUMIGO_CONTAINER_NAME win over that.
func Detect(c *config.Config, m *mask.Masker, p Process, distroVersion string, root Root) []otlp.Attribute {
	var users []otlp.Attribute
	for _, a := range c.ResourceAttributes {
		value := m.Links(a.Value)
		if a.Key == "process.command_line" || a.Key == "process.command_args" {
			value = m.Message(value)
		}
		users = append(users, otlp.Attribute{Key: a.Key, Value: value})
	}
	all := Merge(process(c, m, p), container(c, p.PID, root), users, chosen(c, p.Language, distroVersion))

	byKey := func(key string) func(otlp.Attribute) bool {
		return func(a otlp.Attribute) bool { return a.Key == key }
	}
	if i := slices.IndexFunc(all, byKey("service.name")); i < 0 || all[i].Value == "" {
		all = Merge(all, []otlp.Attribute{{Key: "service.name", Value: unknownService(p)}})
	}
	return all
}

// Merge joins lists of attributes. Of a key that comes more than once, the
// first place and the last value remain.
func Merge(lists ...[]otlp.Attribute) []otlp.Attribute {
	var merged []otlp.Attribute
	place := make(map[string]int)
	for _, attributes := range lists {
		for _, a := range attributes {
			if i, seen := place[a.Key]; seen {
				merged[i] = a
				continue
			}
			place[a.Key] = len(merged)
			merged = append(merged, a)
		}
	}
	return merged
}

// list collects attributes that have a value.
type list []otlp.Attribute

func (l *list) add(key, value string) {
	if value != "" {
		*l = append(*l, otlp.Attribute{Key: key, Value: value})
	}
}

// chosen has what the user or the distribution has the last word on.
func chosen(c *config.Config, language, distroVersion string) []otlp.Attribute {
	var l list
	l.add("service.name", c.ServiceName)
	l.add("telemetry.sdk.language", language)
	// The conventions want an SDK that is not OpenTelemetry's own to go by a
	// name of its own.
	l.add("telemetry.sdk.name", "lumigo_opentelemetry")
	l.add("telemetry.sdk.version", distroVersion)
	l.add("telemetry.distro.name", "lumigo-opentelemetry-distro")
	l.add("telemetry.distro.version", distroVersion)
	l.add("lumigo.distro.version", distroVersion)
	l.add("lumigo.tag", c.Tag)
	l.add("k8s.container.name", c.ContainerName)
	return l
}

func process(c *config.Config, m *mask.Masker, p Process) []otlp.Attribute {
	var l list
	if p.PID > 0 {
		l = append(l, otlp.Attribute{Key: "process.pid", Value: int64(p.PID)})
	}
	if p.Executable != "" {
		l.add("process.executable.name", path.Base(p.Executable))
		l.add("process.executable.path", p.Executable)
	}
	l.add("process.runtime.name", p.RuntimeName)
	l.add("process.runtime.version", p.RuntimeVersion)
	l.add("process.runtime.description", p.RuntimeDescription)
	l.add("framework", cmp.Or(p.Framework, "Unknown")) // the original's word
	if p.Environ != nil {
		l.add("process.environ", string(m.AppendEnvironment(nil, byName(p.Environ), c.Limits.AttributeValueLength)))
	}
	return l
}

// byName sorts the environment, so that what is cut off at its end does not
// change from one start to the next.
func byName(environ []string) []string {
	sorted := slices.Clone(environ)
	slices.SortStableFunc(sorted, func(a, b string) int {
		a, _, _ = strings.Cut(a, "=")
		b, _, _ = strings.Cut(b, "=")
		return cmp.Compare(a, b)
	})
	return sorted
}

// unknownService is the name that the conventions have for a service without
// a name.
func unknownService(p Process) string {
	if p.Executable == "" {
		return "unknown_service"
	}
	return "unknown_service:" + path.Base(p.Executable)
}

func procDirectories(pid int) []string {
	if pid <= 0 {
		return []string{"proc/self"}
	}
	// The process may be gone, or in another pid namespace. It is in the same
	// container as we are, as a rule.
	return []string{"proc/" + strconv.Itoa(pid), "proc/self"}
}
