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

  --json   as a JSON object, whose keys stay what they are: version, go, platform, and,
           if the build knows them, commit, date (of the commit) and modified (true if
           the program was built from something else than that commit)
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
	vcs := sourceOfBuild()
	text, err := json.Marshal(struct {
		Version  string `json:"version"`
		Commit   string `json:"commit,omitempty"`
		Date     string `json:"date,omitempty"`
		Modified bool   `json:"modified,omitempty"`
		Go       string `json:"go"`
		Platform string `json:"platform"`
	}{python.Version(), vcs["vcs.revision"], vcs["vcs.time"], vcs["vcs.modified"] == "true", runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH})
	if err != nil {
		return fail(statusFailed, err, "")
	}
	return tell(os.Stdout, string(text)+"\n")
}

// sourceOfBuild is what the go command could tell about what this program was built from.
func sourceOfBuild() map[string]string {
	settings := map[string]string{}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range info.Settings {
			settings[setting.Key] = setting.Value
		}
	}
	return settings
}
