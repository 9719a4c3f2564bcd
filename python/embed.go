// Package python holds the Python part, to be unpacked for `lumigo run` and packed into a wheel.
//
// It stands in the root module only because go:embed does not reach into another one.
package python

import (
	"embed"
	"io/fs"
	"strings"
)

// The patterns name files, not directories: go:embed would leave out a directory's files that begin with an
// underscore, and take in what an interpreter compiled.
//
//go:embed sitecustomize/sitecustomize.py lumigo_opentelemetry.pth
//go:embed lumigo_opentelemetry/VERSION lumigo_opentelemetry/*.py lumigo_opentelemetry/hooks/*.py
var files embed.FS

// Files is the Python part:
//
//	lumigo_opentelemetry/              the package
//	lumigo_opentelemetry.pth           what starts it from site-packages
//	sitecustomize/sitecustomize.py     what starts it from PYTHONPATH
func Files() fs.FS { return files }

//go:embed lumigo_opentelemetry/VERSION
var version string

// Version is the version of the distribution, for Python and for Go: this file is the one place it stands in.
func Version() string { return strings.TrimSpace(version) }
