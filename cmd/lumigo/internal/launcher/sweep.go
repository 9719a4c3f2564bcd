package launcher

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	sweepDelay = time.Second // after the command's start, which is not to be held up
	leftover   = time.Hour   // an engine that is just being started does not listen yet
	mostSwept  = 10_000      // entries of one directory that are looked at
)

// sweep removes the directories of sockets whose engines were killed, as nobody else will: those in the given
// directories that are ours, an hour old, hold nothing but a socket, and where nobody listens.
func sweep(dirs []string) {
	for _, parent := range dirs {
		dir, err := os.Open(parent)
		if err != nil {
			continue
		}
		for seen := 0; err == nil && seen < mostSwept; {
			var entries []os.DirEntry
			entries, err = dir.ReadDir(256)
			seen += len(entries)
			for _, entry := range entries {
				if random, ok := strings.CutPrefix(entry.Name(), "lumigo-"); ok && strings.Trim(random, "0123456789abcdef") == "" {
					removeDead(filepath.Join(parent, entry.Name()))
				}
			}
		}
		dir.Close()
	}
}

// removeDead removes the directory if it is a dead engine's. It works with the directory that it has looked
// at, whatever becomes of the path.
func removeDead(path string) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	dir := os.NewFile(uintptr(fd), path)
	defer dir.Close()
	var info, socket unix.Stat_t
	if unix.Fstat(fd, &info) != nil || int(info.Uid) != os.Geteuid() || time.Since(time.Unix(info.Mtim.Unix())) < leftover {
		return
	}
	names, err := dir.Readdirnames(2)
	if err != nil || len(names) != 1 {
		return
	}
	name := names[0]
	if unix.Fstatat(fd, name, &socket, unix.AT_SYMLINK_NOFOLLOW) == nil && socket.Mode&unix.S_IFMT == unix.S_IFSOCK && isDead(fd, name) &&
		unix.Unlinkat(fd, name, 0) == nil {
		unix.Rmdir(path)
	}
}

// isDead says whether nobody listens at the socket any more. To ask costs the engine that does a connection
// without a greeting, which it is used to.
func isDead(dir int, name string) bool {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	path := "/proc/self/fd/" + strconv.Itoa(dir) + "/" + name
	return errors.Is(unix.Connect(fd, &unix.SockaddrUnix{Name: path}), unix.ECONNREFUSED)
}
