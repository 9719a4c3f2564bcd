package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/lumigo-io/opentelemetry-distro/python"
)

const versionHelp = `Print the version of the distribution.

usage: lumigo version [--json]

  --json   as a JSON object, whose keys stay what they are: version, commit (if the
           build knows it), go, platform
`

func printVersion(flags *flag.FlagSet, args []string) int {
	asJSON := flags.Bool("json", false, "")
	if status, done := parse(flags, args, versionHelp); done {
		return status
	}
	if status, done := noArguments(flags); done {
		return status
	}
	if !*asJSON {
		return tell(os.Stdout, fmt.Sprintf("lumigo %s\n", python.Version()))
	}
	text, err := json.Marshal(struct {
		Version  string `json:"version"`
		Commit   string `json:"commit,omitempty"`
		Go       string `json:"go"`
		Platform string `json:"platform"`
	}{python.Version(), commit(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH})
	if err != nil {
		return fail(statusFailed, err, "")
	}
	return tell(os.Stdout, string(text)+"\n")
}

// commit is what the build was made from, where the go command could tell.
func commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			return setting.Value
		}
	}
	return ""
}
