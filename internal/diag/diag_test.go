package diag

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"
)

// logger returns a logger at level whose clock stands still, and what it wrote.
func logger(level Level) (*Logger, *bytes.Buffer) {
	var out bytes.Buffer
	l := New(&out, level)
	l.now = func() time.Time { return time.Date(2026, 1, 2, 15, 4, 5, 678_999_999, time.UTC) }
	return l, &out
}

func TestLine(t *testing.T) {
	for _, test := range []struct {
		name, text, want string
	}{
		{"the original's layout", "text", "#LUMIGO# - 2026-01-02 15:04:05,678 - WARNING - text\n"},
		{"any language", "Größe 寸法", "#LUMIGO# - 2026-01-02 15:04:05,678 - WARNING - Größe 寸法\n"},
		{"no second line", "one\r\n#LUMIGO# - two", `#LUMIGO# - 2026-01-02 15:04:05,678 - WARNING - one\r\n#LUMIGO# - two` + "\n"},
		{"no control of the terminal", "a\tb\x1b[31m\x7f", `#LUMIGO# - 2026-01-02 15:04:05,678 - WARNING - a` + "\t" + `b\x1b[31m\x7f` + "\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			l, out := logger(Info)
			l.Warningf("%s", test.text)
			if got := out.String(); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestLevels(t *testing.T) {
	for _, test := range []struct {
		level Level
		want  string
	}{
		{Debug, "DEBUG INFO WARNING ERROR"},
		{Info, "INFO WARNING ERROR"},
		{Warning, "WARNING ERROR"},
		{Error, "ERROR"},
		{Off, ""},
	} {
		t.Run(test.level.String(), func(t *testing.T) {
			l, out := logger(Debug)
			l.SetLevel(test.level)
			if l.Level() != test.level {
				t.Errorf("Level() = %v after SetLevel(%v)", l.Level(), test.level)
			}
			l.Debugf("")
			l.Infof("")
			l.Warningf("")
			l.Errorf("")
			l.Printf(Off, "a line at level Off")
			var got []string
			for line := range strings.Lines(out.String()) {
				got = append(got, strings.Split(line, " - ")[2])
			}
			if got := strings.Join(got, " "); got != test.want {
				t.Errorf("printed %q, want %q", got, test.want)
			}
		})
	}
}

func TestParseLevel(t *testing.T) {
	for text, want := range map[string]Level{
		"debug": Debug, "verbose": Debug, "all": Debug, "INFO": Info, "Warn": Warning, "warning": Warning,
		"error": Error, "fatal": Error, "none": Off, "off": Off,
	} {
		if got, ok := ParseLevel(text); !ok || got != want {
			t.Errorf("ParseLevel(%q) = %v, %v, want %v", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "loud", " info", "3"} {
		if got, ok := ParseLevel(text); ok {
			t.Errorf("ParseLevel(%q) = %v, want it refused", text, got)
		}
	}
	for level := Debug; level <= Off; level++ {
		if got, ok := ParseLevel(level.String()); !ok || got != level {
			t.Errorf("ParseLevel(%q) = %v, %v, want the level back", level.String(), got, ok)
		}
	}
}

func TestRedact(t *testing.T) {
	for _, test := range []struct {
		name    string
		secrets []string
		text    string
		want    string
	}{
		{"anywhere, any number of times", []string{"t_012345"}, "t_012345, x=t_012345y", "****, x=****y"},
		{"what is too short to be a secret hides nothing", []string{"", "tex"}, "text", "text"},
		{"a secret within a secret", []string{"abcdefgh", "abcdefghijk"}, "abcdefghijk abcdefgh", "**** ****"},
		{"a secret that %q escapes", []string{"abc\"\ndef"}, `value "abc\"\ndef"`, `value "****"`},
		{"a secret that the line escapes", []string{"abcd\nefg"}, "abcd\nefg", "****"},
	} {
		t.Run(test.name, func(t *testing.T) {
			l, out := logger(Info)
			for _, secret := range test.secrets {
				l.Redact(secret)
			}
			l.Infof("%s", test.text)
			_, got, _ := strings.Cut(out.String(), " - INFO - ")
			if got != test.want+"\n" {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestNilLoggerDiscards(t *testing.T) {
	var l *Logger
	l.Errorf("nobody hears this")
	l.Redact("secret")
	l.SetLevel(Debug)
	if l.Level() != Off {
		t.Errorf("Level() = %v, want OFF", l.Level())
	}
}

// lines fails the test when a write is not one whole line.
type lines struct{ t *testing.T }

func (w lines) Write(p []byte) (int, error) {
	if !bytes.HasPrefix(p, []byte("#LUMIGO# - ")) || bytes.IndexByte(p, '\n') != len(p)-1 {
		w.t.Errorf("wrote %q, want one line", p)
	}
	return len(p), nil
}

func TestLoggerConcurrentSafe(t *testing.T) {
	l := New(lines{t}, Debug)
	var all sync.WaitGroup
	for range 8 {
		all.Add(1)
		go func() {
			defer all.Done()
			for range 100 {
				l.Infof("line %d", 1)
				l.Redact("secret")
				l.SetLevel(l.Level())
			}
		}()
	}
	all.Wait()
}
