package container

import (
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
)

// Container is what a command runs in.
type Container struct {
	Root     string  // a directory that becomes the root file system
	Bare     bool    // whether that is all; otherwise the machine's programs are there too
	Writable bool    // whether the command may write to Root
	Mounts   []Mount // what else there is
	User     int     // and group; 0 is root
	Env      []string
	Dir      string // where the command starts; / if empty, and in a bare container
}

// Mount is a directory or file of this machine that the container has as well.
type Mount struct {
	Source, Target string // neither with white space
	Writable       bool
}

//go:embed run.sh
var script string

// Unavailable is an error if no container can be run here.
func Unavailable() error {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		return errors.New("containers need Linux and root")
	}
	if out, err := exec.Command("unshare", "--mount", "--pid", "--fork", "mount", "--make-rprivate", "/").CombinedOutput(); err != nil {
		return fmt.Errorf("no namespaces can be made here: %v: %s", err, out)
	}
	return nil
}

// Command is what to execute to have argv executed in the container, and the variables to do so with.
func (c Container) Command(argv ...string) (command, env []string) {
	var mounts strings.Builder
	for _, m := range c.Mounts {
		fmt.Fprintln(&mounts, m.Source, m.Target, mode(m.Writable))
	}
	chroot := []string{"/usr/sbin/chroot", fmt.Sprintf("--userspec=%d:%d", c.User, c.User), "--groups=", c.Root}
	clean := append([]string{"/usr/bin/env", "-i"}, c.Env...)
	system := "yes"
	if c.Bare {
		system = "no"
		argv = slices.Concat(clean, chroot, argv)
	} else {
		dir := cmp.Or(c.Dir, "/")
		argv = slices.Concat(chroot, []string{"/bin/sh", "-c", `cd "$0" && exec "$@"`, dir}, clean, argv)
	}
	return append([]string{"unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", `eval "$SCRIPT"`, "sh"}, argv...), []string{
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
		"SCRIPT=" + script,
		"ROOT=" + c.Root,
		"SYSTEM=" + system,
		"MOUNTS=" + mounts.String(),
		"WRITE=" + mode(c.Writable),
	}
}

func mode(writable bool) string {
	if writable {
		return "rw"
	}
	return "ro"
}
