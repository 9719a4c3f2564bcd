package packages

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"debug/elf"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestRelease makes a release twice, in two places, at two times and for two kinds of people, and then looks at
// what is in it.
func TestRelease(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: a release is built twice")
	}
	here := release(t, "distro", "umask 022")
	there := release(t, "a longer path", "umask 077; export TZ=Pacific/Auckland LC_ALL=C USER=somebody")

	entries, err := os.ReadDir(here)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
		a, errA := os.ReadFile(filepath.Join(here, entry.Name()))
		b, errB := os.ReadFile(filepath.Join(there, entry.Name()))
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Errorf("%s is another one if it is made elsewhere (%v, %v)", entry.Name(), errA, errB)
		}
	}
	version, _, _ := strings.Cut(strings.TrimPrefix(names[1], "lumigo_"), "_linux")
	want := []string{
		"SHA256SUMS",
		"lumigo_" + version + "_linux_amd64.cdx.json",
		"lumigo_" + version + "_linux_amd64.tar.gz",
		"lumigo_" + version + "_linux_arm64.cdx.json",
		"lumigo_" + version + "_linux_arm64.tar.gz",
		"lumigo_opentelemetry-" + version + "-py3-none-manylinux2014_aarch64.manylinux_2_17_aarch64.musllinux_1_1_aarch64.whl",
		"lumigo_opentelemetry-" + version + "-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.musllinux_1_1_x86_64.whl",
	}
	if !slices.Equal(names, want) {
		t.Fatalf("the release is %q, want %q", names, want)
	}

	t.Run("sums", func(t *testing.T) {
		output(t, here, nil, "sha256sum", "--check", "--strict", "SHA256SUMS")
	})
	for arch, machine := range map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64} {
		t.Run(arch, func(t *testing.T) {
			name := "lumigo_" + version + "_linux_" + arch
			files := unpack(t, filepath.Join(here, name+".tar.gz"))
			for _, file := range []string{"LICENSE", "man/man1/lumigo-run.1", "completion/bash/lumigo", "completion/zsh/_lumigo", "completion/fish/lumigo.fish"} {
				if len(files[name+"/"+file]) == 0 {
					t.Errorf("the archive has no %s", file)
				}
			}
			program, err := elf.NewFile(bytes.NewReader(files[name+"/lumigo"]))
			if err != nil {
				t.Fatal(err)
			}
			if program.Machine != machine {
				t.Errorf("the program is for %v, want %v", program.Machine, machine)
			}
			for _, segment := range program.Progs {
				if segment.Type == elf.PT_INTERP || segment.Type == elf.PT_DYNAMIC {
					t.Errorf("the program is not static: it has %v", segment.Type)
				}
			}
		})
	}
	t.Run("bills of materials", func(t *testing.T) {
		python := checker(t).Python
		for _, arch := range []string{"amd64", "arm64"} {
			bill := one(t, filepath.Join(here, "*_"+arch+".cdx.json"))
			output(t, here, nil, python, "-c", `
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
error = JsonStrictValidator(SchemaVersion.V1_7).validate_str(open(sys.argv[1]).read())
sys.exit(str(error) if error else 0)`, bill)
			content, err := os.ReadFile(bill)
			if err != nil {
				t.Fatal(err)
			}
			for _, component := range []string{"pkg:golang/std@1.", "pkg:golang/golang.org/x/sys@v0.", "linux/" + arch} {
				if !strings.Contains(string(content), component) {
					t.Errorf("%s lacks %q", filepath.Base(bill), component)
				}
			}
		}
	})
	t.Run("wheels", func(t *testing.T) {
		env := checker(t)
		for _, platform := range []string{"x86_64", "aarch64"} {
			wheel := one(t, filepath.Join(here, "*_"+platform+".whl"))
			output(t, here, nil, env.Bin("twine"), "check", "--strict", wheel)
			output(t, here, nil, env.Bin("check-wheel-contents"), wheel)
		}
	})
}

// release makes a release of a copy of the repository that has that name, and returns where it is.
func release(t *testing.T, name, before string) string {
	t.Helper()
	root := copyOfRepository(t, name)
	output(t, root, []string{"GOWORK=off"}, "sh", "-c", before+"; go -C tools run ./release -o ../dist")
	return filepath.Join(root, "dist")
}

func unpack(t *testing.T, path string) map[string][]byte {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	compressed, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	archive := tar.NewReader(compressed)
	for {
		header, err := archive.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[header.Name], err = io.ReadAll(archive); err != nil {
			t.Fatal(err)
		}
	}
}
