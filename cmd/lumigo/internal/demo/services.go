package demo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// services are the processes of the shop.
type services struct {
	options   Options
	dir       string
	closeDown context.CancelCauseFunc // told why, when one has ended that should not have

	mu      sync.Mutex
	running []*service
	closing bool
}

// A service is one process.
type service struct {
	name string
	cmd  *exec.Cmd
	said tail
	done chan struct{}
}

// quiet is an environment without what would change what the demo shows, or send it anywhere else.
func quiet(environ []string) []string {
	var kept []string
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		switch upper := strings.ToUpper(name); {
		case strings.HasPrefix(upper, "LUMIGO_"), strings.HasPrefix(upper, "OTEL_"), upper == "AUTOWRAPT_BOOTSTRAP", upper == "PYTHONPATH":
		default:
			kept = append(kept, entry)
		}
	}
	return kept
}

// start starts a service, and returns the URL that it says it answers at.
func (s *services) start(ctx context.Context, name string, command, urls []string) (string, error) {
	p := &service{name: name, cmd: exec.Command(command[0], command[1:]...), done: make(chan struct{})}
	p.cmd.Dir = s.dir
	p.cmd.Env = append(quiet(s.options.Environ), append([]string{
		"PORT=0",
		"NO_PROXY=*", "no_proxy=*", // the services talk to each other, and to nobody else
		"OTEL_SERVICE_NAME=" + name,
		"OTEL_EXPORTER_OTLP_ENDPOINT=" + s.options.Viewer,
		"OTEL_BSP_SCHEDULE_DELAY=200", // who looks does not like to wait
		"OTEL_LOG_LEVEL=error",
	}, urls...)...)
	p.cmd.Stderr = &p.said
	// A group of its own: Ctrl-C is for this program, which ends the others in its own time. Should it be killed, the
	// kernel ends them.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := p.cmd.Start(); err != nil {
		return "", fmt.Errorf("%s does not start: %w", name, err)
	}
	s.mu.Lock()
	s.running = append(s.running, p)
	s.mu.Unlock()
	answers := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if _, url, ok := strings.Cut(lines.Text(), " answers at "); ok {
				select {
				case answers <- url:
				default: // it has said so before
				}
			}
		}
		err := p.cmd.Wait()
		close(p.done)
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.closing {
			s.closeDown(errors.New(p.how(err)))
		}
	}()
	select {
	case url := <-answers:
		return url, nil
	case <-time.After(patience):
		return "", fmt.Errorf("%s has not said within %v where it answers", name, patience)
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

func (p *service) how(err error) string {
	how := "by itself"
	if err != nil {
		how = err.Error()
	}
	if said := strings.TrimSpace(p.said.String()); said != "" {
		how += "; it said last: " + said[strings.LastIndexByte(said, '\n')+1:]
	}
	return p.name + " has ended: " + how
}

// stop ends the services, those first that were started last, and waits for their ends: they send what they have left.
func (s *services) stop() {
	s.mu.Lock()
	s.closing = true
	running := s.running
	s.mu.Unlock()
	for i := len(running) - 1; i >= 0; i-- {
		p := running[i]
		p.cmd.Process.Signal(syscall.SIGINT)
		select {
		case <-p.done:
		case <-time.After(patience):
			syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
			<-p.done
		}
	}
}

// A tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(b []byte) (int, error) {
	const most = 16 << 10
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	if len(t.text) > most {
		t.text = append(t.text[:0], t.text[len(t.text)-most:]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
