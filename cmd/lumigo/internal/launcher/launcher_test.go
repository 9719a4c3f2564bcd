package launcher

import (
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lumigo-io/opentelemetry-distro/internal/engine"
)

func TestExitStatusIsTheCommands(t *testing.T) {
	for name, tt := range map[string]struct {
		script  string
		status  int
		journal string
	}{
		"success":        {"exit 0", 0, "exited with status 0"},
		"failure":        {"exit 7", 7, "exited with status 7"},
		"the highest":    {"exit 255", 255, "exited with status 255"},
		"terminated":     {"kill -TERM $$", 128 + 15, "was killed by SIGTERM"},
		"killed":         {"kill -KILL $$", 128 + 9, "was killed by SIGKILL"},
		"crashed":        {"ulimit -c 0; kill -SEGV $$", 128 + 11, "was killed by SIGSEGV"},
		"broken pipe":    {"kill -PIPE $$", 128 + 13, "was killed by SIGPIPE"},
		"real-time kill": {"kill -40 $$", 128 + 40, "was killed by signal 40"},
	} {
		t.Run(name, func(t *testing.T) {
			status, out, stderr, journal := runLauncher(t, nil, "", "sh", "-c", tt.script)
			if status != tt.status || out != "" || stderr != "" {
				t.Errorf("status %d, output %q, errors %q; want status %d and nothing else", status, out, stderr, tt.status)
			}
			if _, how, _ := strings.Cut(strings.TrimSpace(journal), " "); how != tt.journal {
				t.Errorf("the engine was told %q, want %q", how, tt.journal)
			}
		})
	}
}

func TestInputAndOutputPassThrough(t *testing.T) {
	input := strings.Repeat("all of it, unchanged\x00\xff\n", 50_000)
	status, out, stderr, _ := runLauncher(t, nil, input, "sh", "-c", "cat; echo done >&2")
	if status != 0 || out != input || stderr != "done\n" {
		t.Errorf("status %d, %d bytes of output for %d of input, errors %q", status, len(out), len(input), stderr)
	}
}

func TestArgumentsAndDirectoryPassThrough(t *testing.T) {
	cwd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	_, out, _, _ := runLauncher(t, nil, "", "sh", "-c", `printf '%s|' "$0" "$@"; pwd -P`, "zero", "--", "a b", "")
	if want := "zero|--|a b||" + cwd + "\n"; out != want {
		t.Errorf("output %q, want %q", out, want)
	}
}

func TestCommandThatDoesNotStart(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string, mode os.FileMode) string {
		if err := os.WriteFile(dir+"/"+name, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		return dir + "/" + name
	}
	for name, tt := range map[string]struct {
		command string
		status  int
		errors  string
	}{
		"is not on PATH":         {"no-such-command", 127, `error: command "no-such-command" not found`},
		"is not there":           {dir + "/none", 127, `error: command "` + dir + `/none" not found`},
		"is not executable":      {write("app.py", "print()", 0o644), 126, "hint: start it with its interpreter: lumigo run -- python3 " + dir + "/app.py"},
		"is a directory":         {dir, 126, "is a directory"},
		"names no interpreter":   {write("script", "echo hello\n", 0o755), 126, `hint: its first line should name its interpreter`},
		"names one that is lost": {write("lost", "#!/no/such/python\n", 0o755), 126, "no such file or directory"},
	} {
		t.Run(name, func(t *testing.T) {
			status, out, stderr, _ := runLauncher(t, nil, "", tt.command)
			if status != tt.status || out != "" || !strings.Contains(stderr, tt.errors) {
				t.Errorf("status %d, errors %q; want %d and %q", status, stderr, tt.status, tt.errors)
			}
		})
	}
}

func TestSwitchedOffIsAsIfWeWereNotThere(t *testing.T) {
	environment := []string{"LUMIGO_SWITCH_OFF=TRUE", "PYTHONPATH=/mine", "LUMIGO_TRACER_TOKEN=t_1"}
	status, out, stderr, journal := runLauncher(t, environment, "in", "sh", "-c", `cat; echo " $PPID $PYTHONPATH ${LUMIGO_ENGINE-none}"; exit 3`)
	// Its parent is ours: the launcher has become the command.
	if want := "in " + strconv.Itoa(os.Getpid()) + " /mine none\n"; status != 3 || out != want || journal != "" {
		t.Errorf("status %d, output %q, engine told %q; want 3, %q, nothing", status, out, journal, want)
	}
	if !strings.HasSuffix(stderr, " - INFO - Lumigo OpenTelemetry distribution disabled via the 'LUMIGO_SWITCH_OFF' environment variable\n") || strings.Count(stderr, "\n") != 1 {
		t.Errorf("log %q, want one line that says it is switched off", stderr)
	}
}

func TestCommandRunsWhateverTheEngineDoes(t *testing.T) {
	for engine, want := range map[string]string{
		"cannot listen":    " - WARNING - the command runs without tracing: no socket: the disk is full; no socket: the disk is full; no socket: the disk is full\n",
		"panics in listen": " - WARNING - the command runs without tracing: internal error: listen\n",
		"panics in serve":  " - ERROR - internal error while serving, tracing may be incomplete: serve\n",
		"fails in serve":   " - ERROR - the engine has stopped, tracing is incomplete: no poller\n",
		"panics in exited": " - ERROR - internal error while noting the end of a process, tracing may be incomplete: exited\n",
		"panics in close":  " - ERROR - internal error while ending, tracing may be incomplete: close\n",
	} {
		t.Run(engine, func(t *testing.T) {
			status, out, stderr, _ := runLauncher(t, []string{"ENGINE=" + engine}, "in", "sh", "-c", "cat; exit 3")
			if status != 3 || out != "in" || !strings.HasSuffix(stderr, want) || strings.Count(stderr, "\n") != 1 {
				t.Errorf("status %d, output %q, log %q; want 3, %q, %q", status, out, stderr, "in", want)
			}
		})
	}
}

func TestTotalsAreSaid(t *testing.T) {
	_, _, stderr, _ := runLauncher(t, []string{"HELLO=1"}, "", "true")
	if !strings.HasSuffix(stderr, " - INFO - "+engine.Summary{Processes: 1, Made: 2}.String()+"\n") {
		t.Errorf("log %q", stderr)
	}
}

func TestPythonThatWasNotTracedIsReported(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("SKIP: there is no python3 here")
	}
	dir := t.TempDir()
	script := dir + "/tool"
	if err := os.WriteFile(script, []byte("#!"+python+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		hello   string
		command []string
		want    bool
	}{
		"an interpreter that shuts us out": {"", []string{"python3", "-I", "-c", ""}, true},
		"a script that names one":          {"", []string{script}, true},
		"it said hello":                    {"1", []string{"python3", "-c", ""}, false},
		"it only said its version":         {"", []string{"python3", "--version"}, false},
		"no interpreter":                   {"", []string{"sh", "-c", "python3 -I -c ''"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, stderr, _ := runLauncher(t, []string{"HELLO=" + tt.hello}, "", tt.command...)
			if got := strings.Contains(stderr, "WARNING - nothing was traced: the Python interpreter never reached the engine"); got != tt.want {
				t.Errorf("reported: %v, want %v; log %q", got, tt.want, stderr)
			}
		})
	}
}

func TestOrphansAreReapedAndReported(t *testing.T) {
	// The worker ends after the shell that has started it, and before the command.
	_, out, _, journal := runLauncher(t, nil, "", "sh", "-c", `
		sh -c 'sh -c "read line < \"$0/fifo\"; exit 9" "$0" & echo $!' "$0"
		echo > "$0/fifo"
		until grep -q 'exited with status 9' "$JOURNAL"; do sleep 0.01; done`, fifo(t))
	if want := strings.TrimSpace(out) + " exited with status 9\n"; !strings.Contains(journal, want) {
		t.Errorf("the engine was told %q, want %q in it", journal, want)
	}
}

func fifo(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := unix.Mkfifo(dir+"/fifo", 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestFirstProcessReaps(t *testing.T) {
	unshare := []string{"--pid", "--fork", "--mount-proc"}
	if out, err := exec.Command("unshare", append(unshare, "true")...).CombinedOutput(); err != nil {
		t.Skipf("SKIP: a namespace in which the launcher is process 1 cannot be made here: %v %s", err, out)
	}
	cmd, journal := launcherCommand(t, nil)
	cmd = exec.Command("unshare", append(unshare, cmd.Args[0], "launch", "sh", "-c", `
		[ $PPID = 1 ] || exit 1
		sh -c 'sleep 0.01 & exec true'        # leaves an orphan to process 1
		until grep -q 'exited with status 0' "$JOURNAL"; do sleep 0.01; done
		cat /proc/[0-9]*/stat | grep ' Z ' && exit 2
		exit 5`)...)
	cmd.Env = append(os.Environ(), "JOURNAL="+journal, "XDG_CACHE_HOME=", "LUMIGO_SWITCH_OFF=")
	out, _ := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 5 {
		t.Errorf("status %d, want 5; zombies: %s; the engine was told %q", cmd.ProcessState.ExitCode(), out, readFile(t, journal))
	}
}

func TestDescriptorsAreTheCommandsAlone(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd, _ := launcherCommand(t, nil, "sh", "-c", `exec 3>&-; exec 0<&-; echo ready; exec cat "$0/fifo"`, fifo(t))
	dir := cmd.Args[len(cmd.Args)-1]
	cmd.ExtraFiles = []*os.File{writer}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer os.WriteFile(dir+"/fifo", nil, 0)
	writer.Close()
	reader.SetReadDeadline(time.Now().Add(20 * time.Second))
	if rest, err := io.ReadAll(reader); err != nil || len(rest) != 0 {
		t.Errorf("read %q, %v from a pipe that the command has closed", rest, err)
	}
	within(t, "a broken pipe, as the command has closed its input", func() bool {
		_, err := in.Write([]byte("x"))
		return err != nil
	})
}

func TestCommandWithTheSignalsOfItsOwnGroup(t *testing.T) {
	r := start(t)
	group, err := unix.Getpgid(r.child)
	if err != nil {
		t.Fatal(err)
	}
	if own, _ := unix.Getpgid(r.cmd.Process.Pid); group != own {
		t.Errorf("the command is in group %d, the launcher in %d: job control would see only one of them", group, own)
	}
	r.say("exit 0")
	r.wait()
}

func TestFlushIsCutShortByASecondSignal(t *testing.T) {
	r := start(t, "ENGINE=cannot flush", "FLUSH_TIMEOUT=1h")
	r.say("exit 4")
	within(t, "the flush", func() bool { return strings.Contains(readFile(t, r.journal), "closing") })
	r.signal(syscall.SIGTERM)
	r.signal(syscall.SIGINT)
	if status := r.wait(); status != 4 {
		t.Errorf("status %d, want the command's, 4", status)
	}
	if text := readFile(t, r.journal); !strings.Contains(text, "closed: context canceled") {
		t.Errorf("journal %q", text)
	}
}

func TestFlushHasADeadline(t *testing.T) {
	_, _, _, journal := runLauncher(t, []string{"ENGINE=cannot flush", "FLUSH_TIMEOUT=10ms"}, "", "true")
	if !strings.Contains(journal, "closed: context deadline exceeded") {
		t.Errorf("journal %q", journal)
	}
}

func TestStaysUntilAskedToEnd(t *testing.T) {
	r := start(t, "STAY=yes")
	r.say("exit 7")
	within(t, "the stay", func() bool { return strings.Contains(readFile(t, r.journal), "staying") })
	r.signal(syscall.SIGUSR1)
	r.signal(syscall.SIGTERM)
	if status := r.wait(); status != 7 {
		t.Errorf("status %d, want the command's, 7", status)
	}
}

func TestDoesNotStayWhenAskedToEndBefore(t *testing.T) {
	r := start(t, "STAY=yes")
	r.signal(syscall.SIGTERM)
	r.expect("got SIGTERM")
	r.say("exit 7")
	if status := r.wait(); status != 7 {
		t.Errorf("status %d, want the command's, 7", status)
	}
	if text := readFile(t, r.journal); strings.Contains(text, "staying") {
		t.Errorf("journal %q", text)
	}
}
