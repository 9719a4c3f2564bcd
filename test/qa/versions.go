package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A tested version is a line of a file of versions.
type tested struct {
	Version string
	Failed  bool
	Why     string
}

func (t tested) String() string {
	line := t.Version
	if t.Failed {
		line = "!" + line
	}
	if t.Why != "" {
		line += " # " + t.Why
	}
	return line
}

// parseTested reads a line; ok is false for an empty one.
func parseTested(line string) (t tested, ok bool) {
	version, why, _ := strings.Cut(line, "#")
	t.Version, t.Failed = strings.CutPrefix(strings.TrimSpace(version), "!")
	t.Why = strings.TrimSpace(why)
	return t, t.Version != ""
}

// A versionFile holds what was found out about a library on one CPython.
type versionFile string

func versionFileOf(root, python, library string) versionFile {
	return versionFile(filepath.Join(root, "python", "tested_versions", python, library))
}

// read lists the versions, oldest first; none when there is no file.
func (f versionFile) read() ([]tested, error) {
	content, err := os.ReadFile(string(f))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	var all []tested
	for line := range strings.Lines(string(content)) {
		if t, ok := parseTested(line); ok {
			all = append(all, t)
		}
	}
	slices.SortStableFunc(all, func(a, b tested) int { return compareVersions(a.Version, b.Version) })
	return all, err
}

// record puts a version into the file, in the place of what was known of it.
func (f versionFile) record(t tested) error {
	all, err := f.read()
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(old tested) bool { return old.Version == t.Version })
	all = append(all, t)
	slices.SortStableFunc(all, func(a, b tested) int { return compareVersions(a.Version, b.Version) })
	var b strings.Builder
	for _, t := range all {
		b.WriteString(t.String() + "\n")
	}
	if err := os.MkdirAll(filepath.Dir(string(f)), 0o755); err != nil {
		return err
	}
	return os.WriteFile(string(f), []byte(b.String()), 0o644)
}

// testedPythons lists the CPythons that there are files for, oldest first.
func testedPythons(root string) ([]string, error) {
	pythons, err := filepath.Glob(filepath.Join(root, "python", "tested_versions", "*"))
	for n, dir := range pythons {
		pythons[n] = filepath.Base(dir)
	}
	slices.SortFunc(pythons, compareVersions)
	return pythons, err
}
