package weaver

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Options says what to build, and whom to tell about it.
type Options struct {
	Args    []string // of the go command
	Environ []string
	Dir     string   // working directory
	Sources fs.FS    // the module that woven programs link
	Strict  bool     // fail if something cannot be woven, where otherwise the plain go command runs
	Report  bool     // say what is woven even if that is not new
	Tool    []string // a command that calls Tool with the arguments that are added to it
	Tell    func(kind, text string)
}

// Run becomes a go command, with weaving if it is one that builds. It returns only if it cannot.
func Run(o Options) error {
	command, err := findGo(o.Environ)
	if err != nil {
		return err
	}
	w := &weaving{Options: o, command: parseCommand(o.Args), go_: &toolchain{command: command, environ: o.Environ, dir: o.Dir}}
	if slices.Contains(wovenVerbs, w.command.verb) && !off(o.Environ) {
		p, err := w.prepare()
		if err == nil {
			return execute(w.go_.command, w.command.withOverlay(p.Overlay, p.Flags, p.Files), w.go_.environ)
		}
		if !errors.Is(err, errPlain) {
			if o.Strict {
				return fmt.Errorf("cannot weave: %w", err)
			}
			o.Tell("warning", fmt.Sprintf("the plain go command runs, and what it builds is not traced: %s", err))
		}
	}
	return execute(command, o.Args, o.Environ)
}

// Environment returns the variables, as NAME=value, with which the plain go command weaves whatever the main modules
// here have of main packages and tests.
func Environment(o Options) ([]string, error) {
	name, err := findGo(o.Environ)
	if err != nil {
		return nil, err
	}
	w := &weaving{Options: o, command: &command{verb: verbEnvironment}, go_: &toolchain{command: name, environ: o.Environ, dir: o.Dir}}
	if off(o.Environ) {
		return nil, nil
	}
	p, err := w.prepare()
	if err != nil {
		return nil, err
	}
	flags := append(fields(w.go_.vars["GOFLAGS"]), p.Flags...)
	flags = slices.DeleteFunc(flags, func(f string) bool { name, _, _ := flagOf(f); return name == "overlay" })
	flags = append(flags, "-overlay="+p.Overlay)
	for i, f := range flags {
		if strings.ContainsAny(f, " \t") {
			flags[i] = strconv.Quote(f)
		}
	}
	environ := []string{"GOFLAGS=" + strings.Join(flags, " ")}
	if root := lookup(w.go_.environ, "GOROOT"); root != lookup(o.Environ, "GOROOT") {
		environ = append(environ, "GOROOT="+root, "PATH="+filepath.Join(root, "bin")+string(filepath.ListSeparator)+lookup(o.Environ, "PATH"))
	}
	return environ, nil
}

// Tool becomes one of the tools that the go command runs: args are the file of an overlay, the tool, and the arguments
// of the tool, in which it puts the files that the overlay shows. The tool cover needs that, to which the go command
// gives the names of files, and not of those that they are replaced by.
func Tool(args []string) error {
	if len(args) < 2 {
		return errors.New("the go command calls this, not you")
	}
	if strings.TrimSuffix(filepath.Base(args[1]), ".exe") == "cover" {
		var overlay struct{ Replace map[string]string }
		text, err := os.ReadFile(args[0])
		if err != nil {
			return err
		}
		if err := json.Unmarshal(text, &overlay); err != nil {
			return err
		}
		for i, a := range args {
			if actual := overlay.Replace[a]; isFile(a) && actual != "" {
				args[i] = actual
			}
		}
	}
	return fmt.Errorf("cannot run %s: %w", args[1], syscall.Exec(args[1], args[1:], os.Environ()))
}

// off reports whether the environment switches everything of ours off.
func off(environ []string) bool {
	return strings.EqualFold(lookup(environ, "LUMIGO_SWITCH_OFF"), "true")
}

func execute(command string, args, environ []string) error {
	return fmt.Errorf("cannot run %s: %w", command, syscall.Exec(command, append([]string{"go"}, args...), environ))
}

// A weaving is one run of a go command that builds.
type weaving struct {
	Options
	command *command
	go_     *toolchain
}

// begin finds out with what the build runs, and where we may write.
func (w *weaving) begin() (sources *sourceTree, cache string, err error) {
	if w.command.remote() {
		return nil, "", errors.New("a package@version is built from the module cache, of which the go command takes nothing but the original")
	}
	if w.command.dir != "" {
		w.go_.dir = filepath.Join(w.Dir, w.command.dir)
	}
	if err := w.go_.learn(); err != nil {
		return nil, "", plain(err)
	}
	if mod := w.go_.vars["GOMOD"]; mod == "" || mod == os.DevNull && w.go_.vars["GOWORK"] == "" {
		return nil, "", errors.New("there is no go.mod file")
	}
	w.command.adopt(w.go_.vars["GOFLAGS"])
	if cache, err = cacheDir(w.Environ); err != nil {
		return nil, "", err
	}
	if root := w.go_.vars["GOROOT"]; within(w.go_.vars["GOMODCACHE"], root) && within(root, w.go_.vars["GOMOD"]) {
		return nil, "", errors.New("the standard library of a downloaded toolchain is in the module cache, of which the go command takes nothing but the original as its main module; from the directory of any other module, its packages and their tests are woven")
	}
	if err := w.go_.settle(cache); err != nil {
		return nil, "", err
	}
	sources, err = readSources(w.Sources)
	return sources, cache, err
}

// planner makes the planner of the build.
func (w *weaving) planner(sources *sourceTree, cache string) (*planner, error) {
	module, err := sources.write(cache)
	if err != nil {
		return nil, err
	}
	return &planner{go_: w.go_, command: w.command, tool: w.Tool, sources: sources, cache: cache, module: module}, nil
}

// prepare finds the plan for a build, or makes it.
func (w *weaving) prepare() (*plan, error) {
	sources, cache, err := w.begin()
	if err != nil {
		return nil, err
	}
	plans := filepath.Join(cache, "plans")
	key := key(w.go_, w.command, sources)
	file := filepath.Join(plans, key+".json")
	if known := readEntry(file); known != nil && known.Plan.stands() {
		state, err := known.take(known.State)
		if err == nil && state.equal(known.State) {
			now := time.Now()
			os.Chtimes(file, now, now)
			os.Chtimes(filepath.Dir(known.Plan.Overlay), now, now)
			if state.touched(known.State) {
				known.State = state
				known.write(file)
			}
			return w.report(known.Plan, false)
		}
	}
	sweep(plans)
	p, err := w.planner(sources, cache)
	if err != nil {
		return nil, err
	}
	if err := p.load(); err != nil {
		return nil, err
	}
	e := p.entry()
	if e.State, err = e.take(nil); err != nil {
		return nil, err
	}
	p.final = filepath.Join(plans, key+"-"+e.State.hash())
	if err := p.try(); err != nil {
		return nil, err
	}
	if e.Plan = p.plan; e.Plan.Checked {
		if err := e.write(file); err != nil {
			return nil, err
		}
	}
	return w.report(e.Plan, true)
}

// report says what the plan does, if that is new, and what it cannot do in any case.
func (w *weaving) report(p *plan, isNew bool) (*plan, error) {
	if w.Strict && len(p.Skipped) > 0 {
		return nil, errors.New(strings.Join(p.Skipped, "; "))
	}
	if (isNew && p.Checked || w.Report) && len(p.Linked) > 0 {
		w.Tell("note", fmt.Sprintf("traced: %s; woven: %s", enumerate(p.Linked), enumerate(p.Woven)))
	}
	for _, s := range p.Skipped {
		w.Tell("warning", "not woven: "+s)
	}
	if p.Overlay == "" {
		return nil, errPlain
	}
	return p, nil
}

// enumerate lists a few names.
func enumerate(names []string) string {
	const most = 6
	if len(names) == 0 {
		return "nothing"
	}
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}
