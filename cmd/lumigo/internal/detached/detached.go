// Package detached runs the engine as a process of its own, for applications that no launcher has started: the
// Python part in their own process starts it.
//
// Such an application must not notice. The engine is no child of it, is in another session, holds none of
// its files, and writes to its standard error without keeping the reader of a pipe waiting for the end. It
// ends by itself, when all that have connected are gone.
package detached

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
	"github.com/lumigo-io/opentelemetry-distro/internal/diag"
	"github.com/lumigo-io/opentelemetry-distro/internal/engine"
	"github.com/lumigo-io/opentelemetry-distro/internal/handover"
)

// Descriptor is where the listening socket is in the process that serves.
const Descriptor = 3

// Start starts this program once more, with args, in a session of its own, where [Serve] serves on the
// listening socket fd. It does not wait for it.
func Start(fd int, args ...string) error {
	if kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE); err != nil || kind != unix.SOCK_SEQPACKET {
		return fmt.Errorf("descriptor %d is not a listening SOCK_SEQPACKET socket", fd)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	keepInherited(3)
	_, err = syscall.ForkExec(self, append([]string{os.Args[0]}, args...), &syscall.ProcAttr{
		Dir:   "/",
		Env:   os.Environ(),
		Files: []uintptr{uintptr(null), handle(1), handle(2), uintptr(fd)},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	return err
}

// keepInherited keeps the descriptors from first on from what this process starts.
func keepInherited(first int) {
	if unix.CloseRange(uint(first), ^uint(0), unix.CLOSE_RANGE_CLOEXEC) == nil {
		return
	}
	entries, _ := os.ReadDir("/proc/self/fd") // Linux before 5.11
	for _, entry := range entries {
		if fd, err := strconv.Atoi(entry.Name()); err == nil && fd >= first {
			unix.CloseOnExec(fd)
		}
	}
}

// handle returns what the engine gets for an output of the application. If that is a pipe, it is a mere
// handle, by which the pipe can be opened again, but which its reader does not have to wait for.
func handle(fd int) uintptr {
	var stat unix.Stat_t
	if unix.Fstat(fd, &stat) == nil && stat.Mode&unix.S_IFMT == unix.S_IFIFO {
		if path, err := unix.Open(fmt.Sprintf("/proc/self/fd/%d", fd), unix.O_PATH|unix.O_CLOEXEC, 0); err == nil {
			return uintptr(path)
		}
	}
	return uintptr(fd)
}

// standardError writes each line to what handle made of the application's standard error. A pipe that is
// full or has no reader gets none.
type standardError struct{}

func (standardError) Write(line []byte) (int, error) {
	flags, err := unix.FcntlInt(2, unix.F_GETFL, 0)
	if err != nil || flags&unix.O_PATH == 0 {
		return os.Stderr.Write(line)
	}
	fd, err := unix.Open("/proc/self/fd/2", unix.O_WRONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	return unix.Write(fd, line)
}

// Options of [Serve].
type Options struct {
	Environ      []string // of the application that has started us
	Version      string
	Idle         time.Duration // how long to stay when nobody is connected
	FlushTimeout time.Duration // how long to go on sending spans after that, at most
}

// Serve is the engine, until no process has been connected for a while.
func Serve(o Options) error {
	// They are for the application. A supervisor that asks all processes of a service to end
	// finds that this one does, as soon as the others have.
	signal.Ignore(unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGPIPE)
	cfg, _ := config.Parse(o.Environ)
	log := diag.New(standardError{}, cfg.LogLevel)
	log.Redact(cfg.Export.Token)
	e, err := listen(o, log)
	if err != nil {
		log.Warningf("the engine did not start, nothing is traced: %v", err)
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- serve(e, log) }()
	select {
	case <-e.Idle():
	case err = <-failed:
		log.Errorf("the engine has stopped, tracing is incomplete: %v", err)
	}
	removeSocket(e.Path())
	ctx, cancel := context.WithTimeout(context.Background(), o.FlushTimeout)
	defer cancel()
	if summary := e.Close(ctx); summary.Processes > 0 {
		log.Infof("%v", summary)
	}
	return err
}

func listen(o Options, log *diag.Logger) (*engine.Engine, error) {
	_, key := handover.Address(os.Getenv(handover.Variable))
	if key == "" {
		return nil, fmt.Errorf("%s has no key", handover.Variable)
	}
	return engine.Listen(engine.Options{
		Listener: os.NewFile(Descriptor, "engine"),
		Key:      key,
		Log:      log,
		Version:  o.Version,
		Environ:  o.Environ,
		Idle:     o.Idle,
	})
}

func serve(e *engine.Engine, log *diag.Logger) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("internal error: %v", r)
			log.Debugf("%s", debug.Stack())
		}
	}()
	return e.Serve()
}

// removeSocket removes the socket and its directory, so that who comes too late finds nobody, and starts
// an engine again. The Python part, which made them, names the directory this way.
func removeSocket(path string) {
	if dir := filepath.Dir(path); strings.HasPrefix(filepath.Base(dir), "lumigo-") {
		os.Remove(path)
		os.Remove(dir)
	}
}
