package diag

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Level says how grave a line is. A logger prints the lines at its own level
// and above; a logger at [Off] prints nothing.
type Level int

// The levels, least grave first.
const (
	Debug Level = iota
	Info
	Warning
	Error
	Off
)

// String gives the level's name as it stands in a log line.
func (l Level) String() string {
	switch l {
	case Debug:
		return "DEBUG"
	case Info:
		return "INFO"
	case Warning:
		return "WARNING"
	case Error:
		return "ERROR"
	case Off:
		return "OFF"
	}
	return "Level(" + strconv.Itoa(int(l)) + ")"
}

// ParseLevel reads a level by any of the names in use for OTEL_LOG_LEVEL, in
// any case: those of [Level.String], and all, trace, verbose, warn, fatal,
// critical, none.
func ParseLevel(s string) (Level, bool) {
	switch strings.ToLower(s) {
	case "all", "trace", "verbose", "debug":
		return Debug, true
	case "info":
		return Info, true
	case "warn", "warning":
		return Warning, true
	case "error", "fatal", "critical":
		return Error, true
	case "none", "off":
		return Off, true
	}
	return Info, false
}

// Logger writes log lines. It is safe for concurrent use, and a nil *Logger
// discards everything. A line that cannot be written is given up: there is
// nowhere left to report it.
type Logger struct {
	now func() time.Time

	mu      sync.Mutex
	w       io.Writer
	level   Level
	secrets []string
	line    []byte
}

// New returns a logger that makes one call of w.Write for each line at level
// or above.
func New(w io.Writer, level Level) *Logger {
	return &Logger{w: w, level: level, now: time.Now}
}

// minSecret is the length in bytes from which a text can be a secret. Hiding a
// shorter one would only tear holes in every line.
const minSecret = 8

// Redact makes every later line show **** where it would show one of secrets.
// Those of fewer than 8 bytes are ignored.
func (l *Logger) Redact(secrets ...string) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, secret := range secrets {
		if len(secret) < minSecret {
			continue
		}
		l.secrets = append(l.secrets, secret)
		// The form that %q gives it, should it hold quotes or line breaks.
		quoted := strconv.Quote(secret)
		l.secrets = append(l.secrets, quoted[1:len(quoted)-1])
	}
	slices.Sort(l.secrets)
	l.secrets = slices.Compact(l.secrets)
	// Longest first, so that a secret within a secret leaves no remains.
	slices.SortStableFunc(l.secrets, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
}

// Level returns the level from which lines are printed; [Off] for a nil logger.
func (l *Logger) Level() Level {
	if l == nil {
		return Off
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.level
}

// SetLevel changes the level from which lines are printed.
func (l *Logger) SetLevel(level Level) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.level = level
}

// Debugf writes a line for whoever looks for the reason of something.
func (l *Logger) Debugf(format string, args ...any) { l.Printf(Debug, format, args...) }

// Infof writes a line that says what happens, nothing being wrong.
func (l *Logger) Infof(format string, args ...any) { l.Printf(Info, format, args...) }

// Warningf writes a line about something that the user may want to change.
func (l *Logger) Warningf(format string, args ...any) { l.Printf(Warning, format, args...) }

// Errorf writes a line about something that does not work.
func (l *Logger) Errorf(format string, args ...any) { l.Printf(Error, format, args...) }

// Printf writes a line at level, for callers that hold the level as a value.
func (l *Logger) Printf(level Level, format string, args ...any) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if level < l.level || level >= Off {
		return
	}
	text := fmt.Sprintf(format, args...)
	for _, secret := range l.secrets {
		text = strings.ReplaceAll(text, secret, "****")
	}
	l.line = append(l.line[:0], "#LUMIGO# - "...)
	l.line = l.now().AppendFormat(l.line, "2006-01-02 15:04:05,000")
	l.line = append(l.line, " - "...)
	l.line = append(l.line, level.String()...)
	l.line = append(l.line, " - "...)
	l.line = appendOneLine(l.line, text)
	l.line = append(l.line, '\n')
	l.w.Write(l.line)
}

// appendOneLine escapes what could forge a second line or drive a terminal.
// Everything else, invalid UTF-8 included, passes as it is.
func appendOneLine(dst []byte, text string) []byte {
	for i := range len(text) {
		switch c := text[i]; {
		case c == '\n':
			dst = append(dst, `\n`...)
		case c == '\r':
			dst = append(dst, `\r`...)
		case c < ' ' && c != '\t', c == 0x7f:
			dst = fmt.Appendf(dst, `\x%02x`, c)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
