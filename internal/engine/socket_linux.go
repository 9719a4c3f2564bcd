package engine

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"unsafe"
)

// listen makes the socket in a new directory below parent that nobody can list,
// and that every user can connect to: the app may run as another.
func listen(parent string) (fd int, path string, err error) {
	dir, err := os.MkdirTemp(parent, "lumigo-")
	if err != nil {
		return -1, "", fmt.Errorf("cannot make a directory for the engine's socket: %w", err)
	}
	path = filepath.Join(dir, "engine")
	if fd, err = bind(path); err == nil {
		if err = os.Chmod(dir, 0o711); err == nil {
			return fd, path, nil
		}
		syscall.Close(fd)
	}
	os.RemoveAll(dir)
	return -1, "", fmt.Errorf("cannot listen on the engine's socket %q: %w", path, err)
}

func bind(path string) (fd int, err error) {
	const longest = len(syscall.RawSockaddrUnix{}.Path) - 1
	if len(path) > longest {
		return -1, fmt.Errorf("the path has %d bytes, and a socket's at most %d; set TMPDIR to a shorter one", len(path), longest)
	}
	fd, err = syscall.Socket(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if err = syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}); err == nil {
		if err = os.Chmod(path, 0o666); err == nil {
			if err = syscall.Listen(fd, mostConns); err == nil {
				return fd, nil
			}
		}
	}
	syscall.Close(fd)
	return -1, err
}

// inherit takes over a listening socket that was opened by somebody else.
func inherit(f *os.File) (fd int, path string, err error) {
	defer f.Close()
	fd = -1
	raw, err := f.SyscallConn()
	if err != nil {
		return -1, "", err
	}
	if e := raw.Control(func(old uintptr) { fd, err = dup(int(old)) }); e != nil || err != nil {
		return -1, "", fmt.Errorf("cannot use the inherited socket: %w", errors.Join(e, err))
	}
	kind, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TYPE)
	if err == nil && kind != syscall.SOCK_SEQPACKET {
		err = errors.New("it is no SOCK_SEQPACKET socket")
	}
	name, e := syscall.Getsockname(fd)
	unix, ok := name.(*syscall.SockaddrUnix)
	if err == nil && (e != nil || !ok) {
		err = errors.New("it is no unix socket")
	}
	if err == nil {
		err = syscall.SetNonblock(fd, true)
	}
	if err != nil {
		syscall.Close(fd)
		return -1, "", fmt.Errorf("cannot use the inherited socket: %w", err)
	}
	return fd, unix.Name, nil
}

func dup(fd int) (int, error) {
	n, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_DUPFD_CLOEXEC, 3)
	if errno != 0 {
		return -1, errno
	}
	return int(n), nil
}

// passCredentials asks the kernel for the sender's pid on every message.
// Connections inherit this from the listener, so the first message has it too.
func passCredentials(fd int) error {
	return syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_PASSCRED, 1)
}

// accept returns the next connection and its peer's uid; -1 means that none waits.
func accept(listener int) (fd int, uid uint32, err error) {
	for {
		fd, _, err = syscall.Accept4(listener, syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC)
		switch err {
		case nil:
			peer, err := syscall.GetsockoptUcred(fd, syscall.SOL_SOCKET, syscall.SO_PEERCRED)
			if err == nil {
				err = passCredentials(fd)
			}
			if err != nil {
				syscall.Close(fd)
				return -1, 0, err
			}
			return fd, peer.Uid, nil
		case syscall.EINTR, syscall.ECONNABORTED:
		case syscall.EAGAIN:
			return -1, 0, nil
		default:
			return -1, 0, err
		}
	}
}

// message is what receive found.
type message struct {
	size      int
	pid       int // of the sender, by the kernel's word; 0 when it lives in a pid namespace we cannot see
	fd        int // a file descriptor that came with it, which the caller closes, or -1
	truncated bool
}

var errEmpty = errors.New("no message waits")

// control has room for the sender's credentials and one file descriptor, so
// that the kernel itself discards any more that somebody may send us.
type control [(unsafe.Sizeof(syscall.Cmsghdr{})+7)&^7 + (syscall.SizeofUcred+7)&^7 + (unsafe.Sizeof(syscall.Cmsghdr{})+7)&^7 + 4]byte

// read takes the sender's pid, if it is told, and a descriptor.
func (c *control) read(size int, m *message) (told bool) {
	for rest := c[:size]; len(rest) >= syscall.SizeofCmsghdr; {
		h := (*syscall.Cmsghdr)(unsafe.Pointer(&rest[0]))
		length := int(h.Len)
		if length < syscall.SizeofCmsghdr || length > len(rest) {
			return told
		}
		if data := rest[syscall.CmsgLen(0):length]; h.Level == syscall.SOL_SOCKET {
			switch {
			case h.Type == syscall.SCM_CREDENTIALS && len(data) >= syscall.SizeofUcred:
				m.pid, told = int((*syscall.Ucred)(unsafe.Pointer(&data[0])).Pid), true
			case h.Type == syscall.SCM_RIGHTS:
				for ; len(data) >= 4; data = data[4:] {
					if m.fd >= 0 {
						syscall.Close(m.fd)
					}
					m.fd = int(*(*int32)(unsafe.Pointer(&data[0])))
				}
			}
		}
		rest = rest[min(syscall.CmsgSpace(length-syscall.CmsgLen(0)), len(rest)):]
	}
	return told
}

// receive reads one message without waiting. It returns errEmpty when there is
// none and io.EOF after the last.
func receive(fd int, buf []byte, oob *control) (message, error) {
	for {
		n, oobn, flags, _, err := syscall.Recvmsg(fd, buf, oob[:], syscall.MSG_DONTWAIT|syscall.MSG_CMSG_CLOEXEC)
		switch err {
		case nil:
		case syscall.EINTR:
			continue
		case syscall.ECONNRESET:
			// The peer has closed without reading our last answer. What it
			// sent before is still there; the error is reported only once.
			continue
		case syscall.EAGAIN:
			return message{}, errEmpty
		default:
			return message{}, err
		}
		m := message{size: n, fd: -1, truncated: flags&syscall.MSG_TRUNC != 0}
		if told := oob.read(oobn, &m); !told && n == 0 {
			return m, io.EOF // an empty message would have had credentials
		}
		return m, nil
	}
}

// send writes one message without waiting: a peer that does not read gets none.
func send(fd int, b []byte) error {
	_, err := syscall.SendmsgN(fd, b, nil, nil, syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL)
	return err
}

func closeSocket(fd int) { syscall.Close(fd) }

// A poller waits for many sockets at once. It has its own epoll set, which
// alone is in the Go runtime's, for one reason: a socket whose event has been
// reported stays silent until it is armed again, so that a process that writes
// to a connection being read does not pay for waking anybody.
type poller struct {
	fd     int
	file   *os.File
	raw    syscall.RawConn
	events [64]syscall.EpollEvent
}

func newPoller() (*poller, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	if err := syscall.SetNonblock(fd, true); err != nil { // tells os.NewFile to poll it
		syscall.Close(fd)
		return nil, err
	}
	p := &poller{fd: fd, file: os.NewFile(uintptr(fd), "epoll")}
	p.raw, err = p.file.SyscallConn()
	return p, err
}

// add starts to watch a socket, once or for ever; arm watches once more.
func (p *poller) add(fd int, once bool) error {
	return p.ctl(syscall.EPOLL_CTL_ADD, fd, once)
}

func (p *poller) arm(fd int) error { return p.ctl(syscall.EPOLL_CTL_MOD, fd, true) }

func (p *poller) remove(fd int) { p.ctl(syscall.EPOLL_CTL_DEL, fd, true) }

func (p *poller) ctl(op, fd int, once bool) error {
	event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)}
	if once {
		event.Events |= 1 << 30 // EPOLLONESHOT
	}
	return syscall.EpollCtl(p.fd, op, fd, &event)
}

// wait blocks until sockets have something to read, and appends them to ready.
// It fails once the poller is closed.
func (p *poller) wait(ready []int) ([]int, error) {
	var n int
	var failed error
	err := p.raw.Read(func(fd uintptr) bool {
		n, failed = syscall.EpollWait(int(fd), p.events[:], 0)
		return n > 0 || failed != nil && failed != syscall.EINTR
	})
	if err == nil {
		err = failed
	}
	for _, event := range p.events[:max(n, 0)] {
		ready = append(ready, int(event.Fd))
	}
	return ready, err
}

func (p *poller) close() { p.file.Close() }

// processStart returns when pid started, in the kernel's own count, which tells
// a process from a later one with the same pid; false when pid is gone, or dead
// and waiting for its parent to notice.
func processStart(pid int) (start string, alive bool) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return "", !os.IsNotExist(err) && !errors.Is(err, syscall.ESRCH)
	}
	text := string(stat)
	// pid (command) state …; the command may hold anything, parentheses too.
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) < 20 {
		return "", true
	}
	return fields[19], fields[0] != "Z" && fields[0] != "X"
}

const (
	addSeals = 1033            // F_ADD_SEALS
	sealSize = 0x1 | 0x2 | 0x4 // F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW
)

// mapShared maps memory that a process shares. It must be a memfd, whose size is
// sealed first: memory that can shrink would kill whoever reads it.
func mapShared(fd int) ([]byte, error) {
	if _, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), addSeals, sealSize); errno != 0 {
		return nil, fmt.Errorf("sealing its size failed: %w", errno)
	}
	var stat syscall.Stat_t
	if err := syscall.Fstat(fd, &stat); err != nil {
		return nil, err
	}
	if stat.Size < ringData+leastRing || stat.Size > ringData+mostRing {
		return nil, fmt.Errorf("it has %d bytes", stat.Size)
	}
	return syscall.Mmap(fd, 0, int(stat.Size), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
}

func unmap(memory []byte) { syscall.Munmap(memory) }
