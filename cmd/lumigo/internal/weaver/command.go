package weaver

import (
	"path/filepath"
	"slices"
	"strings"
)

// A command is a go command line taken apart, so far as weaving has to understand it.
type command struct {
	verb     string
	dir      string   // of -C, which go wants to be the first flag
	before   []string // flags before the packages, without -C and -overlay
	packages []string // import paths, patterns, or Go files
	after    []string // what follows them: more flags of go test, or the arguments of the program
	load     []string // the flags that decide what is loaded and how it is compiled; go list takes them as well
	overlay  string   // the user's own
	modfile  string
	covers   bool // the programs are to count what they cover
}

// wovenVerbs are the commands that compile main packages or tests. All others are plain go.
var wovenVerbs = []string{"build", "install", "run", "test", "vet"}

// verbEnvironment stands for all of them, when it is not known yet what will be built.
const verbEnvironment = "env"

var (
	// loadSwitches and loadValues are the flags that have a say in the packages, and in the objects that are
	// compiled from them.
	loadSwitches = []string{"race", "msan", "asan", "linkshared", "modcacherw", "trimpath", "cover"}
	loadValues   = []string{"asmflags", "buildmode", "compiler", "covermode", "coverpkg", "gccgoflags", "gcflags",
		"installsuffix", "mod", "modfile", "p", "pgo", "pkgdir", "tags", "toolexec"}
	// otherValues are the other flags that may have their value in the next argument.
	otherValues = []string{"o", "ldflags", "overlay", "exec", "debug-actiongraph", "debug-runtime-trace", "debug-trace",
		"bench", "benchtime", "blockprofile", "blockprofilerate", "count", "coverprofile", "cpu", "cpuprofile", "fuzz",
		"fuzztime", "fuzzminimizetime", "list", "memprofile", "memprofilerate", "mutexprofile", "mutexprofilefraction",
		"outputdir", "parallel", "run", "shuffle", "skip", "timeout", "trace", "vet", "vettool"}
)

// parseCommand takes apart the arguments of go. The verb is "" if there is none.
func parseCommand(args []string) *command {
	c := new(command)
	if len(args) == 0 {
		return c
	}
	c.verb, args = args[0], args[1:]
	if !slices.Contains(wovenVerbs, c.verb) {
		c.after = args
		return c
	}
	for i := 0; i < len(args); i++ {
		name, value, isFlag := flagOf(args[i])
		if name == "args" && c.verb == "test" || args[i] == "--" {
			c.after = append(c.after, args[i:]...)
			break
		}
		if !isFlag {
			if len(c.after) > 0 || c.verb == "run" && len(c.packages) > 0 && !(isFile(args[i]) && isFile(c.packages[0])) {
				c.after = append(c.after, args[i:]...)
				break
			}
			c.packages = append(c.packages, args[i])
			continue
		}
		if len(c.packages) > 0 && c.verb != "test" {
			c.after = append(c.after, args[i:]...)
			break
		}
		whole := args[i : i+1]
		if !strings.Contains(args[i], "=") && (slices.Contains(loadValues, name) || slices.Contains(otherValues, name) || name == "C") && i+1 < len(args) {
			whole, value = args[i:i+2], args[i+1]
			i++
		}
		switch name {
		case "C":
			c.dir = value
			continue
		case "overlay":
			c.overlay = value
			continue
		case "modfile":
			c.modfile = value
		case "cover", "coverpkg", "covermode":
			c.covers = c.covers || value != "false"
		}
		if slices.Contains(loadSwitches, name) || slices.Contains(loadValues, name) {
			if c.verb != "test" || !strings.HasPrefix(name, "cover") { // covered tests compile their packages anew
				c.load = append(c.load, whole...)
			}
		}
		if len(c.packages) > 0 {
			c.after = append(c.after, whole...)
		} else {
			c.before = append(c.before, whole...)
		}
	}
	return c
}

// flagOf splits -name=value or --name=value.
func flagOf(arg string) (name, value string, ok bool) {
	if len(arg) < 2 || arg[0] != '-' {
		return "", "", false
	}
	name, value, _ = strings.Cut(strings.TrimPrefix(arg[1:], "-"), "=")
	return name, value, true
}

func isFile(arg string) bool { return strings.HasSuffix(arg, ".go") }

// adopt takes the flags of GOFLAGS that the command line does not give.
func (c *command) adopt(goflags string) {
	for _, f := range fields(goflags) {
		name, value, _ := flagOf(f)
		switch {
		case name == "overlay" && c.overlay == "":
			c.overlay = value
		case name == "modfile" && c.modfile == "":
			c.modfile = value
		case strings.HasPrefix(name, "cover") && value != "false":
			c.covers = true
		}
	}
}

// fields splits GOFLAGS, in which quotes around a whole field protect spaces.
func fields(text string) (list []string) {
	for {
		text = strings.TrimLeft(text, " \t\r\n")
		if text == "" {
			return list
		}
		if q := text[0]; q == '\'' || q == '"' {
			if end := strings.IndexByte(text[1:], q); end >= 0 {
				list, text = append(list, text[1:1+end]), text[2+end:]
				continue
			}
		}
		end := strings.IndexAny(text, " \t\r\n")
		if end < 0 {
			end = len(text)
		}
		list, text = append(list, text[:end]), text[end:]
	}
}

// withOverlay is the command line with an overlay, and with files besides those that it names itself.
func (c *command) withOverlay(overlay string, flags, files []string) []string {
	args := []string{c.verb}
	if c.dir != "" {
		args = append(args, "-C", c.dir)
	}
	return slices.Concat(args, c.before, []string{"-overlay=" + overlay}, flags, c.packages, files, c.after)
}

// compilesTests reports whether the command compiles tests, and compilesMains whether it does main packages.
func (c *command) compilesTests() bool {
	return slices.Contains([]string{"test", "vet", verbEnvironment}, c.verb)
}
func (c *command) compilesMains() bool { return c.verb != "test" }

// namesFiles reports whether the command names Go files instead of packages.
func (c *command) namesFiles() bool { return len(c.packages) > 0 && isFile(c.packages[0]) }

// beside is a file in the directory of the files that the command names.
func (c *command) beside(name string) string {
	return filepath.Join(filepath.Dir(c.packages[0]), name)
}

// remote reports whether the command names a package of a module that is not in the build list: path@version.
func (c *command) remote() bool {
	return slices.ContainsFunc(c.packages, func(p string) bool { return strings.Contains(p, "@") && !isFile(p) })
}
