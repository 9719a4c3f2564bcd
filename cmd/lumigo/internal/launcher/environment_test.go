package launcher

import (
	"os"
	"os/exec"
	"slices"
	"testing"
)

func TestEnvironmentOfTheCommand(t *testing.T) {
	ours := []string{"LUMIGO_ENGINE=k@/s"}
	for name, tt := range map[string]struct {
		user, want []string
	}{
		"an empty one":                         {nil, []string{"LUMIGO_ENGINE=k@/s", "PYTHONPATH=/dir"}},
		"the user's stays":                     {[]string{"A=1", "B=", "C=x=y"}, []string{"A=1", "B=", "C=x=y", "LUMIGO_ENGINE=k@/s", "PYTHONPATH=/dir"}},
		"PYTHONPATH comes after ours":          {[]string{"PYTHONPATH=/a::/b"}, []string{"LUMIGO_ENGINE=k@/s", "PYTHONPATH=/dir:/a::/b"}},
		"an empty PYTHONPATH is none":          {[]string{"PYTHONPATH="}, []string{"LUMIGO_ENGINE=k@/s", "PYTHONPATH=/dir"}},
		"of duplicates the first":              {[]string{"A=1", "PYTHONPATH=/a", "A=2", "PYTHONPATH=/b"}, []string{"A=1", "LUMIGO_ENGINE=k@/s", "PYTHONPATH=/dir:/a"}},
		"a launcher in a launcher":             {[]string{"PYTHONPATH=/dir:/a", "LUMIGO_ENGINE=detached:old@/old"}, []string{"LUMIGO_ENGINE=k@/s", "PYTHONPATH=/dir:/a"}},
		"what is no variable is passed on too": {[]string{"=odd", "odd"}, []string{"=odd", "odd", "LUMIGO_ENGINE=k@/s", "PYTHONPATH=/dir"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := environment(tt.user, ours, "/dir"); !slices.Equal(got, tt.want) {
				t.Errorf("environment %q,\nwant %q", got, tt.want)
			}
		})
	}
}

func TestHintsForCommandsThatAreNotThere(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"app.py", "tool"} {
		if err := os.WriteFile(name, nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	hints := map[string]string{
		"--config": "flags of lumigo stand before the command: lumigo run [flags] -- COMMAND ARGS...",
		"app.py":   "start it with its interpreter: lumigo run -- python3 app.py",
		"tool":     "a file of that name is in this directory: lumigo run -- ./tool",
		"nothing":  "",
		"./no":     "",
	}
	if _, err := exec.LookPath("python3"); err == nil {
		hints["python"] = "there is a python3: lumigo run -- python3 ..."
	}
	for command, want := range hints {
		if got := meant(command); got != want {
			t.Errorf("hint for %q is %q, want %q", command, got, want)
		}
	}
}

func TestRunsPython(t *testing.T) {
	dir := t.TempDir()
	for name, tt := range map[string]struct {
		content string
		want    bool
	}{
		"python3.12": {"\x7fELF", true},
		"gunicorn":   {"#!/venv/bin/python\nimport sys\n", true},
		"flask":      {"#!/usr/bin/env -S python3 -u\n", true},
		"long-path":  {"#!/bin/sh\n'''exec' /very/long/venv/bin/python \"$0\" \"$@\"\n' '''\n", true},
		"shell":      {"#!/bin/sh\necho python\n", false},
		"program":    {"\x7fELF python", false},
		"empty":      {"", false},
	} {
		if err := os.WriteFile(dir+"/"+name, []byte(tt.content), 0o755); err != nil {
			t.Fatal(err)
		}
		if got := runsPython(dir + "/" + name); got != tt.want {
			t.Errorf("%s runs Python: %v, want %v", name, got, tt.want)
		}
	}
}
