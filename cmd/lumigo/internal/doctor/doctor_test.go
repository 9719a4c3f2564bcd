package doctor

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/lumigo-io/opentelemetry-distro/internal/mask"
)

// look runs one check with an environment, and returns its findings, one a line: status: found → remedy.
func look(check string, environ ...string) string { return lookIn(fstest.MapFS{}, check, environ...) }

// lookIn does so in a file system.
func lookIn(root fs.FS, check string, environ ...string) string {
	x := &examination{Options: Options{Version: "1.2.3", Root: root}, context: context.Background(), program: &program{environ: newEnvironment(environ), dir: "/"}}
	x.readConfiguration(environ)
	x.interpreter = x.askInterpreter
	x.answer = sync.OnceValues(x.tryEndpoint)
	var lines []string
	for _, c := range Checks() {
		if c.Name == check {
			f := findings{check: c}
			c.look(x, &f)
			for _, found := range f.list {
				line := string(found.Status) + ": " + found.Found
				if found.Remedy != "" {
					line += " → " + found.Remedy
				}
				lines = append(lines, line)
			}
		}
	}
	return strings.Join(lines, "\n")
}

func TestConfiguration(t *testing.T) {
	tests := []struct {
		check   string
		environ []string
		want    string
	}{
		{"switches", nil, "ok: nothing turns tracing off"},
		{"switches", []string{"LUMIGO_SWITCH_OFF=TRUE"}, "problem: LUMIGO_SWITCH_OFF=TRUE turns everything off → unset LUMIGO_SWITCH_OFF"},
		{"switches", []string{"OTEL_SDK_DISABLED=true"}, "problem: OTEL_SDK_DISABLED=true turns everything off → unset OTEL_SDK_DISABLED"},
		{"switches", []string{"LUMIGO_ENABLE_TRACES=no"}, "problem: LUMIGO_ENABLE_TRACES=no turns tracing off → unset LUMIGO_ENABLE_TRACES, or set it to true"},

		{"variables", nil, "ok: each has a value that can be used"},
		{"variables", []string{"OTEL_BSP_SCHEDULE_DELAY=soon", "LUMIGO_TRACER_TOKEN=wrong"}, `warning: OTEL_BSP_SCHEDULE_DELAY is "soon", which is not a whole number of milliseconds from 1 to 2147483647; using 5000 → OTEL_BSP_SCHEDULE_DELAY: Milliseconds that a span waits at most before it is sent.`},
		{"variables", []string{"LUMIGO_SECRET_MASKING_REGEX=nonsense"}, `warning: LUMIGO_SECRET_MASKING_REGEX: "nonsense" is not a JSON array; the default masking patterns stay in force → LUMIGO_SECRET_MASKING_REGEX: JSON array of regular expressions`},
		{"variables", []string{`LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX_SERVER=["("]`}, `warning: LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX_SERVER has "(", which is not a regular expression that Python and Go share: error parsing regexp: missing closing ): ` + "`(`" + ` → LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX_SERVER: JSON array of regular expressions; an incoming HTTP request, by its path and query, in which one of them is found is not traced.`},

		{"sampling", nil, "ok: every trace is kept"},
		{"sampling", []string{"OTEL_TRACES_SAMPLER=parentbased_always_off"}, "problem: OTEL_TRACES_SAMPLER=parentbased_always_off keeps no trace that begins here → unset OTEL_TRACES_SAMPLER"},
		{"sampling", []string{"OTEL_TRACES_SAMPLER=traceidratio", "OTEL_TRACES_SAMPLER_ARG=0"}, "problem: OTEL_TRACES_SAMPLER=traceidratio with OTEL_TRACES_SAMPLER_ARG=0 keeps no trace that begins here → set OTEL_TRACES_SAMPLER_ARG to a share above 0"},
		{"sampling", []string{"OTEL_TRACES_SAMPLER=traceidratio", "OTEL_TRACES_SAMPLER_ARG=0.25"}, "ok: 0.25 of the traces are kept (OTEL_TRACES_SAMPLER_ARG)"},
		{"sampling", []string{`LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX=[".*"]`}, "problem: LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX or …_SERVER leaves out every request → name the endpoints to leave out in LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX"},
		{"sampling", []string{`LUMIGO_FILTER_HTTP_ENDPOINTS_REGEX=["^/health$", ""]`}, "ok: every trace is kept"},

		{"destination", nil, "problem: spans go nowhere → set LUMIGO_TRACER_TOKEN, OTEL_EXPORTER_OTLP_ENDPOINT (http://localhost:4318 for a Collector, or for lumigo view) or LUMIGO_DEBUG_SPANDUMP, or start it with lumigo run --view"},
		{"destination", []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://user:secret@collector:4318?key=secret", "LUMIGO_DEBUG_SPANDUMP=/tmp/x", "OTEL_TRACES_EXPORTER=otlp,console"}, "ok: spans go to http://collector:4318/v1/traces and the span dump /tmp/x and standard output"},
		{"destination", []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318", "OTEL_TRACES_EXPORTER=none"}, "problem: spans go nowhere → set LUMIGO_TRACER_TOKEN"},

		{"token", nil, "skipped: there is none"},
		{"token", []string{"LUMIGO_TRACER_TOKEN=t_0123456789abcdef01234"}, "ok: there is one, and it looks like one"},
		{"token", []string{"LUMIGO_TRACER_TOKEN=0123456789"}, `warning: LUMIGO_TRACER_TOKEN does not look like a token of Lumigo's, "t_" and 21 hexadecimal digits; using it as it is → copy it again from Lumigo`},
		{"token", []string{"LUMIGO_DEBUG_SPANDUMP=/tmp/x"}, "ok: none is needed for that destination"},
	}
	for _, tt := range tests {
		t.Run(tt.check+" "+strings.Join(tt.environ, " "), func(t *testing.T) {
			if got := look(tt.check, tt.environ...); got != tt.want && !(strings.HasPrefix(got, tt.want) && tt.want != "") {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestMachine(t *testing.T) {
	const (
		pod       = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
		container = "5f0c1e2d3b4a59687786a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"
	)
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	inPod := fstest.MapFS{
		"proc/self/cgroup":                 file("0::/kubepods.slice/kubepods-pod" + strings.ReplaceAll(pod, "-", "_") + ".slice/cri-containerd-" + container + ".scope\n"),
		"proc/1/comm":                      file("gunicorn\n"),
		"sys/fs/cgroup/cgroup.controllers": file("cpu memory\n"),
		"sys/fs/cgroup/memory.max":         file("268435456\n"),
		"sys/fs/cgroup/cpu.max":            file("50000 100000\n"),
		"var/run/secrets/kubernetes.io/serviceaccount/namespace": file("shop"),
	}
	tests := []struct {
		name, check string
		root        fstest.MapFS
		environ     []string
		want        string
	}{
		{"no container", "container", fstest.MapFS{"proc/1/comm": file("systemd\n")}, nil, "ok: this is none, as far as can be told"},
		{"a container with cgroup v2", "container", inPod, nil, "ok: container " + container + ", cgroup v2, memory limit 256 MiB, CPU limit 0.5"},
		{"a container with cgroup v1", "container", fstest.MapFS{
			".dockerenv": file(""), "proc/1/comm": file("tini\n"), "proc/self/cgroup": file("4:memory:/docker/" + container + "\n"),
			"sys/fs/cgroup/memory/memory.limit_in_bytes": file("9223372036854771712\n"),
			"sys/fs/cgroup/cpu/cpu.cfs_quota_us":         file("-1\n"), "sys/fs/cgroup/cpu/cpu.cfs_period_us": file("100000\n"),
		}, nil, "ok: container " + container + ", cgroup v1"},
		{"a small one", "container", inPod, []string{"LUMIGO_EXPORT_MEMORY_LIMIT=200MiB"}, "ok: container " + container + ", cgroup v2, memory limit 256 MiB, CPU limit 0.5\n" +
			"warning: spans that wait may take up 200 MiB (LUMIGO_EXPORT_MEMORY_LIMIT), more than half of the container's 256 MiB → lower LUMIGO_EXPORT_MEMORY_LIMIT, or raise the container's limit"},
		{"a pod", "kubernetes", inPod, []string{"KUBERNETES_SERVICE_HOST=10.0.0.1", "LUMIGO_CONTAINER_NAME=web"}, "ok: pod " + pod + ", namespace shop, container web"},
		{"a pod that cannot be told", "kubernetes", fstest.MapFS{}, []string{"KUBERNETES_SERVICE_HOST=10.0.0.1"},
			"warning: this is a pod, but neither its control groups nor its mounts tell which: spans go without k8s.pod.uid → set OTEL_RESOURCE_ATTRIBUTES=k8s.pod.uid=$(POD_UID), with POD_UID from the field metadata.uid"},
		{"a pod that is told", "kubernetes", fstest.MapFS{}, []string{"KUBERNETES_SERVICE_HOST=10.0.0.1", "OTEL_RESOURCE_ATTRIBUTES=k8s.pod.uid=" + pod}, "ok: pod " + pod},
		{"no pod", "kubernetes", inPod, nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := lookIn(tt.root, tt.check, tt.environ...); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestSockets(t *testing.T) {
	long := t.TempDir() + "/" + strings.Repeat("x", 100)
	if err := os.Mkdir(long, 0o755); err != nil {
		t.Fatal(err)
	}
	if got, want := look("sockets", "TMPDIR="+long), "warning: /tmp is used, as another is of no use: "+long+": cannot listen on the engine's socket"; !strings.HasPrefix(got, want) || !strings.Contains(got, "a socket's at most 107") {
		t.Errorf("got  %s\nwant %s…", got, want)
	}
	if got, want := look("sockets", "TMPDIR=/proc"), "warning: /tmp is used, as another is of no use: /proc: cannot make a directory"; !strings.HasPrefix(got, want) {
		t.Errorf("got  %s\nwant %s…", got, want)
	}
	if entries, _ := os.ReadDir(long); len(entries) > 0 {
		t.Errorf("something was left: %v", entries)
	}
}

// The token is shown nowhere, whatever else has it in it.
func TestReportHidesTheToken(t *testing.T) {
	const token = "t_0123456789abcdef01234"
	x := &examination{}
	x.readConfiguration([]string{"LUMIGO_TRACER_TOKEN=" + token})
	text := "there is no command \"" + token + "\""
	x.conceal(&text)
	if want := "there is no command \"" + mask.Mask + "\""; text != want {
		t.Errorf("got %q, want %q", text, want)
	}
}

func TestPrint(t *testing.T) {
	r := Report{Version: "1.2.3", Command: []string{"python3", "app.py"}, Findings: []Finding{
		{"command", "command", OK, "/usr/bin/python3 app.py", ""},
		{"python", "flags", Problem, "with -I, Python ignores PYTHONPATH", "leave the flag out"},
		{"python", "libraries", OK, "traced: flask 3.0.3, sqlite3", ""},
		{"python", "libraries", Warning, "disabled: requests 2.32.3", "take them out of LUMIGO_DISABLE_INSTRUMENTATION"},
		{"delivery", "clock", Skipped, "the backend has not told its time", ""},
	}}
	tests := []struct {
		name  string
		style Style
		want  string
	}{
		{"a file", Style{}, `lumigo 1.2.3 examines: python3 app.py

Command
  ok       command    /usr/bin/python3 app.py

Python
  problem  flags      with -I, Python ignores PYTHONPATH
                      → leave the flag out
  ok       libraries  traced: flask 3.0.3, sqlite3
  warning             disabled: requests 2.32.3
                      → take them out of LUMIGO_DISABLE_INSTRUMENTATION

Delivery
  skipped  clock      the backend has not told its time

Traces would not arrive: 1 problem, 1 warning.
`},
		{"a narrow terminal", Style{Width: 50, Colour: true}, `lumigo 1.2.3 examines: python3 app.py

<1>Command<0>
  <32>ok     <0>  command    /usr/bin/python3 app.py

<1>Python<0>
  <31>problem<0>  flags      with -I, Python ignores
                      PYTHONPATH
                      <36>→<0> leave the flag out
  <32>ok     <0>  libraries  traced: flask 3.0.3, sqlite3
  <33>warning<0>             disabled: requests 2.32.3
                      <36>→<0> take them out of
                        LUMIGO_DISABLE_INSTRUMENTATION

<1>Delivery<0>
  <2>skipped<0>  clock      the backend has not told its
                      time

<31>Traces would not arrive: 1 problem, 1 warning.<0>
`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b bytes.Buffer
			if err := r.Print(&b, tt.style); err != nil {
				t.Fatal(err)
			}
			want := strings.NewReplacer("<", "\x1b[", ">", "m").Replace(tt.want)
			if b.String() != want {
				t.Errorf("got\n%s\nwant\n%s", b.String(), want)
			}
		})
	}
}

// docs/troubleshooting.md has every check, in the order of the report.
func TestChecksAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../../../docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows strings.Builder
	for _, c := range Checks() {
		rows.WriteString("| " + c.Group + " | " + c.Name + " | " + c.About + " |\n")
	}
	if !strings.Contains(string(text), rows.String()) {
		t.Errorf("the table of checks should be\n%s", rows.String())
	}
}
