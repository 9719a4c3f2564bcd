// Package page is what the viewer shows in a browser: a static page that asks the viewer's HTTP API and nobody else.
//
// It is made of HTML, CSS and ES modules as browsers take them, with no framework and no build step; script/app.js
// is where it starts.
package page

import (
	"embed"
	"io/fs"
)

//go:embed index.html icon.svg script style
var files embed.FS

// Files returns the files of the page by their paths in its addresses; index.html is its entry, and stands for every
// address of a view, such as /trace/{traceId}.
func Files() fs.FS { return files }
