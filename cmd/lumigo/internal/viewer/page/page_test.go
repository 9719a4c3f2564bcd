package page

import (
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing"
)

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := fs.ReadFile(Files(), name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func each(t *testing.T, extension string, f func(t *testing.T, name, text string)) {
	t.Helper()
	n := 0
	err := fs.WalkDir(Files(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, extension) {
			return err
		}
		n++
		t.Run(name, func(t *testing.T) { f(t, name, read(t, name)) })
		return nil
	})
	if err != nil || n == 0 {
		t.Fatalf("%d files end in %s: %v", n, extension, err)
	}
}

// What a page refers to is there, and nobody else is asked for anything. The policy forbids it as well, but only once
// a browser gets there.
func TestPageIsWholeAndAsksNobodyElse(t *testing.T) {
	address := regexp.MustCompile(`(?:https?:)?//[\w-]+(\.[\w-]+)+`)
	imported := regexp.MustCompile(`(?m)^(?:import|export) (?:.* from )?'([^']+)'`)
	linked := regexp.MustCompile(`(?:href|src)="/([^"]+)"`)
	each(t, "", func(t *testing.T, name, text string) {
		for _, found := range address.FindAllString(text, -1) {
			if !strings.HasSuffix(found, "//www.w3.org") { // names of namespaces
				t.Errorf("it has an address: %s", found)
			}
		}
		for _, m := range imported.FindAllStringSubmatch(text, -1) {
			if _, err := fs.Stat(Files(), path.Join(path.Dir(name), m[1])); err != nil {
				t.Errorf("it imports what is not there: %v", err)
			}
		}
		if name == "index.html" {
			for _, m := range linked.FindAllStringSubmatch(text, -1) {
				if _, err := fs.Stat(Files(), m[1]); err != nil && !strings.HasPrefix(m[1], "api/") {
					t.Errorf("it links to what is not there: %v", err)
				}
			}
		}
	})
	styles, err := fs.Glob(Files(), "style/*.css")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range styles {
		if !strings.Contains(read(t, "index.html"), "/"+name) {
			t.Errorf("index.html does not link to %s", name)
		}
	}
}

// Data becomes text in one place, dom.js, and code nowhere.
func TestScriptsParseNoMarkupAndRunNoText(t *testing.T) {
	forbidden := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|setHTML|document\.write|DOMParser|createContextualFragment|srcdoc|\beval\b|new Function|javascript:`)
	each(t, ".js", func(t *testing.T, name, text string) {
		if found := forbidden.FindString(text); found != "" {
			t.Errorf("it has %s", found)
		}
		if name != "script/dom.js" && strings.Contains(text, "createTextNode") {
			t.Error("it makes text by itself, where characters that are not seen stay so")
		}
		if !strings.HasPrefix(text, "// ") {
			t.Error("it does not begin with what it is for")
		}
	})
}

// The policy allows no script and no style within the page.
func TestPageHasNothingInline(t *testing.T) {
	text := read(t, "index.html")
	for _, inline := range []string{`<script>`, `<style`, ` style=`, ` onload=`, ` onclick=`} {
		if strings.Contains(text, inline) {
			t.Errorf("index.html has %s", inline)
		}
	}
}
