package launcher

import (
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Signals, and who is to get them.
//
// The command stays in our process group, as if a shell had started it: so it can read the terminal, stands
// in pipelines, and is stopped and continued by the shell's job control. (tini and dumb-init give their child a
// group or a session of its own and pass everything on. That suits a container without a terminal, but in an
// interactive shell it takes the terminal away from the rest of a pipeline, and the shell waits in vain for
// the job to stop.) What the terminal sends, it sends to the whole group: the command has it already, and a
// second Ctrl-C would make it give up its orderly end. What a process sends to our pid, we alone have: that is
// to be passed on. Only the kernel's note on the sender tells these two cases apart, as it does for sudo.
//
// Go's os/signal does not show that note, and the Go runtime does not let its threads block the signals that
// end a program. But the kernel offers a signal to the main thread before any other, and a thread that
// is in sigtimedwait(2) gets it with the note. So where there is a terminal, the main thread waits there. Of
// several signals in the same moment, os/signal may catch some, without the note; then the terminal is taken to
// have sent what terminals send to the group in front. Without a terminal every signal comes from a process,
// and os/signal is enough.
//
// A sender that signals every process of a group or a cgroup one by one (systemd's default KillMode, kill
// with a negative pid) makes the command get a signal twice. Every init has that flaw; such a sender
// does not tell us that it did.

// The main goroutine stays on the main thread, for [signals.watch].
func init() { runtime.LockOSThread() }

// forwarded are the signals that we pass on: all but those that cannot be caught, those that report a fault
// of our own, those that the Go runtime uses for itself, and those that we were told to ignore, because the
// command was told so too.
func forwarded() []os.Signal {
	signals := []os.Signal{}
	for _, s := range []syscall.Signal{
		unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGABRT, unix.SIGUSR1, unix.SIGUSR2, unix.SIGALRM, unix.SIGTERM,
		unix.SIGCONT, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU, unix.SIGXCPU, unix.SIGXFSZ, unix.SIGVTALRM,
		unix.SIGWINCH, unix.SIGIO, unix.SIGPWR,
	} {
		if !signal.Ignored(s) {
			signals = append(signals, s)
		}
	}
	return signals
}

// realTime are the signals of that kind which neither libc nor Go reserves. They are passed on too, but
// nobody needs that in the first milliseconds, and os/signal takes some for so many.
func realTime() []os.Signal {
	signals := []os.Signal{}
	for s := syscall.Signal(35); s <= 64; s++ {
		signals = append(signals, s)
	}
	return signals
}

// A notice is a signal that reached this process.
type notice struct {
	signal syscall.Signal
	origin origin
	sender int // the process that sent it, where the origin is one
}

type origin int

const (
	fromSomewhere origin = iota // there was no note on the sender
	fromProcess
	fromKernel // for most of our signals that is a terminal
)

// signals is where this process gets its signals.
type signals struct {
	notices  chan notice
	terminal bool // there is one that controls this process
}

// listen starts receiving signals. From now on, none of them has its usual effect on this process. To call it
// on the main thread would double its cost, which is all in switching threads.
func listen() *signals {
	s := &signals{notices: make(chan notice, 64), terminal: hasTerminal()}
	// A write to a log that nobody reads any more must not end us.
	signal.Notify(make(chan os.Signal, 1), unix.SIGPIPE)
	plain := make(chan os.Signal, 64)
	signal.Notify(plain, forwarded()...)
	go func() {
		signal.Notify(plain, realTime()...)
		for sent := range plain {
			s.notices <- notice{signal: sent.(syscall.Signal)}
		}
	}()
	return s
}

// watch receives signals with the note on their sender, until done is closed and [signals.release] called. It
// is for the main thread. No command may be started from there, since it would inherit what is blocked.
func (s *signals) watch(done <-chan struct{}) {
	if !s.terminal || unix.Gettid() != os.Getpid() {
		<-done
		return
	}
	set, before := unix.Sigset_t{}, unix.Sigset_t{}
	for _, s := range append(forwarded(), realTime()...) {
		set.Val[0] |= 1 << (s.(syscall.Signal) - 1)
	}
	if unix.PthreadSigmask(unix.SIG_BLOCK, &set, &before) != nil {
		<-done
		return
	}
	defer unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil)
	for {
		var info struct { // siginfo_t of asm-generic/siginfo.h, as far as kill(2) fills it
			signal, _, code, _ int32
			pid                int32
			_                  [108]byte
		}
		_, _, errno := unix.Syscall6(unix.SYS_RT_SIGTIMEDWAIT, uintptr(unsafe.Pointer(&set)), uintptr(unsafe.Pointer(&info)), 0, 8, 0, 0)
		select {
		case <-done:
			return
		default:
		}
		if errno != 0 {
			continue // EINTR: another signal had a handler to run
		}
		n := notice{signal: syscall.Signal(info.signal), origin: fromProcess, sender: int(info.pid)}
		if info.code == 0x80 { // SI_KERNEL
			n.origin, n.sender = fromKernel, 0
		}
		s.notices <- n
	}
}

// release makes watch look whether it is done.
func (s *signals) release() { unix.Tgkill(os.Getpid(), os.Getpid(), unix.SIGWINCH) }

// stop stops this process, as the command was stopped by the terminal or by a read from it: the shell that
// has started us sees us, not the command, and will continue both.
func (s *signals) stop() { syscall.Kill(os.Getpid(), syscall.SIGSTOP) }

// meantFor reports whether the command with this pid still has to get n.
func (s *signals) meantFor(n notice, command int) bool {
	switch {
	case n.origin == fromProcess:
		// A command that signals its whole group means us as well, but has had its own.
		return n.sender != command
	case n.origin == fromSomewhere && !(s.terminal && terminalSends(n.signal) && inFront()):
		return true
	}
	// When a terminal goes away, only the leader of its session hears of it.
	return n.signal == unix.SIGHUP && leadsSession()
}

func terminalSends(s syscall.Signal) bool {
	switch s {
	case unix.SIGINT, unix.SIGQUIT, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU, unix.SIGWINCH, unix.SIGHUP:
		return true
	}
	return false
}

// asksToEnd reports whether a signal asks a program to end.
func asksToEnd(s syscall.Signal) bool {
	switch s {
	case unix.SIGINT, unix.SIGTERM, unix.SIGQUIT, unix.SIGHUP:
		return true
	}
	return false
}

// stoppedByTerminal reports whether a process is stopped the way job control does it.
func stoppedByTerminal(status syscall.WaitStatus) bool {
	if !status.Stopped() {
		return false
	}
	switch status.StopSignal() {
	case unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU:
		return true
	}
	return false
}

func hasTerminal() bool {
	fd, err := openTerminal()
	if err != nil {
		return false
	}
	unix.Close(fd)
	return true
}

// inFront reports whether the terminal sends its signals to our process group.
func inFront() bool {
	fd, err := openTerminal()
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

func openTerminal() (fd int, err error) {
	return unix.Open("/dev/tty", unix.O_RDONLY|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
}

func leadsSession() bool {
	session, err := unix.Getsid(0)
	return err == nil && session == os.Getpid()
}
