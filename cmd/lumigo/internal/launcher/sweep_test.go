package launcher

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// engineDir makes a directory like an engine's, in which it listens, or did before it was killed.
func engineDir(t *testing.T, path string, alive bool, age time.Duration) string {
	t.Helper()
	if err := os.Mkdir(path, 0o711); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Chdir(path) // a socket's path has to be short
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: "engine"}); err != nil {
		t.Fatal(err)
	}
	if alive {
		t.Cleanup(func() { unix.Close(fd) })
		unix.Listen(fd, 1)
	} else {
		unix.Close(fd)
	}
	setAge(t, path, age)
	return path
}

func setAge(t *testing.T, path string, age time.Duration) {
	if err := os.Chtimes(path, time.Time{}, time.Now().Add(-age)); err != nil {
		t.Fatal(err)
	}
}

func TestOnlyWhatKilledEnginesLeftIsRemoved(t *testing.T) {
	const old = 2 * time.Hour
	top := t.TempDir()
	at := func(name string) string { return filepath.Join(top, name) }

	gone := []string{
		engineDir(t, at("lumigo-1234567890"), false, old),
		engineDir(t, at("lumigo-0123456789abcdef"), false, old), // of the Python part
	}
	stay := []string{
		engineDir(t, at("lumigo-11"), true, old),
		engineDir(t, at("lumigo-12"), false, time.Minute),
		engineDir(t, at("lumigo-mine"), false, old),
		engineDir(t, at("other-13"), false, old),
	}
	more := engineDir(t, at("lumigo-14"), false, old)
	empty, file, data, link := at("lumigo-15"), at("lumigo-16"), at("lumigo-17"), at("lumigo-18")
	os.Mkdir(empty, 0o755)
	os.Mkdir(data, 0o755)
	for _, path := range []string{filepath.Join(more, "notes"), file, filepath.Join(data, "engine")} {
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	target := engineDir(t, filepath.Join(t.TempDir(), "lumigo-19"), false, old)
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{more, empty, file, data} {
		setAge(t, path, old)
	}
	stay = append(stay, more, empty, file, data, link, target, filepath.Join(more, "engine"), filepath.Join(target, "engine"))
	if os.Geteuid() == 0 {
		theirs := engineDir(t, at("lumigo-20"), false, old)
		os.Chown(theirs, 12345, 12345)
		stay = append(stay, theirs)
	}

	sweep([]string{filepath.Join(top, "missing"), top})
	for _, path := range gone {
		if _, err := os.Lstat(path); err == nil {
			t.Errorf("%s is still there", path)
		}
	}
	for _, path := range stay {
		if _, err := os.Lstat(path); err != nil {
			t.Error(err)
		}
	}
}

// TestLauncherSweeps runs a command that waits until its launcher has removed what another one left.
func TestLauncherSweeps(t *testing.T) {
	dead := engineDir(t, filepath.Join(t.TempDir(), "lumigo-21"), false, 2*time.Hour)
	runLauncher(t, []string{"TMPDIR=" + filepath.Dir(dead)}, "", "sh", "-c", "while [ -e "+dead+" ]; do sleep 0.05; done")
}
