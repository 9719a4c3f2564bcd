package container_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/test/container"
)

// What the other tests rely on: the command is alone, is who it should be, and can write only where it may.
func TestContainer(t *testing.T) {
	if err := container.Unavailable(); err != nil {
		t.Skip("SKIP:", err)
	}
	volume := t.TempDir()
	if err := os.Chmod(volume, 0o777); err != nil {
		t.Fatal(err)
	}
	c := container.Container{
		Root:   t.TempDir(),
		Mounts: []container.Mount{{Source: volume, Target: "/mnt/rw", Writable: true}, {Source: volume, Target: "/mnt/ro"}},
		User:   1234,
		Env:    []string{"GREETING=good morning"},
		Dir:    "/mnt",
	}
	command, env := c.Command("sh", "-c", `
		echo "pid $$ user $(id -u):$(id -g):$(id -G) in $(pwd) $GREETING"
		for dir in / /usr /etc /dev /mnt /mnt/ro /mnt/rw /dev/shm; do
			if ( : >$dir/file ) 2>/dev/null; then echo "can write to $dir"; fi
		done
		ls /tmp /root /home 2>/dev/null
		exit 3`)
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = env
	out, err := cmd.Output()
	want := "pid 1 user 1234:1234:1234 in /mnt good morning\ncan write to /mnt/rw\ncan write to /dev/shm\n"
	if string(out) != want {
		t.Errorf("it said\n%s\nwant\n%s\n%v", out, want, err)
	}
	if cmd.ProcessState.ExitCode() != 3 {
		t.Errorf("it ended with %v, want status 3", cmd.ProcessState)
	}
	if _, err := os.Stat(volume + "/file"); err != nil {
		t.Errorf("the volume is not the one that was mounted: %v", err)
	}
	if mounts, _ := os.ReadFile("/proc/self/mounts"); strings.Contains(string(mounts), c.Root) {
		t.Errorf("mounts were left behind:\n%s", mounts)
	}
}
