package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/lumigo-io/opentelemetry-distro/test/pythonenv"
)

// A journal keeps the results of a run until it has come to its end, one a line of JSON, for --resume. There is one for
// each repository and selection.
type journal string

// openJournal begins a journal, or returns the results of the one that an interrupted run of the selection has left.
func openJournal(root string, asked selection, resume bool) (journal, []result, error) {
	dir, err := pythonenv.CacheDir()
	if err != nil {
		return "", nil, err
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %+v", root, asked))
	j := journal(filepath.Join(dir, fmt.Sprintf("qa-%x.jsonl", sum[:6])))
	if !resume {
		return j, nil, j.remove()
	}
	results, err := j.read()
	return j, results, err
}

func (j journal) read() ([]result, error) {
	content, err := os.ReadFile(string(j))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	var results []result
	for line := range bytes.Lines(content) {
		var r result
		if json.Unmarshal(line, &r) == nil { // else it was being written when the run was killed
			results = append(results, r)
		}
	}
	return results, err
}

func (j journal) add(r result) error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(string(j), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Close())
}

func (j journal) remove() error {
	if err := os.Remove(string(j)); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
