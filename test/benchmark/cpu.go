package main

import (
	"errors"
	"fmt"
	"math/bits"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"
)

const onArgument = "on-a-cpu"

// separate leaves the first CPU to the programs that are started by what it returns, and keeps this process, its threads
// and what else it starts to the others until restore is called. Where a program shares its CPU with whom it asks, or
// with who exports its spans, what it finds in its caches is a matter of chance, and decides what it takes. With one CPU
// there is nothing to separate.
func separate() (on []string, restore func(), err error) {
	var all cpus
	if err := all.ofThread(syscall.SYS_SCHED_GETAFFINITY, 0); err != nil {
		return nil, nil, err
	}
	others, first := all, 0
	for n, word := range all {
		if word != 0 {
			others[n] &= word - 1
			first = 64*n + bits.TrailingZeros64(word)
			break
		}
	}
	if others == (cpus{}) {
		return nil, func() {}, nil
	}
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	return []string{self, onArgument, strconv.Itoa(first)}, func() { all.ofProcess() }, others.ofProcess()
}

// onCPU is the program that separate returns: it becomes argv, on a CPU.
func onCPU(cpu string, argv []string) error {
	n, err := strconv.Atoi(cpu)
	if err != nil {
		return err
	}
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return err
	}
	var one cpus
	one[n/64] = 1 << (n % 64)
	runtime.LockOSThread()
	if err := one.ofThread(syscall.SYS_SCHED_SETAFFINITY, 0); err != nil {
		return err
	}
	return syscall.Exec(path, argv, os.Environ())
}

// cpus is a set of those that a thread may run on.
type cpus [16]uint64

func (c *cpus) ofThread(call uintptr, id int) error {
	if _, _, errno := syscall.Syscall(call, uintptr(id), unsafe.Sizeof(*c), uintptr(unsafe.Pointer(c))); errno != 0 {
		return fmt.Errorf("CPUs of a thread: %w", errno)
	}
	return nil
}

// ofProcess sets them for all threads of this process; those to come have them from whichever begins them.
func (c *cpus) ofProcess() error {
	for range 2 { // one may have been begun meanwhile
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return err
		}
		for _, thread := range threads {
			id, err := strconv.Atoi(thread.Name())
			if err != nil {
				return err
			}
			if err := c.ofThread(syscall.SYS_SCHED_SETAFFINITY, id); err != nil && !errors.Is(err, syscall.ESRCH) {
				return err
			}
		}
	}
	return nil
}
