// Package wheel packs the Python part and the engine into a wheel, so that an application is traced by what
// is in its site-packages: by the environment variable AUTOWRAPT_BOOTSTRAP=lumigo_opentelemetry, or by an
// import. The format is that of https://packaging.python.org/en/latest/specifications/binary-distribution-format/.
//
// The same input makes the same bytes, whenever and wherever it is packed.
package wheel

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"debug/elf"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/files"
)

// name is the distribution's and the package's, and the group of its entry point.
const name = "lumigo_opentelemetry"

// Options says what to pack.
type Options struct {
	Version  string
	Python   fs.FS  // the Python part
	Engine   []byte // the lumigo program, an ELF executable for Linux
	License  []byte
	Modified time.Time // of every file; what is not between 1980 and 2038, which zip can express, becomes so
}

// Wheel is a packed wheel.
type Wheel struct {
	Filename string // its tags say where it can be installed
	Content  []byte
}

// Build packs a wheel.
func Build(o Options) (*Wheel, error) {
	tags, err := tags(o.Engine)
	if err != nil {
		return nil, err
	}
	info := fmt.Sprintf("%s-%s.dist-info/", name, o.Version)
	entries, err := files.Of(o.Python)
	if err != nil {
		return nil, err
	}
	// A sitecustomize.py in site-packages would take the place of the user's.
	entries = slices.DeleteFunc(entries, func(f files.File) bool { return strings.HasPrefix(f.Path, "sitecustomize/") })
	entries = append(entries,
		files.File{Path: name + "/bin/lumigo", Content: o.Engine, Executable: true},
		files.File{Path: info + "METADATA", Content: metadata(o.Version)},
		files.File{Path: info + "WHEEL", Content: description(tags)},
		files.File{Path: info + "entry_points.txt", Content: []byte(entryPoints)},
		files.File{Path: info + "licenses/LICENSE", Content: o.License},
	)
	slices.SortFunc(entries, func(a, b files.File) int {
		// The standard wants the metadata at the end of the archive.
		if x, y := strings.HasPrefix(a.Path, info), strings.HasPrefix(b.Path, info); x != y {
			if x {
				return 1
			}
			return -1
		}
		return strings.Compare(a.Path, b.Path)
	})
	content, err := pack(append(entries, files.File{Path: info + "RECORD", Content: record(entries, info)}), o.Modified)
	if err != nil {
		return nil, err
	}
	return &Wheel{
		Filename: fmt.Sprintf("%s-%s-py3-none-%s.whl", name, o.Version, strings.Join(tags, ".")),
		Content:  content,
	}, nil
}

// tags gives the platforms that the engine runs on. A static program runs with every C library of its
// architecture, and needs Linux 3.2, which is older than what any of the tags promises. A dynamic one was
// linked to the libraries of one machine, and the wheel says so: package indexes refuse it.
func tags(engine []byte) ([]string, error) {
	file, err := elf.NewFile(bytes.NewReader(engine))
	if err != nil {
		return nil, fmt.Errorf("the engine is not a program for Linux: %w", err)
	}
	arch, known := map[elf.Machine]string{elf.EM_X86_64: "x86_64", elf.EM_AARCH64: "aarch64"}[file.Machine]
	if !known {
		return nil, fmt.Errorf("the engine is for %s: no wheel platform is known for it", file.Machine)
	}
	for _, segment := range file.Progs {
		if segment.Type == elf.PT_INTERP {
			return []string{"linux_" + arch}, nil
		}
	}
	// manylinux2014 is the older name of manylinux_2_17, for versions of pip that know no other.
	return []string{"manylinux2014_" + arch, "manylinux_2_17_" + arch, "musllinux_1_1_" + arch}, nil
}

const entryPoints = `[lumigo_opentelemetry]
string = lumigo_opentelemetry:auto_load
`

func metadata(version string) []byte {
	return fmt.Appendf(nil, `Metadata-Version: 2.4
Name: %s
Version: %s
Summary: Traces Python applications with no change to their code, and sends the spans to Lumigo or any OpenTelemetry backend
Project-URL: Source, https://github.com/lumigo-io/opentelemetry-distro
License-Expression: Apache-2.0
License-File: LICENSE
Requires-Python: >=3.7
Classifier: Operating System :: POSIX :: Linux
Classifier: Programming Language :: Python :: 3
Classifier: Programming Language :: Python :: Implementation :: CPython
Description-Content-Type: text/markdown

Set AUTOWRAPT_BOOTSTRAP=lumigo_opentelemetry in the environment of an application that has this package
installed, or import lumigo_opentelemetry as the first thing it does, and it is traced: the requests that it
serves and makes, and its SQL. Environment variables configure the rest: LUMIGO_TRACER_TOKEN sends the spans to
Lumigo, OTEL_EXPORTER_OTLP_ENDPOINT to any other OpenTelemetry backend, LUMIGO_SWITCH_OFF=true turns the
package into nothing at all.

It needs no other package.
`, name, version)
}

func description(platforms []string) []byte {
	b := []byte("Wheel-Version: 1.0\nGenerator: lumigo\nRoot-Is-Purelib: false\n")
	for _, platform := range platforms {
		b = fmt.Appendf(b, "Tag: py3-none-%s\n", platform)
	}
	return b
}

// record lists every file with its hash; of itself, only the name.
func record(entries []files.File, info string) []byte {
	var b []byte
	for _, e := range entries {
		sum := sha256.Sum256(e.Content)
		b = fmt.Appendf(b, "%s,sha256=%s,%d\n", e.Path, base64.RawURLEncoding.EncodeToString(sum[:]), len(e.Content))
	}
	return fmt.Appendf(b, "%sRECORD,,\n", info)
}

// The times that every reader of zip files understands.
var (
	firstDay = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)
	lastDay  = time.Date(2038, 1, 1, 0, 0, 0, 0, time.UTC)
)

func pack(entries []files.File, modified time.Time) ([]byte, error) {
	if modified.Before(firstDay) {
		modified = firstDay
	} else if modified.After(lastDay) {
		modified = lastDay
	}
	var buffer bytes.Buffer
	archive := zip.NewWriter(&buffer)
	archive.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestCompression)
	})
	for _, e := range entries {
		header := &zip.FileHeader{
			Name:     e.Path,
			Method:   zip.Deflate,
			Modified: modified.UTC(),
		}
		header.SetMode(e.Mode())
		w, err := archive.CreateHeader(header)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(e.Content); err != nil {
			return nil, err
		}
	}
	if err := archive.Close(); err != nil {
		return nil, err
	}
	return buffer.Bytes(), nil
}
