// Package servers starts the real servers that tests and benchmarks talk to, and the stand-ins for those that cannot run
// here, each on a port and in a directory of its own.
package servers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/test/pythonenv"
)

// ErrNotInstalled says that a server is not installed here.
var ErrNotInstalled = errors.New("is not installed")

// A Server is one that can be started, any number of times.
type Server struct {
	name    string
	program string                                                    // looked for on PATH, and in the directories of dirs
	pins    []string                                                  // or it is of these Python packages, in an environment of its own
	dirs    []string                                                  // patterns
	build   func() (program string, err error)                        // makes the program instead
	prepare func(program, dir string) []*exec.Cmd                     // run to their ends before it starts
	command func(program, dir string, port int) *exec.Cmd             // runs until it is stopped
	asked   func(ctx context.Context, program string, port int) error // nil when it answers; nil to connect only
	user    string                                                    // who it runs as where root may not
	after   func() *exec.Cmd                                          // run when it has ended, with its environment
	serve   func(port int) (stop func(), err error)                   // instead of a program: in this process
	peers   int                                                       // how many more of it are started
	join    func(ctx context.Context, ports []int) error              // makes one of it and its peers
}

// beside is a program in the same directory as another, whatever links lead there.
func beside(program, name string) string {
	if real, err := filepath.EvalSymlinks(program); err == nil {
		program = real
	}
	return filepath.Join(filepath.Dir(program), name)
}

// find returns the path of the server's program.
func (s *Server) find() (string, error) {
	if s.build != nil {
		program, err := s.build()
		if err != nil {
			return "", fmt.Errorf("%s %w (%v)", s.name, ErrNotInstalled, err)
		}
		return program, nil
	}
	if s.pins != nil {
		i, err := pythonenv.Default()
		if err != nil {
			return "", err
		}
		env, err := pythonenv.Venv(i, s.pins...)
		if err != nil {
			return "", err
		}
		return env.Bin(s.program), nil
	}
	for _, pattern := range s.dirs {
		found, _ := filepath.Glob(filepath.Join(pattern, s.program))
		if len(found) > 0 {
			return found[len(found)-1], nil
		}
	}
	path, err := exec.LookPath(s.program)
	if err != nil {
		return "", fmt.Errorf("%s %w (no %s was found)", s.name, ErrNotInstalled, s.program)
	}
	return path, nil
}

// Running is a server that answers on a port of this machine, until it is stopped or the test ends.
type Running struct {
	Port  int // at 127.0.0.1
	cmd   *exec.Cmd
	done  chan struct{}
	Stop  func() // ends it, and removes what it kept; call it once
	peers []*Running
}

// Start starts the server with its peers and returns when it answers, or a minute later with an error, which wraps
// ErrNotInstalled where it is not installed.
func (s *Server) Start() (*Running, error) {
	if s.serve != nil {
		port := FreePort()
		stop, err := s.serve(port)
		return &Running{Port: port, Stop: stop}, err
	}
	program, err := s.find()
	if err != nil {
		return nil, err
	}
	r, err := s.launch(program)
	if err != nil || s.peers == 0 {
		return r, err
	}
	ports := []int{r.Port}
	for range s.peers {
		peer, err := s.launch(program)
		if err != nil {
			r.Stop()
			return nil, err
		}
		r.peers, ports = append(r.peers, peer), append(ports, peer.Port)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.join(ctx, ports); err != nil {
		r.Stop()
		return nil, err
	}
	return r, nil
}

// launch starts one process of the server.
func (s *Server) launch(program string) (_ *Running, err error) {
	as, err := s.credential()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "lumigo-server-")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(dir)
		}
	}()
	if as != nil {
		if err := os.Chown(dir, int(as.Uid), int(as.Gid)); err != nil {
			return nil, err
		}
	}
	attributes := &syscall.SysProcAttr{Credential: as, Pdeathsig: syscall.SIGKILL}
	if s.prepare != nil {
		for _, cmd := range s.prepare(program, dir) {
			cmd.SysProcAttr, cmd.Dir = attributes, dir
			if out, err := cmd.CombinedOutput(); err != nil {
				return nil, fmt.Errorf("%s: %w: %s", cmd.Path, err, bytes.TrimSpace(out))
			}
		}
	}
	r := &Running{Port: FreePort(), done: make(chan struct{})}
	r.cmd = s.command(program, dir, r.Port)
	r.cmd.SysProcAttr, r.cmd.Dir = attributes, dir
	r.Stop = func() {
		r.cmd.Process.Kill()
		<-r.done
		if s.after != nil {
			cmd := s.after()
			cmd.Env = r.cmd.Env
			cmd.Run()
		}
		os.RemoveAll(dir)
		for _, peer := range r.peers {
			peer.Stop()
		}
	}
	var out bytes.Buffer
	r.cmd.Stdout, r.cmd.Stderr = &out, &out
	if err := r.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		r.cmd.Wait()
		close(r.done)
	}()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		if s.answers(ctx, program, r.Port) {
			return r, nil
		}
		select {
		case <-r.done:
			return nil, fmt.Errorf("%s ended before it answered: %s", s.name, bytes.TrimSpace(out.Bytes()))
		case <-ctx.Done():
			r.Stop()
			return nil, fmt.Errorf("%s did not answer within a minute", s.name)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (s *Server) answers(ctx context.Context, program string, port int) bool {
	if s.asked != nil {
		return s.asked(ctx, program, port) == nil
	}
	c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// credential is who the server runs as: somebody else than root, where it has a user of its own.
func (s *Server) credential() (*syscall.Credential, error) {
	if s.user == "" || os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup(s.user)
	if err != nil {
		return nil, fmt.Errorf("%s %w (%v)", s.name, ErrNotInstalled, err)
	}
	uid, _ := strconv.ParseUint(u.Uid, 10, 32)
	gid, _ := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// FreePort is a port that nobody listens at, and that leaves room for the one 10000 above it, where nodes of a Redis
// Cluster talk with each other.
func FreePort() int {
	for {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return 0
		}
		port := l.Addr().(*net.TCPAddr).Port
		l.Close()
		if port <= 55535 {
			return port
		}
	}
}
