package packages

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/lumigo-io/opentelemetry-distro/test/pythonenv"
	"github.com/lumigo-io/opentelemetry-distro/test/receiver"
	"github.com/lumigo-io/opentelemetry-distro/test/servers"
)

func collectorConfig(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(repository(t), "examples", "collector", "config.yaml"))
	must(t, err)
	return string(content)
}

func TestCollectorOfTheClusterIsConfiguredTheSame(t *testing.T) {
	m := manifests(t, filepath.Join(repository(t), "examples", "kubernetes", "collector.yaml"))[0]
	if m.Kind != "ConfigMap" || m.Data["config.yaml"] != collectorConfig(t) {
		t.Error("examples/kubernetes/collector.yaml has another configuration than examples/collector/config.yaml")
	}
}

// TestCollectorKeepsWhatItHasAcknowledged: the queue is in files, and nothing before it holds spans back.
func TestCollectorKeepsWhatItHasAcknowledged(t *testing.T) {
	var config struct {
		Exporters map[string]struct {
			SendingQueue struct {
				Enabled bool
				Storage string
			} `yaml:"sending_queue"`
		}
		Service struct {
			Extensions []string
			Pipelines  map[string]struct{ Processors []string }
		}
	}
	must(t, yaml.Unmarshal([]byte(collectorConfig(t)), &config))
	queue := config.Exporters["otlp_http"].SendingQueue
	if !queue.Enabled || queue.Storage != "file_storage" || fmt.Sprint(config.Service.Extensions) != "[file_storage]" {
		t.Errorf("the queue is not in files: %+v", config)
	}
	if got := fmt.Sprint(config.Service.Pipelines["traces"].Processors); got != "[memory_limiter]" {
		t.Errorf("the processors are %s, want the memory limiter alone", got)
	}
}

// TestCollectorSurvivesAnOutageAndItsDeath has the real Collector take the spans of a traced application while the
// backend is away, kills it, and starts it again.
func TestCollectorSurvivesAnOutageAndItsDeath(t *testing.T) {
	if os.Getenv("LUMIGO_TEST_FULL") == "" {
		t.Skip("SKIP: the Collector is built, which takes minutes; runs with LUMIGO_TEST_FULL=1")
	}
	python, err := pythonenv.Default()
	if err != nil {
		t.Skip("SKIP:", err)
	}
	lumigo, err := pythonenv.Lumigo()
	must(t, err)
	collector := filepath.Join(t.TempDir(), "collector")
	output(t, filepath.Join(repository(t), "test", "collector"), []string{"GOWORK=off", "CGO_ENABLED=0"}, "go", "build", "-o", collector, ".")

	backend, err := receiver.Listen("127.0.0.1:0")
	must(t, err)
	t.Cleanup(backend.Close)
	backend.Always(receiver.Answer{Status: 503})

	// The configuration as it stands, but for what is this machine's.
	port, state := servers.FreePort(), t.TempDir()
	config := filepath.Join(t.TempDir(), "config.yaml")
	must(t, os.WriteFile(config, []byte(strings.NewReplacer(
		":4318", fmt.Sprint(":", port),
		"/var/lib/otelcol", state,
		"https://ga-otlp.lumigo-tracer-edge.golumigo.com/v1/traces", backend.URL(),
	).Replace(collectorConfig(t))), 0o644))
	begin := func() *exec.Cmd {
		cmd := exec.Command(collector, "--config", config)
		cmd.Env = append(os.Environ(), "MY_POD_IP=127.0.0.1", "LUMIGO_TRACER_TOKEN=t_0123456789abcdef01234")
		log, err := os.OpenFile(filepath.Join(t.TempDir(), "log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
		must(t, err)
		cmd.Stdout, cmd.Stderr = log, log
		must(t, cmd.Start())
		log.Close()
		t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
		for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
			if c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
				c.Close()
				return cmd
			}
			if time.Now().After(deadline) {
				content, _ := os.ReadFile(log.Name())
				t.Fatalf("the Collector does not listen:\n%s", content)
			}
		}
	}

	first := begin()
	account := output(t, ".", []string{fmt.Sprintf("OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:%d", port)},
		lumigo, "run", "--", python.Path, filepath.Join(repository(t), "examples", "python", "shop", "app.py"))
	if !strings.Contains(account, "17 spans made in 1 process, 17 delivered") {
		t.Fatalf("the Collector has not taken the spans:\n%s", account)
	}
	must(t, first.Process.Kill())
	first.Wait()
	backend.Always(receiver.Answer{})
	begin()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := backend.Wait(ctx, func(spans []receiver.Span) bool { return len(spans) >= 17 }); err != nil {
		t.Fatalf("%d of 17 spans have arrived: %v", len(backend.Spans()), err)
	}
	for _, r := range backend.Requests() {
		if got := r.Header.Get("Authorization"); got != "LumigoToken t_0123456789abcdef01234" {
			t.Errorf("Authorization: %q", got)
		}
	}
}
