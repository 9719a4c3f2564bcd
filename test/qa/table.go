package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const (
	tableBegin = "<!-- begin of what go run ./test/qa writes -->\n"
	tableEnd   = "<!-- end -->\n"
)

// documentation is the text of docs/python-libraries.md with its table made anew from the files of versions.
func documentation(root string) (path, text string, err error) {
	path = filepath.Join(root, "docs", "python-libraries.md")
	content, err := os.ReadFile(path)
	if err != nil {
		return path, "", err
	}
	before, rest, begins := strings.Cut(string(content), tableBegin)
	_, after, ends := strings.Cut(rest, tableEnd)
	if !begins || !ends {
		return path, "", fmt.Errorf("%s has lost the lines between which the table stands", path)
	}
	table, err := table(root)
	return path, before + tableBegin + table + tableEnd + after, err
}

func table(root string) (string, error) {
	pythons, err := testedPythons(root)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("| library | CPython | versions that passed | failed |\n|---|---|---|---|\n")
	for _, l := range libraries {
		for _, python := range pythons {
			all, err := versionFileOf(root, python, l.name).read()
			if err != nil {
				return "", err
			}
			if len(all) == 0 {
				continue
			}
			var passed, failed []string
			for _, t := range all {
				switch {
				case !t.Failed:
					passed = append(passed, t.Version)
				case t.Why != "":
					failed = append(failed, t.Version+" ("+t.Why+")")
				default:
					failed = append(failed, t.Version)
				}
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", l.name, python, strings.Join(passed, ", "), strings.Join(failed, ", "))
		}
	}
	return b.String(), nil
}
