package weaver

import (
	"fmt"
	"strings"
	"testing"
)

func TestWithModule(t *testing.T) {
	ours := "require github.com/lumigo-io/opentelemetry-distro v0.0.0-woven\n"
	for name, test := range map[string]struct {
		text            string
		keeps, removes  string
		requiredAlready bool
	}{
		"of a program that knows nothing of us": {text: "module a\n\nrequire b v1.0.0\n", keeps: "require b v1.0.0"},
		"that requires us":                      {text: "module a\nrequire " + modulePath + " v1.2.3 // a reason\n", keeps: " v1.2.3 // a", requiredAlready: true},
		"that requires us in a block":           {text: "module a\nrequire (\n\tb v1.0.0\n\t" + modulePath + " v1.2.3\n)\n", keeps: "b v1.0.0", requiredAlready: true},
		"that replaces us":                      {text: "module a\nreplace " + modulePath + " => ../x\n", removes: "../x"},
		"that replaces us in a block":           {text: "module a\nreplace (\n\tb => ../b\n\t" + modulePath + " v1.0.0 => ../x\n)\n", keeps: "b => ../b", removes: "../x"},
		"that requires a part of ours":          {text: "module a\nrequire " + modulePath + "/other v1.0.0\n", keeps: "/other v1.0.0"},
	} {
		got := string(withModule([]byte(test.text), "/cache/module"))
		if !strings.Contains(got, test.keeps) || test.removes != "" && strings.Contains(got, test.removes) || strings.Contains(got, ours) == test.requiredAlready ||
			!strings.Contains(got, "replace "+modulePath+` => "/cache/module"`+"\n") {
			t.Errorf("go.mod %s: got:\n%s", name, got)
		}
	}
}

func TestParseVendored(t *testing.T) {
	var b strings.Builder
	for _, m := range parseVendored(`## workspace
# a.example/x v1.0.0
## explicit; go 1.20
a.example/x
a.example/x/y
# b.example/z v0.0.0-2020 => ../z
## explicit
b.example/z
# c.example/none v1.0.0 => d.example/none v1.1.0
## explicit; go 1.13
# b.example/z => ../z
`) {
		fmt.Fprintf(&b, "%+v\n", *m)
	}
	const want = `{path:a.example/x version:v1.0.0 language:1.20 hasPackages:true}
{path:b.example/z version:v0.0.0-2020 language: hasPackages:true}
{path:c.example/none version:v1.0.0 language:1.13 hasPackages:false}
`
	if b.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", b.String(), want)
	}
}

func TestDirective(t *testing.T) {
	const text = `module a

replace ( // (why)
	b => ../b // because (of it)
	c v1.0.0 => d v1.0.0
)

require e v1.0.0
replace f => ../f
replacement
`
	const want = "module a\n\n\n\nrequire e v1.0.0\n\nreplacement\n"
	if got := string(directive("replace").ReplaceAll([]byte(text), nil)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
