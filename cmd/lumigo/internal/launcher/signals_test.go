package launcher

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestSignalsSentToUsArePassedOn(t *testing.T) {
	r := start(t)
	for _, s := range append(forwarded(), realTime()...) {
		s := s.(syscall.Signal)
		switch s {
		case unix.SIGCONT, unix.SIGTSTP: // not shown by the child; see TestShellStopsAndContinues
			continue
		}
		name := unix.SignalName(s)
		if name == "" {
			name = fmt.Sprintf("signal %d", int(s))
		}
		r.signal(s)
		r.expect("got " + name)
	}
	r.say("exit 6")
	if status := r.wait(); status != 6 {
		t.Errorf("status %d, want 6", status)
	}
}

func TestIgnoredSignalsStayIgnored(t *testing.T) {
	_, out, _, _ := runLauncher(t, nil, "", "sh", "-c", "kill -HUP $PPID; kill -HUP $$; echo alive")
	if out != "" {
		t.Errorf("output %q of a shell that should have died of SIGHUP", out)
	}
	cmd, _ := launcherCommand(t, nil, "sh", "-c", "kill -HUP $PPID; kill -HUP $$; echo alive")
	cmd.Args = append([]string{"nohup"}, cmd.Args...)
	cmd.Path, _ = exec.LookPath("nohup")
	if cmd.Path == "" {
		t.Skip("SKIP: there is no nohup here")
	}
	text, _ := cmd.Output()
	if string(text) != "alive\n" {
		t.Errorf("output %q after nohup, want that of a living shell", text)
	}
}

// startOnTerminal starts the child under a launcher that leads a session on a new terminal.
func startOnTerminal(t *testing.T) *running {
	t.Helper()
	cmd, journal := launcherCommand(t, nil, os.Args[0], "child")
	return onTerminal(t, cmd, journal)
}

func onTerminal(t *testing.T, cmd *exec.Cmd, journal string) *running {
	t.Helper()
	terminal, side := newTerminal(t)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = side, side, side
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	side.Close()
	r := &running{t: t, cmd: cmd, journal: journal, errors: new(strings.Builder)}
	r.attach(terminal, terminal)
	return r
}

// newTerminal makes a pseudo-terminal that does not echo: its master, and the side that programs use.
func newTerminal(t *testing.T) (master, side *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("SKIP: no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { master.Close() })
	raw, err := master.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var number int
	raw.Control(func(fd uintptr) {
		if number, err = unix.IoctlGetInt(int(fd), unix.TIOCGPTN); err == nil {
			err = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0)
		}
	})
	if err != nil {
		t.Skipf("SKIP: no pseudo-terminals here: %v", err)
	}
	side, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	settings, err := unix.IoctlGetTermios(int(side.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	settings.Lflag &^= unix.ECHO
	if err := unix.IoctlSetTermios(int(side.Fd()), unix.TCSETS, settings); err != nil {
		t.Fatal(err)
	}
	return master, side
}

const (
	ctrlC         = "\x03"
	ctrlZ         = "\x1a"
	ctrlBackslash = "\x1c"
)

// The terminal has sent each of them to the command already. If we did so too, its second one would
// come before the SIGUSR1 that marks the end, as what is sent to us first is passed on first.
func TestTerminalSignalsComeOnce(t *testing.T) {
	r := startOnTerminal(t)
	for key, want := range map[string]string{ctrlC: "SIGINT", ctrlBackslash: "SIGQUIT"} {
		if _, err := r.in.Write([]byte(key)); err != nil {
			t.Fatal(err)
		}
		r.expect("got " + want)
		r.signal(unix.SIGUSR1)
		r.expect("got SIGUSR1")
	}
	resize(t, r, 40)
	r.expect("got SIGWINCH")
	r.signal(unix.SIGUSR1)
	r.expect("got SIGUSR1")
	r.say("exit 6")
	if status := r.wait(); status != 6 {
		t.Errorf("status %d, want 6", status)
	}
}

func resize(t *testing.T, r *running, rows uint16) {
	t.Helper()
	raw, err := r.in.(*os.File).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) {
		err = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Row: rows, Col: 80})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// `docker stop` of a container with a terminal, and STOPSIGNAL SIGINT.
func TestSignalsSentToUsArePassedOnWithATerminalToo(t *testing.T) {
	r := startOnTerminal(t)
	for _, s := range append(forwarded(), realTime()...) {
		s := s.(syscall.Signal)
		switch s {
		case unix.SIGCONT, unix.SIGTSTP:
			continue
		}
		name := unix.SignalName(s)
		if name == "" {
			name = fmt.Sprintf("signal %d", int(s))
		}
		// In the rare case that os/signal is quicker, the launcher does not see who has sent it.
		arrived := false
		for tries := 0; tries < 10 && !arrived; tries++ {
			r.settle()
			r.signal(s)
			arrived = r.hears("got " + name)
		}
		if !arrived {
			t.Errorf("%s did not come, ten times", name)
		}
	}
	r.say("exit 6")
	r.wait()
}

// hears reports whether a line of output comes soon.
func (r *running) hears(want string) bool {
	soon := time.After(2 * time.Second)
	for {
		select {
		case line, open := <-r.out:
			if line == want || !open {
				return open
			}
		case <-soon:
			return false
		}
	}
}

// settle waits until the launcher's main thread waits for signals.
func (r *running) settle() {
	r.t.Helper()
	within(r.t, "the launcher in sigtimedwait", func() bool {
		call, _, _ := strings.Cut(readFile(r.t, fmt.Sprintf("/proc/%d/syscall", r.cmd.Process.Pid)), " ")
		return call == strconv.Itoa(unix.SYS_RT_SIGTIMEDWAIT)
	})
}

// The leader of the session alone hears that its terminal has gone, and has to pass it on. The child's output is
// gone too; it ends by the next line that it cannot write, or else waits for ever.
func TestTerminalGoesAway(t *testing.T) {
	terminal, side := newTerminal(t)
	cmd, _ := launcherCommand(t, nil, "sh", "-c", `trap 'echo hangup > "$JOURNAL.child"; exit 8' HUP; echo ready $$; while :; do read line < "$0/fifo"; done`, fifo(t))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = side, side, side
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	r := &running{t: t, cmd: cmd, errors: new(strings.Builder)}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	side.Close()
	r.attach(terminal, terminal)
	r.settle()
	terminal.Close()
	if status := r.wait(); status != 8 {
		t.Errorf("status %d, want that of a command that has seen SIGHUP, 8", status)
	}
}

// What a shell's user sees: Ctrl-Z stops the job, and fg continues it.
func TestShellStopsAndContinues(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("SKIP: there is no bash here")
	}
	cmd, journal := launcherCommand(t, nil, "sh", "-c", "echo ready $$; read line; exit $line")
	cmd.Path, cmd.Args = bash, append([]string{"bash", "-m", "-c", `"$@"; echo "stopped $?"; fg > /dev/null; echo "ended $?"`, "bash"}, cmd.Args...)
	r := onTerminal(t, cmd, journal)
	if _, err := r.in.Write([]byte(ctrlZ)); err != nil {
		t.Fatal(err)
	}
	for !strings.HasPrefix(r.expect(""), "stopped 147") { // 128 + SIGSTOP, after what the shell has to say
	}
	r.say("6")
	r.expect("ended 6")
	r.wait()
}

// The same of a launcher that has outlived its command: Ctrl-Z stops it, fg continues it, Ctrl-C ends it.
func TestStaysOnATerminal(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("SKIP: there is no bash here")
	}
	cmd, journal := launcherCommand(t, []string{"STAY=yes"}, "sh", "-c", "echo ready $$; read line; exit $line")
	cmd.Path, cmd.Args = bash, append([]string{"bash", "-m", "-c", `"$@"; echo "stopped $?"; fg > /dev/null; echo "ended $?"`, "bash"}, cmd.Args...)
	r := onTerminal(t, cmd, journal)
	r.say("6")
	within(t, "the stay", func() bool { return strings.Contains(readFile(t, r.journal), "staying") })
	if _, err := r.in.Write([]byte(ctrlZ)); err != nil {
		t.Fatal(err)
	}
	for !strings.HasPrefix(r.expect(""), "stopped 147") {
	}
	// Until fg has continued it, and given it the terminal, Ctrl-C would end the shell.
	launcher := strings.TrimSpace(readFile(t, fmt.Sprintf("/proc/%[1]d/task/%[1]d/children", cmd.Process.Pid)))
	within(t, "fg", func() bool {
		_, rest, _ := strings.Cut(readFile(t, "/proc/"+launcher+"/stat"), ") ")
		stat := strings.Fields(rest) // state, parent, group, session, terminal, the terminal's foreground group
		return stat[0] != "T" && stat[2] == stat[5]
	})
	if _, err := r.in.Write([]byte(ctrlC)); err != nil {
		t.Fatal(err)
	}
	r.expect("ended 6")
	r.wait()
}

// The command's signals are as they would be without us, with a terminal and without.
func TestCommandInheritsNothingOfOurSignals(t *testing.T) {
	for name, attributes := range map[string]*syscall.SysProcAttr{
		"no terminal": {Setsid: true},
		"a terminal":  {Setsid: true, Setctty: true},
	} {
		t.Run(name, func(t *testing.T) {
			run := func(cmd *exec.Cmd) string {
				_, side := newTerminal(t)
				var out strings.Builder
				cmd.Stdin, cmd.Stdout, cmd.SysProcAttr = side, &out, attributes
				if err := cmd.Run(); err != nil {
					t.Fatal(err)
				}
				return out.String()
			}
			command := []string{"grep", "^Sig[BIC]", "/proc/self/status"}
			direct := run(exec.Command(command[0], command[1:]...))
			cmd, _ := launcherCommand(t, nil, command...)
			if launched := run(cmd); launched != direct {
				t.Errorf("signals under the launcher:\n%swithout:\n%s", launched, direct)
			}
		})
	}
}

func TestWhoseSignalItIs(t *testing.T) {
	const command, other = 42, 43
	for name, tt := range map[string]struct {
		notice notice
		want   bool
	}{
		"a supervisor's":            {notice{unix.SIGINT, fromProcess, other}, true},
		"from outside the pod":      {notice{unix.SIGINT, fromProcess, 0}, true},
		"the command's own":         {notice{unix.SIGINT, fromProcess, command}, false},
		"the terminal's":            {notice{unix.SIGINT, fromKernel, 0}, false},
		"nobody knows, a TERM":      {notice{unix.SIGTERM, fromSomewhere, 0}, true},
		"nobody knows, in no front": {notice{unix.SIGINT, fromSomewhere, 0}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := &signals{terminal: true}
			if inFront() {
				t.Skip("SKIP: this test is in front of a terminal itself")
			}
			if got := s.meantFor(tt.notice, command); got != tt.want {
				t.Errorf("meant for the command: %v, want %v", got, tt.want)
			}
		})
	}
}
