package doctor

import (
	"fmt"
	"path/filepath"
	"strings"
)

func lookAtCommand(x *examination, f *findings) {
	p := x.program
	route := ""
	if len(p.route) > 0 {
		route = strings.Join(p.route, " → ") + " → "
	}
	switch p.kind {
	case notStarted:
		f.problem(p.remedy, "%s%s", route, p.why)
	case foreign:
		f.problem("lumigo run traces Python, and lumigo go what Go builds", "%s%s", route, p.why)
	case unknown:
		f.warning(p.remedy, "%sit cannot be told what would be traced: %s", route, p.why)
	case python:
		if script := p.subject(); script != "" && script[0] != '-' && !exists(p.absolute(script)) {
			f.problem("check the path, and the directory that the command starts in: "+p.dir, "%s%s would run %s, which is not there", route, p.path, script)
			return
		}
		f.ok("%s", strings.TrimSpace(route+strings.Join(append([]string{p.path}, p.flags...), " ")+" "+p.subject()))
	case goCommand:
		f.ok("%sgo %s", route, strings.Join(p.args, " "))
	case goProgram:
		f.ok("%s%s, a program built by %s", route, p.path, p.build.GoVersion)
	}
}

// subject is what an interpreter runs, without its arguments: a file, a module, or a text.
func (p *program) subject() string {
	switch {
	case len(p.args) == 0 || p.args[0] == "-" || p.args[0] == "":
		return ""
	case p.args[0] == "-m" && len(p.args) > 1:
		return "-m " + p.args[1]
	case p.args[0] == "--" && len(p.args) > 1:
		return p.args[1]
	case strings.HasPrefix(p.args[0], "-c"):
		return "-c …"
	}
	return p.args[0]
}

func lookAtEnvironment(x *examination, f *findings) {
	p := x.program
	if p.kind != python && p.kind != goProgram {
		return
	}
	if p.clears != "" {
		f.problem(fmt.Sprintf("put lumigo behind it: %s … lumigo run -- %s", p.clears, filepath.Base(p.path)),
			"%s starts it in an environment of its own, without the variables that start and configure the tracing", p.clears)
		return
	}
	if i, _ := x.interpreter(); p.kind == python && x.losesPath(i) {
		f.problem("set it in front of lumigo run, or add to what is there: PYTHONPATH=…:$PYTHONPATH",
			"%s takes away the PYTHONPATH by which tracing reaches Python", p.replaces)
		return
	}
	f.ok("it gets what it needs")
}

// losesPath reports whether the command takes away the PYTHONPATH by which tracing would have reached the interpreter.
func (x *examination) losesPath(i *interpreter) bool {
	a, _ := x.activation(i)
	return x.program.replaces != "" && a == byLauncher
}
