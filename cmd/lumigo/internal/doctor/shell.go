package doctor

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// throughShell goes on to what a shell runs: the text after -c, or a file.
func (p *program) throughShell(ctx context.Context, depth int) {
	name, args := filepath.Base(p.args[0]), p.args[1:]
	if name == "busybox" && len(args) > 0 {
		args = args[1:]
	}
	isText := false
	for len(args) > 0 && len(args[0]) > 1 && strings.ContainsAny(args[0][:1], "-+") {
		option := args[0]
		args = args[1:]
		if option == "--" {
			break
		}
		if !strings.HasPrefix(option, "--") {
			isText = isText || strings.Contains(option, "c")
			if strings.HasSuffix(option, "o") && len(args) > 0 { // as in -o pipefail
				args = args[1:]
			}
		}
	}
	if len(args) == 0 {
		p.end(unknown, name+" reads its commands from standard input", "")
		return
	}
	if isText {
		p.route = append(p.route, name+" -c")
		zero, params := name, []string(nil)
		if len(args) > 1 {
			zero, params = args[1], args[2:]
		}
		p.runShell(ctx, args[0], zero, params, depth)
		return
	}
	text, err := os.ReadFile(p.absolute(args[0]))
	if err != nil {
		p.end(notStarted, "the shell script cannot be read: "+err.Error(), "check its path")
		return
	}
	script := filepath.Base(args[0])
	if last := len(p.route) - 1; last >= 0 && p.route[last] == script {
		p.route = p.route[:last] // env has named it
	}
	p.route = append(p.route, "shell script "+script)
	p.runShell(ctx, string(text), args[0], args[1:], depth)
}

// runShell goes on to the program that a shell's commands come down to: of those that are Python or Go, the one
// that replaces the shell, or else the last. Branches are not decided: both count.
func (p *program) runShell(ctx context.Context, text, zero string, params []string, depth int) {
	file, err := syntax.NewParser().Parse(strings.NewReader(text), "")
	if err != nil {
		p.end(unknown, "the shell's commands cannot be read: "+err.Error(), "")
		return
	}
	s := &shell{program: p.clone(), zero: zero, params: params, own: map[string]string{}, ctx: ctx, depth: depth}
	syntax.Walk(file, s.visit)
	if s.found == nil {
		s.found = s.afterDashes(params)
	}
	if s.found == nil {
		p.end(unknown, "no command of it is known to be Python or Go", "examine the command that starts your application")
		return
	}
	*p = *s.found
}

// A shell is what is known of one while its commands are read.
type shell struct {
	program *program // with the environment that its commands get
	zero    string
	params  []string
	own     map[string]string // variables that are not exported
	found   *program
	final   bool // found replaces the shell
	ctx     context.Context
	depth   int
}

func (s *shell) visit(node syntax.Node) bool {
	switch n := node.(type) {
	case *syntax.CallExpr:
		if len(n.Args) == 0 {
			for _, a := range n.Assigns {
				s.assign(a, false)
			}
			return false
		}
		s.call(n)
		return false
	case *syntax.DeclClause:
		for _, a := range n.Args {
			s.assign(a, n.Variant.Value == "export")
		}
		return false
	}
	return true
}

func (s *shell) assign(a *syntax.Assign, export bool) {
	if a.Name == nil {
		return
	}
	name := a.Name.Value
	value := s.Get(name).Str
	if a.Value != nil {
		value, _ = expand.Literal(s.config(), a.Value)
	}
	if _, exported := s.program.environ[name]; exported || export {
		s.program.set(name, value, "the shell, by "+name+"="+withoutInjected(value))
		return
	}
	s.own[name] = value
}

func (s *shell) call(n *syntax.CallExpr) {
	fields, err := expand.Fields(s.config(), n.Args...)
	if err != nil || len(fields) == 0 {
		return
	}
	final := false
builtins:
	for len(fields) > 0 {
		switch fields[0] {
		case "exec":
			final = true
			fields = wrapper{values: "a"}.command(fields[1:])
		case "command", "builtin", "eval":
			fields = fields[1:]
		default:
			break builtins
		}
	}
	if len(fields) == 0 {
		return
	}
	switch fields[0] {
	case "cd":
		if len(fields) > 1 {
			s.program.dir = s.program.absolute(fields[1])
		}
	case "unset":
		for _, name := range fields[1:] {
			delete(s.own, name)
			s.program.unset(name, "the shell, by unset PYTHONPATH")
		}
	case ".", "source":
		if len(fields) > 1 {
			s.activate(s.program.absolute(fields[1]))
		}
	default:
		child := s.program.clone()
		for _, a := range n.Assigns {
			value, _ := expand.Literal(s.config(), a.Value)
			child.set(a.Name.Value, value, "the shell, by "+a.Name.Value+"="+withoutInjected(value))
		}
		child.args = fields
		child.follow(s.ctx, s.depth+1)
		s.consider(child, final)
	}
}

func (s *shell) consider(child *program, final bool) {
	switch child.kind {
	case python, goCommand, goProgram:
		if final || !s.final {
			s.found, s.final = child, final
		}
	}
}

// activate does what the script of that name does in a virtual environment.
func (s *shell) activate(file string) {
	bin := filepath.Dir(file)
	if filepath.Base(file) == "activate" {
		s.program.environ["PATH"] = bin + ":" + s.program.environ["PATH"]
		s.program.environ["VIRTUAL_ENV"] = filepath.Dir(bin)
	}
}

// afterDashes is for scripts that run what follows "--" in their arguments, in ways that cannot be followed.
func (s *shell) afterDashes(params []string) *program {
	for i, param := range params {
		if param == "--" && i+1 < len(params) {
			child := s.program.clone()
			child.args = params[i+1:]
			child.follow(s.ctx, s.depth+1)
			s.consider(child, false)
			return s.found
		}
	}
	return nil
}

func (s *shell) config() *expand.Config {
	return &expand.Config{Env: s, CmdSubst: func(w io.Writer, _ *syntax.CmdSubst) error {
		_, err := io.WriteString(w, "?") // which is no command
		return err
	}}
}

// Get and Each make a shell the environment of its own expansions.
func (s *shell) Get(name string) expand.Variable {
	text := func(value string, set bool) expand.Variable {
		return expand.Variable{Set: set, Kind: expand.String, Str: value}
	}
	switch name {
	case "@", "*":
		return expand.Variable{Set: true, Kind: expand.Indexed, List: s.params}
	case "#":
		return text(strconv.Itoa(len(s.params)), true)
	case "0":
		return text(s.zero, true)
	}
	if n, err := strconv.Atoi(name); err == nil {
		if n < 1 || n > len(s.params) {
			return text("", false)
		}
		return text(s.params[n-1], true)
	}
	if value, set := s.own[name]; set {
		return text(value, true)
	}
	value, set := s.program.environ[name]
	return text(value, set)
}

func (s *shell) Each(visit func(string, expand.Variable) bool) {
	for name := range s.program.environ {
		if !visit(name, s.Get(name)) {
			return
		}
	}
}
