package weaver

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"go/types"
	"go/version"
	"slices"
	"strings"
)

// A weaveFile says what to do to the files of one package. It is itself a Go file of that package: ordinary
// declarations are added to the package, and those with a directive describe a site in it.
type weaveFile struct {
	name  string // for messages
	added []byte // the file to add to the package
	sites []*site
}

// A site is a function or a struct type of the woven package, known by its shape and not by its text.
type site struct {
	name     string // of the function or type
	shape    string // what to look for, as shapeOf and the type's name give it
	optional bool   // its absence needs no warning
	or       bool   // nor if the site before it is there, or the other way round
	fields   string // to append to a struct
	names    []string
	body     []piece // to put at the beginning of a function
}

// A piece of a body is source text, or the name of a parameter of the function it is put into.
type piece struct {
	text      string
	parameter int // index into the names of the function, receiver first; -1 for text
}

// parseWeave reads a weave file for a toolchain such as "go1.25.4". It returns nil if the file is for others.
func parseWeave(name string, source []byte, toolchain string) (*weaveFile, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	at := func(p token.Pos) int { return fset.Position(p).Offset }
	for _, group := range file.Comments {
		if group.Pos() < file.Package {
			if ok, err := directives(group).allow(toolchain); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			} else if !ok {
				return nil, nil
			}
		}
	}
	w := &weaveFile{name: name}
	added := bytes.Clone(source)
	for _, decl := range file.Decls {
		doc := docOf(decl)
		ds := directives(doc)
		if !ds.has("prologue") && !ds.has("field") {
			continue
		}
		for i := at(doc.Pos()); i < at(decl.End()); i++ {
			if added[i] != '\n' {
				added[i] = ' '
			}
		}
		if ok, err := ds.allow(toolchain); err != nil {
			return nil, fmt.Errorf("%s: %w", fset.Position(decl.Pos()), err)
		} else if !ok {
			continue
		}
		s := &site{optional: ds.has("optional"), or: ds.has("or") && len(w.sites) > 0}
		if fn, ok := decl.(*ast.FuncDecl); ok {
			if fn.Body == nil {
				return nil, fmt.Errorf("%s: %s has no body", fset.Position(fn.Pos()), fn.Name.Name)
			}
			s.name, s.shape = fn.Name.Name, shapeOf(fn)
			s.names = namesOf(fn)
			s.body, err = template(fn, s.names, source[at(fn.Body.Lbrace)+1:at(fn.Body.Rbrace)], at(fn.Body.Lbrace)+1, at)
		} else {
			s.shape, s.fields, err = fieldsOf(decl, source, at)
			s.name = strings.TrimPrefix(s.shape, "type ")
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", fset.Position(decl.Pos()), err)
		}
		w.sites = append(w.sites, s)
	}
	w.added = bytes.TrimSpace(added)
	return w, nil
}

func docOf(decl ast.Decl) *ast.CommentGroup {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		return d.Doc
	case *ast.GenDecl:
		return d.Doc
	}
	return nil
}

// A directiveList holds the comments of the form //weave:word rest.
type directiveList []string

func directives(group *ast.CommentGroup) (list directiveList) {
	if group == nil {
		return nil
	}
	for _, c := range group.List {
		if text, ok := strings.CutPrefix(c.Text, "//weave:"); ok {
			list = append(list, text)
		}
	}
	return list
}

func (l directiveList) has(word string) bool {
	return slices.ContainsFunc(l, func(d string) bool {
		first, _, _ := strings.Cut(d, " ")
		return first == word
	})
}

// allow reports whether the toolchain satisfies every //weave:versions.
func (l directiveList) allow(toolchain string) (bool, error) {
	for _, d := range l {
		conditions, ok := strings.CutPrefix(d, "versions ")
		if !ok {
			continue
		}
		for _, c := range strings.Split(conditions, ",") {
			c = strings.TrimSpace(c)
			lower, isLower := strings.CutPrefix(c, "go>=")
			upper, isUpper := strings.CutPrefix(c, "go<")
			switch {
			case isLower && version.IsValid("go"+lower):
				if version.Compare(toolchain, "go"+lower) < 0 {
					return false, nil
				}
			case isUpper && version.IsValid("go"+upper):
				if version.Compare(toolchain, "go"+upper) >= 0 {
					return false, nil
				}
			default:
				return false, fmt.Errorf("//weave:versions %q: want go>=1.x or go<1.x", c)
			}
		}
	}
	return true, nil
}

// shapeOf is how a function is known: its receiver, its name and the types of its parameters and results.
// The names of these may change from one Go release to the next.
func shapeOf(fn *ast.FuncDecl) string {
	var b strings.Builder
	list := func(fields *ast.FieldList) {
		b.WriteByte('(')
		for i, t := range typesOf(fields) {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(t)
		}
		b.WriteByte(')')
	}
	b.WriteString("func ")
	if fn.Recv != nil {
		list(fn.Recv)
		b.WriteByte(' ')
	}
	b.WriteString(fn.Name.Name)
	list(fn.Type.Params)
	if fn.Type.Results.NumFields() > 0 {
		b.WriteByte(' ')
		list(fn.Type.Results)
	}
	return b.String()
}

func typesOf(fields *ast.FieldList) (list []string) {
	if fields == nil {
		return nil
	}
	for _, f := range fields.List {
		text := strings.ReplaceAll(types.ExprString(f.Type), "interface{}", "any")
		for range max(1, len(f.Names)) {
			list = append(list, text)
		}
	}
	return list
}

// namesOf lists the names of a function's receiver, parameters and results; those without a name are "".
func namesOf(fn *ast.FuncDecl) (list []string) {
	for _, fields := range []*ast.FieldList{fn.Recv, fn.Type.Params, fn.Type.Results} {
		if fields == nil {
			continue
		}
		for _, f := range fields.List {
			if len(f.Names) == 0 {
				list = append(list, "")
			}
			for _, n := range f.Names {
				list = append(list, n.Name)
			}
		}
	}
	return list
}

// template turns the body of a function into pieces that stand on one line.
func template(fn *ast.FuncDecl, names []string, body []byte, offset int, at func(token.Pos) int) ([]piece, error) {
	parameters := map[int]int{} // offset in the file to index in names
	var others []*ast.Ident     // fields, methods and keys, which may be called like a parameter
	var err error
	declares := func(id *ast.Ident) {
		if id.Name != "_" && slices.Contains(names, id.Name) {
			err = fmt.Errorf("the body declares %s anew, which is a parameter", id.Name)
		}
	}
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			if i := slices.Index(names, n.Name); i >= 0 && n.Name != "_" && !slices.Contains(others, n) {
				parameters[at(n.Pos())] = i
			}
		case *ast.SelectorExpr:
			others = append(others, n.Sel)
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok {
				others = append(others, key)
			}
		case *ast.AssignStmt:
			for _, l := range n.Lhs {
				if id, ok := l.(*ast.Ident); ok && n.Tok == token.DEFINE {
					declares(id)
				}
			}
		case *ast.Field:
			for _, id := range n.Names {
				declares(id)
			}
		case *ast.ValueSpec:
			for _, id := range n.Names {
				declares(id)
			}
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	var s scanner.Scanner
	file := token.NewFileSet().AddFile("", -1, len(body))
	s.Init(file, body, func(at token.Position, text string) { err = fmt.Errorf("%s: %s", at, text) }, 0)
	var pieces []piece
	text := ""
	for {
		pos, tok, literal := s.Scan()
		if tok == token.EOF {
			break
		}
		if i, ok := parameters[offset+file.Offset(pos)]; ok {
			pieces = append(pieces, piece{text: text + " ", parameter: -1}, piece{parameter: i})
			text = ""
			continue
		}
		switch {
		case tok == token.SEMICOLON:
			literal = ";"
		case !tok.IsLiteral() && !tok.IsKeyword():
			literal = tok.String()
		case strings.Contains(literal, "\n"):
			return nil, fmt.Errorf("a literal of the body goes over several lines")
		}
		text += " " + literal
	}
	return append(pieces, piece{text: text + " ", parameter: -1}), err
}

// fieldsOf reads a type declaration of one struct, whose fields shall be appended to the struct of that name.
func fieldsOf(decl ast.Decl, source []byte, at func(token.Pos) int) (shape, fields string, err error) {
	d, ok := decl.(*ast.GenDecl)
	if !ok || d.Tok != token.TYPE || len(d.Specs) != 1 {
		return "", "", fmt.Errorf("//weave:field wants the declaration of one struct type")
	}
	spec := d.Specs[0].(*ast.TypeSpec)
	t, ok := spec.Type.(*ast.StructType)
	if !ok {
		return "", "", fmt.Errorf("//weave:field wants a struct type, and %s is none", spec.Name.Name)
	}
	for _, f := range t.Fields.List {
		fields += string(source[at(f.Pos()):at(f.End())]) + "; "
	}
	if strings.Contains(fields, "\n") {
		return "", "", fmt.Errorf("a field goes over several lines")
	}
	return "type " + spec.Name.Name, fields, nil
}

// An edit replaces the bytes from offset at up to end. Its text holds no newline, so lines keep their numbers.
type edit struct {
	at, end int
	text    string
}

// splice puts what the weave files say into one file of the package. It returns nil if that changes nothing.
// Sites that it has found it counts in found.
func splice(name string, source []byte, weaves []*weaveFile, found map[*site]int) ([]byte, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	at := func(p token.Pos) int { return fset.PositionFor(p, false).Offset }
	sites := map[string][]*site{}
	for _, w := range weaves {
		for _, s := range w.sites {
			sites[s.shape] = append(sites[s.shape], s)
		}
	}
	var edits []edit
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if list := sites[shapeOf(d)]; len(list) > 0 && d.Body != nil {
				edits = append(edits, intoFunction(d, list, at)...)
				count(found, list)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				t, ok := spec.(*ast.TypeSpec)
				if !ok {
					continue
				}
				if st, ok := t.Type.(*ast.StructType); ok && len(sites["type "+t.Name.Name]) > 0 {
					list := sites["type "+t.Name.Name]
					edits = append(edits, intoStruct(st, list, source, at))
					count(found, list)
				}
			}
		}
	}
	if len(edits) == 0 {
		return nil, nil
	}
	slices.SortStableFunc(edits, func(a, b edit) int { return cmp.Compare(a.at, b.at) })
	var out bytes.Buffer
	last := 0
	for _, e := range edits {
		out.Write(source[last:e.at])
		out.WriteString(e.text)
		last = e.end
	}
	out.Write(source[last:])
	return out.Bytes(), nil
}

// missing lists the sites, by their shapes, that are in none of the files of a package.
func (w *weaveFile) missing(found map[*site]int) (shapes []string) {
	for i := 0; i < len(w.sites); {
		first, there := w.sites[i], false
		for ok := true; ok; ok = i < len(w.sites) && w.sites[i].or {
			there = there || found[w.sites[i]] > 0
			i++
		}
		if !there && !first.optional {
			shapes = append(shapes, first.shape)
		}
	}
	return shapes
}

func count(found map[*site]int, list []*site) {
	for _, s := range list {
		found[s]++
	}
}

// intoFunction names what the bodies refer to and has no name, and puts them, each in a block of its own, right
// after the opening brace.
func intoFunction(fn *ast.FuncDecl, list []*site, at func(token.Pos) int) (edits []edit) {
	used := map[int]bool{}
	for _, s := range list {
		for _, p := range s.body {
			if p.parameter >= 0 {
				used[p.parameter] = true
			}
		}
	}
	var names []string
	for _, fields := range []*ast.FieldList{fn.Recv, fn.Type.Params, fn.Type.Results} {
		if fields == nil {
			continue
		}
		first := len(names) // of these fields
		unnamed := len(fields.List) > 0 && len(fields.List[0].Names) == 0
		need := false
		for i := range max(len(fields.List), fields.NumFields()) {
			need = need || used[first+i]
		}
		bare := unnamed && need && fields.Opening == token.NoPos // a single result without parentheses
		for _, f := range fields.List {
			if unnamed {
				name := "_"
				if used[len(names)] {
					name = fmt.Sprintf("lumigo%d", len(names))
				}
				if need {
					text := name + " "
					if bare {
						text = "(" + text
					}
					edits = append(edits, edit{at(f.Pos()), at(f.Pos()), text})
					if bare {
						edits = append(edits, edit{at(f.End()), at(f.End()), ")"})
					}
				}
				names = append(names, name)
				continue
			}
			for _, n := range f.Names {
				name := n.Name
				if name == "_" && used[len(names)] {
					name = fmt.Sprintf("lumigo%d", len(names))
					edits = append(edits, edit{at(n.Pos()), at(n.End()), name})
				}
				names = append(names, name)
			}
		}
	}
	text := ""
	for _, s := range list {
		text += " {"
		for _, p := range s.body {
			if p.parameter >= 0 {
				text += names[p.parameter]
			} else {
				text += p.text
			}
		}
		text += "};"
	}
	brace := at(fn.Body.Lbrace) + 1
	return append(edits, edit{brace, brace, text})
}

// intoStruct appends the fields before the closing brace.
func intoStruct(t *ast.StructType, list []*site, source []byte, at func(token.Pos) int) edit {
	brace := at(t.Fields.Closing)
	text := ""
	if n := len(t.Fields.List); n > 0 && !bytes.Contains(source[at(t.Fields.List[n-1].End()):brace], []byte("\n")) {
		text = "; "
	}
	for _, s := range list {
		text += s.fields
	}
	return edit{brace, brace, text}
}
