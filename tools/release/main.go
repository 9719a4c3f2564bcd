// Release makes what is published of a version: for each architecture a static program with its manual pages and
// completion, a wheel, and a bill of materials; and the checksums of them all.
//
//	GOWORK=off go -C tools run ./release -o ../dist
//
// The same commit, built by the same release of Go, makes the same bytes, whoever builds it, where and when. The
// files are of 1980, or of the time that SOURCE_DATE_EPOCH says.
package main

import (
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

var architectures = []string{"amd64", "arm64"}

func main() {
	dir := flag.String("o", "dist", "`directory` to put the release into; it must be empty or not exist")
	flag.Parse()
	if err := release(*dir); err != nil {
		fmt.Fprintln(os.Stderr, "release: error:", err)
		os.Exit(1)
	}
}

func release(dist string) error {
	dist, err := filepath.Abs(dist)
	if err != nil {
		return err
	}
	if entries, err := os.ReadDir(dist); err == nil && len(entries) > 0 {
		return fmt.Errorf("%s is not empty: give another directory, or remove what is there", dist)
	}
	if err := os.MkdirAll(dist, 0o755); err != nil {
		return err
	}
	root, err := repository()
	if err != nil {
		return err
	}
	modified, err := sourceDate()
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "lumigo-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)

	native := filepath.Join(work, "lumigo")
	if err := build(root, runtime.GOARCH, native); err != nil {
		return err
	}
	out, err := run(root, nil, native, "version")
	if err != nil {
		return err
	}
	version := strings.TrimSpace(strings.TrimPrefix(out, "lumigo "))
	extras, err := documents(root, work, native)
	if err != nil {
		return err
	}
	for _, arch := range architectures {
		program := filepath.Join(work, "lumigo-"+arch)
		if err := build(root, arch, program); err != nil {
			return err
		}
		name := fmt.Sprintf("lumigo_%s_linux_%s", version, arch)
		content, err := os.ReadFile(program)
		if err != nil {
			return err
		}
		files := append([]file{{"lumigo", content, 0o755}}, extras...)
		if err := writeArchive(filepath.Join(dist, name+".tar.gz"), name, files, modified); err != nil {
			return err
		}
		if _, err := run(root, nil, native, "wheel", "--engine", program, "-o", dist); err != nil {
			return err
		}
		if err := writeBill(filepath.Join(dist, name+".cdx.json"), version, content); err != nil {
			return err
		}
	}
	return writeSums(dist)
}

// repository is the top directory, which is where go.work is.
func repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir, nil
		}
	}
	return "", errors.New("this is to be run inside the repository")
}

func sourceDate() (time.Time, error) {
	value := os.Getenv("SOURCE_DATE_EPOCH")
	if value == "" {
		return time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC), nil
	}
	seconds, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH=%s is not a number of seconds since 1970", value)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// build makes the program, linked statically and without a trace of where. It stands outside of the workspace, so
// that versions are those of its own go.mod and no other module's.
func build(root, arch, output string) error {
	fmt.Fprintf(os.Stderr, "release: building for linux/%s\n", arch)
	environ := []string{"GOWORK=off", "GOFLAGS=-trimpath", "CGO_ENABLED=0", "GOOS=linux", "GOARCH=" + arch, "GOAMD64=v1", "GOARM64=v8.0"}
	_, err := run(root, environ, "go", "-C", "cmd/lumigo", "build", "-buildvcs=auto", "-ldflags=-s -w -buildid=", "-o", output, ".")
	return err
}

// documents are the files that go with the program.
func documents(root, work, native string) ([]file, error) {
	man := filepath.Join(work, "man")
	if _, err := run(root, nil, native, "man", man); err != nil {
		return nil, err
	}
	files := []file{}
	for _, name := range []string{"LICENSE", "README.md", "CHANGELOG.md"} {
		content, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return nil, err
		}
		files = append(files, file{name, content, 0o644})
	}
	for shell, name := range map[string]string{"bash": "bash/lumigo", "zsh": "zsh/_lumigo", "fish": "fish/lumigo.fish"} {
		script, err := run(root, nil, native, "completion", shell)
		if err != nil {
			return nil, err
		}
		files = append(files, file{"completion/" + name, []byte(script), 0o644})
	}
	pages, err := os.ReadDir(man)
	if err != nil {
		return nil, err
	}
	for _, page := range pages {
		content, err := os.ReadFile(filepath.Join(man, page.Name()))
		if err != nil {
			return nil, err
		}
		files = append(files, file{"man/man1/" + page.Name(), content, 0o644})
	}
	return files, nil
}

func run(dir string, environ []string, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), environ...)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", filepath.Base(name), strings.Join(args, " "), err, complaint.String())
	}
	return string(out), nil
}

// writeSums writes SHA256SUMS, as sha256sum --check reads it.
func writeSums(dist string) error {
	entries, err := os.ReadDir(dist)
	if err != nil {
		return err
	}
	var sums []byte
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(dist, entry.Name()))
		if err != nil {
			return err
		}
		sums = fmt.Appendf(sums, "%x  %s\n", sha256.Sum256(content), entry.Name())
	}
	return os.WriteFile(filepath.Join(dist, "SHA256SUMS"), sums, 0o644)
}
