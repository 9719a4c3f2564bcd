package packages

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/test/container"
	"github.com/lumigo-io/opentelemetry-distro/test/receiver"
	"github.com/lumigo-io/opentelemetry-distro/test/servers"
)

const patience = 60 * time.Second

func TestDockerfilesAreGoodPractice(t *testing.T) {
	env := checker(t)
	files, err := filepath.Glob(filepath.Join(repository(t), "examples", "docker", "*", "Dockerfile"))
	if err != nil || len(files) == 0 {
		t.Fatal("no Dockerfiles found", err)
	}
	for _, file := range files {
		output(t, ".", nil, env.Bin("hadolint"), "--no-color", file)
	}
}

// TestImagesTrace builds the images of the services and runs them as a cluster with tight rules does: as the user
// that the image says, with a root file system that nobody can write to.
func TestImagesTrace(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: images are built")
	}
	for name, hello := range map[string]string{"python": `{"hello":"from Python"}` + "\n", "go": `{"hello": "from Go"}`} {
		t.Run(name, func(t *testing.T) {
			image := build(t, copyOfRepository(t, "context"), "examples/docker/"+name+"/Dockerfile")
			if image.user == 0 {
				t.Error("the image runs as root")
			}
			backend, err := receiver.Listen("127.0.0.1:0")
			must(t, err)
			t.Cleanup(backend.Close)
			port := servers.FreePort()
			c := image.container(image.root, false)
			c.Env = append(c.Env, fmt.Sprint("PORT=", port), "OTEL_SERVICE_NAME=shop", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="+backend.URL())
			service := start(t, c, image.command)
			if got := ask(t, fmt.Sprintf("http://127.0.0.1:%d/relay", port), service); got != hello {
				t.Errorf("the service answered %q, want %q", got, hello)
			}
			service.end(t)
			var kinds []string
			for _, span := range backend.Spans() {
				if span.Resource["service.name"] != "shop" {
					t.Errorf("a span of the service %v", span.Resource["service.name"])
				}
				kinds = append(kinds, span.Kind)
			}
			slices.Sort(kinds)
			if want := []string{"CLIENT", "SERVER", "SERVER"}; !slices.Equal(kinds, want) {
				t.Errorf("spans %v, want %v\n%s", kinds, want, service.log())
			}
		})
	}
}

// TestInitImageFillsAVolume: the image has one file, and that is all it needs.
func TestInitImageFillsAVolume(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: an image is built")
	}
	image := build(t, copyOfRepository(t, "context"), "examples/docker/init/Dockerfile")
	volume := t.TempDir()
	must(t, os.Chmod(volume, 0o777))
	c := image.container(image.root, false)
	c.Mounts = []container.Mount{{Source: volume, Target: "/target", Writable: true}}
	c.Env = append(c.Env, "TARGET_DIRECTORY=/target")
	service := start(t, c, image.command)
	<-service.ended
	if code := service.cmd.ProcessState.ExitCode(); code != 0 {
		t.Fatalf("ended with %d: %s", code, service.log())
	}
	for _, file := range []string{"bin/lumigo", "injector/lumigo_injector.so", "python/sitecustomize/sitecustomize.py"} {
		if _, err := os.Stat(filepath.Join(volume, file)); err != nil {
			t.Error(err)
		}
	}
	if got := output(t, ".", nil, filepath.Join(volume, "bin/lumigo"), "version"); !strings.HasPrefix(got, "lumigo ") {
		t.Errorf("what was laid out says %q", got)
	}
}

// service is a container that runs.
type service struct {
	cmd   *exec.Cmd
	ended chan struct{}
	file  string
}

func start(t *testing.T, c container.Container, argv []string) *service {
	t.Helper()
	command, env := c.Command(argv...)
	s := &service{cmd: exec.Command(command[0], command[1:]...), ended: make(chan struct{}), file: filepath.Join(t.TempDir(), "log")}
	log, err := os.Create(s.file)
	must(t, err)
	defer log.Close()
	s.cmd.Env, s.cmd.Stdout, s.cmd.Stderr = env, log, log
	must(t, s.cmd.Start())
	go func() {
		s.cmd.Wait()
		close(s.ended)
	}()
	t.Cleanup(func() {
		s.cmd.Process.Kill() // and, as it is told, its child
		<-s.ended
	})
	return s
}

func (s *service) log() string {
	content, _ := os.ReadFile(s.file)
	return string(content)
}

// end asks process 1 of the container to end, as an orchestrator does, and waits until it has.
func (s *service) end(t *testing.T) {
	t.Helper()
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", s.cmd.Process.Pid))
	must(t, err)
	var first int
	if _, err := fmt.Sscan(string(children), &first); err != nil {
		t.Fatalf("the container has no process: %v\n%s", err, s.log())
	}
	must(t, syscall.Kill(first, syscall.SIGTERM))
	select {
	case <-s.ended:
	case <-time.After(patience):
		t.Fatalf("it does not end\n%s", s.log())
	}
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("ended with %v\n%s", s.cmd.ProcessState, s.log())
	}
}

// ask gets a URL of a service that may just be starting.
func ask(t *testing.T, url string, s *service) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		must(t, err)
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			must(t, err)
			return string(body)
		}
		select {
		case <-s.ended:
			t.Fatalf("it has ended: %v\n%s", s.cmd.ProcessState, s.log())
		case <-ctx.Done():
			t.Fatalf("it does not answer: %v\n%s", err, s.log())
		case <-time.After(20 * time.Millisecond):
		}
	}
}
