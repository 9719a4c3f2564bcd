// Package page is the viewer's page: static files, which the program carries.
package page

import (
	"embed"
	"io/fs"
)

//go:embed index.html
var files embed.FS

// Files returns the files of the page; index.html is its entry.
func Files() fs.FS { return files }
