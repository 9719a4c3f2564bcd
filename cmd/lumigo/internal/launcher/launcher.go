package launcher

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
	"github.com/lumigo-io/opentelemetry-distro/internal/diag"
	"github.com/lumigo-io/opentelemetry-distro/internal/engine"
)

// Options says what to run, and with what.
type Options struct {
	Command      []string      // the program, looked up along PATH, and its arguments
	Environ      []string      // the command's environment; ours is added to it
	Python       fs.FS         // the Python part; its directory sitecustomize goes on PYTHONPATH
	FlushTimeout time.Duration // how long to go on after the command has ended, at most

	// Listen makes an engine, with its socket somewhere under dir.
	Listen func(dir string, log *diag.Logger) (Engine, error)

	// Stay, unless it is nil, is called when the command has ended without the launcher being asked to. It is to
	// say that the launcher stays until it is.
	Stay func()
}

// Engine is what the launcher needs of [engine.Engine].
type Engine interface {
	Environment() []string
	Serve() error
	Exited(pid int, how string)
	Close(context.Context) engine.Summary
}

// Run runs the command and returns the status to exit with: the command's own, or 128 and the number of
// the signal that ended it.
//
// It is to be called once, early in the life of a program that is there for this only: it takes over the
// signals and all children of the process, and it may replace the process, by itself or by the command. An
// error is an [*Error], and means that the command was not started.
func Run(o Options) (status int, err error) {
	path, err := find(o.Command[0])
	if err != nil {
		return 0, err
	}
	// What else is wrong with the environment is said once, in answer to the process that has it.
	cfg, _ := config.Parse(o.Environ)
	log := diag.New(os.Stderr, cfg.LogLevel)
	log.Redact(cfg.Export.Token)
	if cfg.SwitchOff {
		log.Infof("Lumigo OpenTelemetry distribution disabled via the 'LUMIGO_SWITCH_OFF' environment variable")
		return 0, refused(o.Command[0], syscall.Exec(path, o.Command, o.Environ))
	}
	listening, done := make(chan *signals), make(chan struct{})
	go func() {
		signals := listen()
		listening <- signals
		status, err = launchCommand(o, path, signals, log)
		close(done)
		signals.release()
	}()
	(<-listening).watch(done)
	return status, err
}

func launchCommand(o Options, path string, signals *signals, log *diag.Logger) (status int, err error) {
	engine, dir, remove, err := prepare(o, log)
	if err != nil {
		log.Warningf("the command runs without tracing: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
		return 0, refused(o.Command[0], syscall.Exec(path, o.Command, o.Environ))
	}
	defer remove()
	l := &launch{Options: o, log: log, engine: engine, signals: signals, children: make(chan os.Signal, 1)}
	go l.guarded("serving", func() {
		if err := engine.Serve(); err != nil {
			log.Errorf("the engine has stopped, tracing is incomplete: %v", err)
		}
	})

	signal.Notify(l.children, unix.SIGCHLD)
	// Workers whose parent dies become our children, so that we see their end too.
	unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	// Not os.StartProcess: asking an os.File for its descriptor makes it a blocking one, for everybody
	// who shares it.
	l.main, err = syscall.ForkExec(path, o.Command, &syscall.ProcAttr{
		Env:   environment(o.Environ, engine.Environment(), filepath.Join(dir, "sitecustomize")),
		Files: []uintptr{0, 1, 2},
	})
	if err != nil {
		l.close(context.Background())
		return 0, refused(o.Command[0], err)
	}
	leaveDescriptors()
	time.AfterFunc(sweepDelay, func() { l.guarded("cleaning up", func() { sweep(tempDirs(o.Environ)) }) })
	summary := l.wait()
	if summary.Processes > 0 {
		log.Infof("%v", summary)
	}
	if summary.Processes == 0 && runsPython(path) && !asksPythonForHelp(o.Command) {
		log.Warningf("nothing was traced: the Python interpreter never reached the engine; it may have been started with -I, -E or -S, with another PYTHONPATH, or be older than 3.7")
	}
	if o.Stay != nil && l.asked == 0 {
		o.Stay()
		l.stay()
	}
	return l.status, nil
}

// prepare makes what the command needs to be traced.
func prepare(o Options, log *diag.Logger) (engine Engine, dir string, remove func(), err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("internal error: %v", r)
		}
		if err != nil && remove != nil {
			remove()
		}
	}()
	dir, remove, err = unpack(o.Python, sharedDirs(o.Environ), tempDirs(o.Environ))
	if err != nil {
		return nil, "", nil, fmt.Errorf("no directory for the Python part: %w", err)
	}
	var failures []error
	for _, temp := range tempDirs(o.Environ) {
		engine, err = o.Listen(temp, log)
		if err == nil {
			return engine, dir, remove, nil
		}
		failures = append(failures, err)
	}
	return nil, "", remove, errors.Join(failures...)
}

// A launch is one run of a command.
type launch struct {
	Options
	log      *diag.Logger
	engine   Engine
	signals  *signals
	children chan os.Signal // SIGCHLD

	main   int // pid of the command; 0 once it has ended
	status int
	asked  int // how often we were asked to end
}

// wait passes signals on and reaps, until the command has ended and the engine is closed.
//
// It is the only one to do either, so a signal never goes to a process that was reaped, whose pid may
// be somebody else's by now.
func (l *launch) wait() (summary engine.Summary) {
	flush, cut := context.WithCancel(context.Background())
	defer cut()
	closed := make(chan engine.Summary, 1)
	for {
		select {
		case <-l.children:
			if l.reap() {
				go func() { closed <- l.close(flush) }()
			}
		case n := <-l.signals.notices:
			if asksToEnd(n.signal) {
				l.asked++
			}
			switch {
			case l.main == 0:
				// The first may be the one that ended the command, come to us a moment later.
				if asksToEnd(n.signal) && l.asked > 1 {
					cut()
				}
			case l.signals.meantFor(n, l.main):
				syscall.Kill(l.main, n.signal)
			}
		case summary := <-closed:
			return summary
		}
	}
}

// stay returns when a signal asks us to end.
func (l *launch) stay() {
	for {
		select {
		case <-l.children:
			l.reap()
		case n := <-l.signals.notices:
			switch {
			case asksToEnd(n.signal):
				return
			case n.signal == unix.SIGTSTP:
				l.signals.stop()
			}
		}
	}
}

// reap takes note of every child that has ended, and reports whether the command is among them.
func (l *launch) reap() (ended bool) {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG|syscall.WUNTRACED, nil)
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil || pid <= 0:
			return ended
		case status.Stopped():
			if pid == l.main && l.signals.terminal && stoppedByTerminal(status) {
				l.signals.stop()
			}
			continue
		}
		l.guarded("noting the end of a process", func() { l.engine.Exited(pid, describe(status)) })
		if pid == l.main {
			l.main, l.status, ended = 0, exitStatus(status), true
		}
	}
}

func (l *launch) close(ctx context.Context) (summary engine.Summary) {
	ctx, cancel := context.WithTimeout(ctx, l.FlushTimeout)
	defer cancel()
	l.guarded("ending", func() { summary = l.engine.Close(ctx) })
	return summary
}

// guarded keeps a panic of the engine from the command.
func (l *launch) guarded(doing string, f func()) {
	defer func() {
		if r := recover(); r != nil {
			l.log.Errorf("internal error while %s, tracing may be incomplete: %v", doing, r)
			l.log.Debugf("%s", debug.Stack())
		}
	}()
	f()
}

func exitStatus(status syscall.WaitStatus) int {
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}

// describe says how a process ended, to stand in a sentence.
func describe(status syscall.WaitStatus) string {
	if !status.Signaled() {
		return fmt.Sprintf("exited with status %d", status.ExitStatus())
	}
	name := unix.SignalName(status.Signal())
	if name == "" {
		name = fmt.Sprintf("signal %d", int(status.Signal()))
	}
	return "was killed by " + name
}

// leaveDescriptors gives up what we share with the command but do not use, so that the reader of a pipe sees
// its end when the command closes it, and a writer that nobody reads it. Standard output stays because a
// span dump may be meant to go there.
//
// All our own descriptors are closed on exec, as Go's always are: those that are not came from outside.
func leaveDescriptors() {
	null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	unix.Dup3(null, 0, unix.O_CLOEXEC)
	unix.Close(null)
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, entry := range entries {
		var fd int
		if _, err := fmt.Sscan(entry.Name(), &fd); err != nil || fd <= 2 {
			continue
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil && flags&unix.FD_CLOEXEC == 0 {
			unix.Close(fd)
		}
	}
}

// asksPythonForHelp reports whether an interpreter is started only to print something about itself, which it
// does before it would reach us.
func asksPythonForHelp(command []string) bool {
	if len(command) < 2 {
		return false
	}
	switch command[1] {
	case "-V", "-VV", "--version", "-h", "-?", "--help":
		return true
	}
	return strings.HasPrefix(command[1], "--help-")
}
