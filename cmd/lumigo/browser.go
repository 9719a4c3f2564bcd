package main

import (
	"os"
	"os/exec"
	"runtime"
)

// openBrowser shows a page to whoever sits in front of this machine, if anybody does. Its address is printed anyway, so
// nothing is said if that fails.
func openBrowser(address string) {
	command := "xdg-open"
	switch {
	case os.Getenv("BROWSER") != "":
		command = os.Getenv("BROWSER")
	case runtime.GOOS == "darwin":
		command = "open"
	case os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "":
		return
	}
	cmd := exec.Command(command, address)
	if cmd.Start() == nil {
		go cmd.Wait()
	}
}
