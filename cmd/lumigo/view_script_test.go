package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// The scripts' own commands, for viewers that run meanwhile.
//
//	serve ARGS...       start lumigo with ARGS and wait until it says where its viewer is; $VIEWER is its URL and
//	                    $ADDRESS its host and port. What it prints goes to the file serving
//	await FILE PATTERN  wait until the file has a line that matches
//	get PATH            ask the viewer; prints the status and the answer
//	post PATH FILE      send it a file, as JSON
//	end SIGNAL STATUS   end it, and compare the status it exits with; -1 is that of a signal
var viewerCommands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"serve": serveViewer,
	"await": func(ts *testscript.TestScript, _ bool, args []string) { await(ts, ts.MkAbs(args[0]), args[1]) },
	"get":   func(ts *testscript.TestScript, _ bool, args []string) { ask(ts, "GET", args[0], nil) },
	"post": func(ts *testscript.TestScript, _ bool, args []string) {
		ask(ts, "POST", args[0], strings.NewReader(ts.ReadFile(args[1])))
	},
	"end": endViewer,
}

func serveViewer(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs("serving")
	file, err := os.Create(path)
	ts.Check(err)
	defer file.Close()
	self, err := os.Executable()
	ts.Check(err)
	cmd := exec.Command(self, args...)
	cmd.Args[0] = "lumigo" // by this name the test's own program is ours
	cmd.Dir, cmd.Stdout, cmd.Stderr = ts.MkAbs("."), file, file
	for _, name := range []string{"PATH", "TMPDIR", "HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "LUMIGO_SWITCH_OFF", "LUMIGO_DEBUG_SPANDUMP", "PYTHONPATH", "NO_COLOR"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	ts.Check(cmd.Start())
	ts.Defer(func() { cmd.Process.Kill() })
	ts.Setenv("PID", strconv.Itoa(cmd.Process.Pid))
	url := await(ts, path, `^lumigo: viewer: (http://\S+)$`)[1]
	ts.Setenv("VIEWER", url)
	ts.Setenv("ADDRESS", strings.TrimPrefix(url, "http://"))
}

func await(ts *testscript.TestScript, path, pattern string) []string {
	line := regexp.MustCompile("(?m)" + pattern)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		content, _ := os.ReadFile(path)
		if match := line.FindStringSubmatch(string(content)); match != nil {
			return match
		}
		if time.Now().After(deadline) {
			ts.Fatalf("no line of %s matches %q:\n%s", path, pattern, content)
		}
	}
}

func ask(ts *testscript.TestScript, method, path string, body io.Reader) {
	request, err := http.NewRequest(method, ts.Getenv("VIEWER")+path, body)
	ts.Check(err)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	ts.Check(err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%d %s", response.StatusCode, text)
}

func endViewer(ts *testscript.TestScript, _ bool, args []string) {
	pid, err := strconv.Atoi(ts.Getenv("PID"))
	ts.Check(err)
	ts.Check(syscall.Kill(pid, unix.SignalNum("SIG"+args[0])))
	process, err := os.FindProcess(pid)
	ts.Check(err)
	state, err := process.Wait()
	ts.Check(err)
	if got := strconv.Itoa(state.ExitCode()); got != args[1] {
		ts.Fatalf("status %s, want %s\n%s", got, args[1], ts.ReadFile("serving"))
	}
}
