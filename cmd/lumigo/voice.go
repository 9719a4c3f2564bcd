package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// What the command itself has to say goes to standard error, one line each, with the prefix "lumigo:", without
// a capital letter at the beginning and a period at the end. An error says what is wrong, with the value in
// question; a hint says what to do about it, if we can guess. Standard output belongs to data, and to the
// traced command. What is said while a command is traced are log lines, which package diag prints.
//
// Colours only on a terminal, and not if NO_COLOR (https://no-color.org) or TERM=dumb forbids them.

// fail prints an error, and a hint unless it is empty, and returns status for the caller to exit with.
func fail(status int, err error, hint string) int {
	say(os.Stderr, "error", red, err.Error())
	if hint != "" {
		say(os.Stderr, "hint", cyan, hint)
	}
	return status
}

const (
	red    = "31"
	yellow = "33"
	cyan   = "36"
)

func say(to *os.File, kind, colour, text string) {
	kind += ":"
	if colourful(to) {
		kind = "\x1b[" + colour + "m" + kind + "\x1b[0m"
	}
	fmt.Fprintf(to, "lumigo: %s %s\n", kind, text)
}

// busy says what is being done until end is called: on a terminal with the seconds that it has taken so far.
func busy(to *os.File, text string) (end func()) {
	say(to, "note", cyan, text)
	const ourWords = len("lumigo: note:  (999 s)")
	if !colourful(to) || width(to) < ourWords+len(text) {
		return func() {}
	}
	started, stop, stopped := time.Now(), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		seconds := time.NewTicker(time.Second)
		defer seconds.Stop()
		for {
			select {
			case <-seconds.C:
				fmt.Fprint(to, "\x1b[A\r") // the line before, again
				say(to, "note", cyan, fmt.Sprintf("%s (%d s)", text, int(time.Since(started).Seconds())))
			case <-stop:
				return
			}
		}
	}()
	return func() {
		close(stop)
		<-stopped
	}
}

func colourful(to *os.File) bool {
	if os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	terminal := false
	control(to, func(fd int) {
		_, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		terminal = err == nil
	})
	return terminal
}

// width is how many characters a line has room for; 0 where that is no terminal.
func width(to *os.File) (columns int) {
	control(to, func(fd int) {
		if size, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ); err == nil {
			columns = int(size.Col)
		}
	})
	return columns
}

// control calls f with the descriptor. Not with Fd(), which would make it a blocking one for all who share it.
func control(file *os.File, f func(fd int)) {
	if raw, err := file.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) { f(int(fd)) })
	}
}

// tell prints data for the user who asked for it.
func tell(to io.Writer, text string) int {
	if _, err := io.WriteString(to, text); err != nil {
		return fail(1, fmt.Errorf("cannot write the answer: %w", err), "")
	}
	return 0
}
