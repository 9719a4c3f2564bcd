package launcher

import (
	"os"
	"slices"
	"strings"

	"github.com/lumigo-io/opentelemetry-distro/internal/handover"
)

// environment is what the command gets: the user's, plus extra, with dir first on the path that Python
// imports from, so that the sitecustomize.py there runs when an interpreter starts.
//
// Each name occurs once. Of the user's duplicates the first is kept: it is the one that getenv(3), and so
// Python, would have seen.
func environment(user, extra []string, dir string) []string {
	pythonPath := []string{dir}
	index := map[string]int{}
	env := make([]string, 0, len(user)+len(extra)+1)
	for _, entry := range user {
		name, value, _ := strings.Cut(entry, "=")
		if _, seen := index[name]; seen || name == handover.Variable {
			continue // of an engine that the launcher's own process was given
		}
		if name == "PYTHONPATH" {
			// An empty PYTHONPATH means none, but an empty entry in a longer one is the current directory.
			if value != "" && len(pythonPath) == 1 {
				rest := slices.DeleteFunc(strings.Split(value, string(os.PathListSeparator)), func(entry string) bool { return entry == dir })
				pythonPath = append(pythonPath, rest...)
			}
			continue
		}
		index[name] = len(env)
		env = append(env, entry)
	}
	for _, entry := range append(extra, "PYTHONPATH="+strings.Join(pythonPath, string(os.PathListSeparator))) {
		name, _, _ := strings.Cut(entry, "=")
		if i, seen := index[name]; seen {
			env[i] = entry
			continue
		}
		index[name] = len(env)
		env = append(env, entry)
	}
	return env
}

func lookup(environ []string, name string) (string, bool) {
	for _, entry := range environ {
		if key, value, found := strings.Cut(entry, "="); found && key == name {
			return value, true
		}
	}
	return "", false
}
