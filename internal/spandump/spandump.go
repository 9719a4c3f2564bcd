package spandump

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

// patience bounds how long a line waits for the reader of a pipe.
const patience = time.Second

// Writer appends lines to a span dump. It is safe for concurrent use, and
// several processes may write to one file: a line is one write at the end of
// the file. (In a pipe, lines of more than 4096 bytes from several processes
// may mix.)
type Writer struct {
	render func(b, item, resource []byte) ([]byte, error)
	one    string // what a line is of: span, log record
	dump   string // what the file is: span dump, log dump
	path   string
	file   *os.File
	shared bool // file is a standard stream, which is not ours to close

	mu       sync.Mutex
	line     []byte
	resource *otlp.Resource // whose rendering is rendered
	rendered []byte
	torn     bool // the last line was written in part
	reported bool
}

// ErrMissing is the error of a span that is not the first one that cannot be
// written.
var ErrMissing = errors.New("another span is missing in the span dump")

// Open opens the span dump at path, readable and writable for its owner alone
// when it has to be created. With truncate, the lines of an earlier run go.
// The paths /dev/stdout and /dev/stderr mean the standard streams themselves,
// so that lines keep their place among the app's own output even in a file.
// The error names the path and what to do about it.
func Open(path string, truncate bool) (*Writer, error) {
	w := &Writer{render: renderSpan, one: "span", dump: "span dump", path: path}
	if err := w.open(truncate); err != nil {
		return nil, fmt.Errorf("cannot write the span dump to %q: %w; set LUMIGO_DEBUG_SPANDUMP to a file in a directory that exists and is writable", path, err)
	}
	return w, nil
}

// OpenLogs opens a dump of log records in the place of spans, with a line of each as LogRecord.to_json has it. An
// earlier run's lines go. When the file cannot be opened, the error says so, and the dump is the standard output.
func OpenLogs(path string) (*Writer, error) {
	w := &Writer{render: renderLog, one: "log record", dump: "log dump", path: path}
	if err := w.open(true); err != nil {
		w.file, w.shared = os.Stdout, true
		return w, fmt.Errorf("cannot write the log dump to %q: %w; it goes to the standard output, unless LUMIGO_DEBUG_LOGDUMP is set to a file in a directory that exists and is writable", path, err)
	}
	return w, nil
}

func (w *Writer) open(truncate bool) error {
	switch w.path {
	case "/dev/stdout":
		w.file, w.shared = os.Stdout, true
		return nil
	case "/dev/stderr":
		w.file, w.shared = os.Stderr, true
		return nil
	}
	// Without O_NONBLOCK, opening a named pipe would wait for its reader.
	flags := os.O_WRONLY | os.O_CREATE | os.O_APPEND | syscall.O_NONBLOCK
	if truncate {
		flags |= os.O_TRUNC
	}
	file, err := os.OpenFile(w.path, flags, 0o600)
	if pathError := (*os.PathError)(nil); errors.As(err, &pathError) {
		err = pathError.Err
	}
	w.file = file
	return err
}

// Write appends a span, or a log record, to the dump, and is done with the bytes when it
// returns. The error of the first line that cannot be written says why; that of
// each later one, which is tried as well, is [ErrMissing].
func (w *Writer) Write(r *otlp.Resource, _ *otlp.Scope, span []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	err := w.write(r, span)
	if err == nil {
		return nil
	}
	if w.reported {
		return ErrMissing
	}
	w.reported = true
	if pathError := (*os.PathError)(nil); errors.As(err, &pathError) {
		err = pathError.Err
	}
	return fmt.Errorf("cannot write a %s to the %s %q: %w; %ss are missing there from now on", w.one, w.dump, w.path, err, w.one)
}

func (w *Writer) write(r *otlp.Resource, encoded []byte) error {
	if w.resource != r {
		w.resource, w.rendered = r, appendResource(w.rendered[:0], r)
	}
	w.line = w.line[:0]
	if w.torn { // let this line not be spoilt by the one before it
		w.line = append(w.line, '\n')
	}
	line, err := w.render(w.line, encoded, w.rendered)
	if err != nil {
		return err
	}
	w.line = append(line, '\n')
	if !w.shared {
		w.file.SetWriteDeadline(time.Now().Add(patience)) // files have none, and need none
	}
	n, err := w.file.Write(w.line)
	if n > 0 {
		w.torn = err != nil
	}
	return err
}

// Close closes the dump.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.shared {
		return nil
	}
	return w.file.Close()
}
