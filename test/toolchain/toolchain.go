// Package toolchain lets a suite build its Go programs with another toolchain than the one that it is compiled with:
//
//	LUMIGO_TEST_TOOLCHAIN=go1.25.14 go test ./test/goapp
package toolchain

import (
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/lumigo-io/opentelemetry-distro/test/pythonenv"
)

// Choose makes the go commands that this process starts from now on those of LUMIGO_TEST_TOOLCHAIN, if that is set.
// The error says why they cannot be had; the suite is then to be skipped.
func Choose() error {
	version := os.Getenv("LUMIGO_TEST_TOOLCHAIN")
	if version == "" {
		return nil
	}
	if _, err := pythonenv.Lumigo(); err != nil { // which wants our own toolchain
		return err
	}
	cmd := exec.Command("go", "version")
	cmd.Dir, cmd.Env = os.TempDir(), append(os.Environ(), "GOTOOLCHAIN="+version, "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("the toolchain of LUMIGO_TEST_TOOLCHAIN=%s cannot be had: %s", version, strings.TrimSpace(string(out)))
	}
	return os.Setenv("GOTOOLCHAIN", version)
}
