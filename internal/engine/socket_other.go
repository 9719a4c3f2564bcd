//go:build !linux

package engine

import (
	"errors"
	"os"
)

var errLinuxOnly = errors.New("the engine needs Linux: its socket and the sender's pid on every message exist nowhere else")

func listen(string) (int, string, error)          { return -1, "", errLinuxOnly }
func inherit(*os.File) (int, string, error)       { return -1, "", errLinuxOnly }
func passCredentials(int) error                   { return errLinuxOnly }
func accept(int) (int, uint32, error)             { return -1, 0, errLinuxOnly }
func send(int, []byte) error                      { return errLinuxOnly }
func closeSocket(int)                             {}
func mapShared(int) ([]byte, error)               { return nil, errLinuxOnly }
func unmap([]byte)                                {}
func processStart(int) (start string, alive bool) { return "", true }

type message struct {
	size, pid, fd int
	truncated     bool
}

var errEmpty = errors.New("no message waits")

type control [1]byte

func receive(int, []byte, *control) (message, error) { return message{}, errLinuxOnly }

type poller struct{}

func newPoller() (*poller, error)               { return nil, errLinuxOnly }
func (*poller) add(int, bool) error             { return errLinuxOnly }
func (*poller) arm(int) error                   { return errLinuxOnly }
func (*poller) remove(int)                      {}
func (*poller) wait(ready []int) ([]int, error) { return ready, errLinuxOnly }
func (*poller) close()                          {}
