package wheel_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/wheel"
)

var part = fstest.MapFS{
	"lumigo_opentelemetry/__init__.py":        {Data: []byte("def auto_load(_): print('loaded')\n")},
	"lumigo_opentelemetry/_core.py":           {Data: []byte("core = True\n")},
	"lumigo_opentelemetry/hooks/__init__.py":  {Data: nil},
	"lumigo_opentelemetry.pth":                {Data: []byte("import sys\n")},
	"sitecustomize/sitecustomize.py":          {Data: []byte("for the launcher alone\n")},
	"lumigo_opentelemetry/VERSION":            {Data: []byte("1.2.3\n")},
	"lumigo_opentelemetry/hooks/http_seam.py": {Data: []byte("hook = True\n")},
}

// program is the smallest ELF executable; it is statically linked unless interpreted.
func program(machine elf.Machine, interpreted bool) []byte {
	header := elf.Header64{
		Ident: [16]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_EXEC), Machine: uint16(machine), Version: uint32(elf.EV_CURRENT),
		Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 1, Shentsize: 64,
	}
	segment := elf.Prog64{Type: uint32(elf.PT_LOAD)}
	if interpreted {
		segment.Type = uint32(elf.PT_INTERP)
	}
	var b bytes.Buffer
	binary.Write(&b, binary.LittleEndian, header)
	binary.Write(&b, binary.LittleEndian, segment)
	return b.Bytes()
}

func build(t *testing.T, engine []byte) *wheel.Wheel {
	t.Helper()
	w, err := wheel.Build(wheel.Options{Version: "1.2.3", Python: part, Engine: engine, License: []byte("Apache License\n")})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestFilenameSaysWhereTheEngineRuns(t *testing.T) {
	for name, tt := range map[string]struct {
		engine []byte
		want   string
	}{
		"a static program runs everywhere":      {program(elf.EM_X86_64, false), "manylinux2014_x86_64.manylinux_2_17_x86_64.musllinux_1_1_x86_64"},
		"on another architecture":               {program(elf.EM_AARCH64, false), "manylinux2014_aarch64.manylinux_2_17_aarch64.musllinux_1_1_aarch64"},
		"a dynamic program promises no library": {program(elf.EM_X86_64, true), "linux_x86_64"},
	} {
		t.Run(name, func(t *testing.T) {
			w := build(t, tt.engine)
			if want := "lumigo_opentelemetry-1.2.3-py3-none-" + tt.want + ".whl"; w.Filename != want {
				t.Errorf("filename %q, want %q", w.Filename, want)
			}
			for _, platform := range strings.Split(tt.want, ".") {
				if text := string(read(t, w, "lumigo_opentelemetry-1.2.3.dist-info/WHEEL")); !strings.Contains(text, "Tag: py3-none-"+platform+"\n") {
					t.Errorf("no tag for %s in WHEEL:\n%s", platform, text)
				}
			}
		})
	}
}

func TestWhatIsNoProgramIsRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		engine []byte
		want   string
	}{
		"a script":                 {[]byte("#!/bin/sh\n"), "not a program for Linux"},
		"an unknown architecture":  {program(elf.EM_68K, false), "EM_68K"},
		"a program for no machine": {program(elf.EM_NONE, false), "EM_NONE"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := wheel.Build(wheel.Options{Version: "1.2.3", Python: part, Engine: tt.engine})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one about %q", err, tt.want)
			}
		})
	}
}

func TestSameInputMakesTheSameBytes(t *testing.T) {
	engine := program(elf.EM_X86_64, false)
	if a, b := build(t, engine), build(t, engine); !bytes.Equal(a.Content, b.Content) {
		t.Error("two wheels of the same input differ")
	}
}

func TestFilesAreOfTheTimeThatIsAskedFor(t *testing.T) {
	for name, tt := range map[string]struct{ modified, want time.Time }{
		"none":                  {time.Time{}, time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)},
		"before zip's calendar": {time.Unix(0, 0), time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)},
		"after it":              {time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2038, 1, 1, 0, 0, 0, 0, time.UTC)},
		"in another zone":       {time.Date(2026, 1, 2, 5, 4, 6, 0, time.FixedZone("", 2*60*60)), time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC)},
	} {
		t.Run(name, func(t *testing.T) {
			w, err := wheel.Build(wheel.Options{Version: "1.2.3", Python: part, Engine: program(elf.EM_X86_64, false), Modified: tt.modified})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range open(t, w).File {
				if !f.Modified.Equal(tt.want) {
					t.Errorf("%s is of %v, want %v", f.Name, f.Modified, tt.want)
				}
			}
		})
	}
}

func TestFilesOfTheWheel(t *testing.T) {
	engine := program(elf.EM_X86_64, false)
	w := build(t, engine)
	var names []string
	for _, f := range open(t, w).File {
		names = append(names, f.Mode().String()+" "+f.Name)
	}
	want := []string{
		"-rw-r--r-- lumigo_opentelemetry.pth",
		"-rw-r--r-- lumigo_opentelemetry/VERSION",
		"-rw-r--r-- lumigo_opentelemetry/__init__.py",
		"-rw-r--r-- lumigo_opentelemetry/_core.py",
		"-rwxr-xr-x lumigo_opentelemetry/bin/lumigo",
		"-rw-r--r-- lumigo_opentelemetry/hooks/__init__.py",
		"-rw-r--r-- lumigo_opentelemetry/hooks/http_seam.py",
		"-rw-r--r-- lumigo_opentelemetry-1.2.3.dist-info/METADATA",
		"-rw-r--r-- lumigo_opentelemetry-1.2.3.dist-info/WHEEL",
		"-rw-r--r-- lumigo_opentelemetry-1.2.3.dist-info/entry_points.txt",
		"-rw-r--r-- lumigo_opentelemetry-1.2.3.dist-info/licenses/LICENSE",
		"-rw-r--r-- lumigo_opentelemetry-1.2.3.dist-info/RECORD",
	}
	if !slices.Equal(names, want) {
		t.Errorf("files:\n%s\nwant:\n%s", strings.Join(names, "\n"), strings.Join(want, "\n"))
	}
	if !bytes.Equal(read(t, w, "lumigo_opentelemetry/bin/lumigo"), engine) {
		t.Error("the engine is not what was given")
	}
	metadata := string(read(t, w, "lumigo_opentelemetry-1.2.3.dist-info/METADATA"))
	for _, line := range []string{"Name: lumigo_opentelemetry", "Version: 1.2.3", "Requires-Python: >=3.7", "License-Expression: Apache-2.0"} {
		if !strings.Contains(metadata, line+"\n") {
			t.Errorf("METADATA lacks %q:\n%s", line, metadata)
		}
	}
}

func TestRecordVouchesForEveryFile(t *testing.T) {
	w := build(t, program(elf.EM_X86_64, false))
	const name = "lumigo_opentelemetry-1.2.3.dist-info/RECORD"
	var want strings.Builder
	for _, f := range open(t, w).File {
		if f.Name == name {
			continue
		}
		content := read(t, w, f.Name)
		sum := sha256.Sum256(content)
		fmt.Fprintf(&want, "%s,sha256=%s,%d\n", f.Name, base64.RawURLEncoding.EncodeToString(sum[:]), len(content))
	}
	want.WriteString(name + ",,\n")
	if got := string(read(t, w, name)); got != want.String() {
		t.Errorf("RECORD:\n%s\nwant:\n%s", got, want.String())
	}
}

// The standard's own reader: pip, in an environment without setuptools, from no index.
func TestPipInstallsIt(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: -short: pip is slow")
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("SKIP: the wheel is not tried: there is no python3 here")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	engine, err := os.ReadFile(self) // any program that this machine can run
	if err != nil {
		t.Fatal(err)
	}
	w := build(t, engine)
	dir := t.TempDir()
	file := filepath.Join(dir, w.Filename)
	if err := os.WriteFile(file, w.Content, 0o644); err != nil {
		t.Fatal(err)
	}
	venv := filepath.Join(dir, "venv")
	if out, err := exec.Command(python, "-m", "venv", "--without-pip", venv).CombinedOutput(); err != nil {
		t.Skipf("SKIP: the wheel is not tried: python3 -m venv: %v\n%s", err, out)
	}
	if out, err := exec.Command(python, "-m", "pip", "--version").CombinedOutput(); err != nil {
		t.Skipf("SKIP: the wheel is not tried: %v\n%s", err, out)
	}
	inside := filepath.Join(venv, "bin", "python")
	purelib := output(t, inside, "-c", "import sysconfig; print(sysconfig.get_paths()['platlib'])")
	out := output(t, python, "-m", "pip", "--disable-pip-version-check", "install", "--no-index", "--no-deps", "--target", purelib, file)
	if !strings.Contains(out, "Successfully installed lumigo_opentelemetry-1.2.3") && !strings.Contains(out, "Successfully installed lumigo-opentelemetry-1.2.3") {
		t.Errorf("pip said:\n%s", out)
	}
	info, err := os.Stat(filepath.Join(purelib, "lumigo_opentelemetry", "bin", "lumigo"))
	if err != nil || info.Mode().Perm()&0o111 != 0o111 {
		t.Errorf("the engine is not executable where pip put it: %v %v", info, err)
	}
	// What the package autowrapt does at the start of an interpreter.
	if got := output(t, inside, "-c", `
try:
    from importlib.metadata import distribution
    [e] = [e for e in distribution("lumigo_opentelemetry").entry_points if e.group == "lumigo_opentelemetry"]
    e.load()(None)
except ImportError:  # Python 3.7
    import lumigo_opentelemetry
    lumigo_opentelemetry.auto_load(None)
`); got != "loaded" {
		t.Errorf("the entry point printed %q", got)
	}
}

func output(t *testing.T, command ...string) string {
	t.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v\n%s", command, err, out)
	}
	return strings.TrimSpace(string(out))
}

func open(t *testing.T, w *wheel.Wheel) *zip.Reader {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(w.Content), int64(len(w.Content)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func read(t *testing.T, w *wheel.Wheel, name string) []byte {
	t.Helper()
	f, err := open(t, w).Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	content, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
