package demo

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Options says what to run the shop with.
type Options struct {
	Shop    fs.FS    // the services' sources: *.py, and directories of Go programs
	Environ []string // of this process
	Self    []string // a command that is this program
	Viewer  string   // URL of the viewer, to which spans go
	Once    bool     // end when a trace has been shown

	Tell func(text string)              // what the user should know
	Busy func(text string) (end func()) // what takes a while, from now until end is called
	Show func(*Trace, Shop) error       // the first trace, as soon as it is there
}

// Shop says what runs.
type Shop struct {
	Till     string   // URL that customers post their orders to
	Services []string // names of the services
}

// ErrNothing means that nothing of the shop can run here.
var ErrNothing = errors.New("the demo needs Go 1.24 or later, or Python 3.7 to 3.14, and neither is on PATH")

// Run runs the shop until ctx ends, or with Once until a trace has been shown. When it returns, all that it has started
// has ended.
func Run(ctx context.Context, o Options) error {
	temp, err := os.MkdirTemp("", "lumigo-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	open, closeDown := context.WithCancelCause(ctx) // with the reason, if a service has ended that should not have
	defer closeDown(nil)
	err = run(open, closeDown, o, temp)
	switch {
	case ctx.Err() != nil:
		return nil // as the user has asked for the end
	case open.Err() != nil:
		return context.Cause(open)
	}
	return err
}

func run(ctx context.Context, closeDown context.CancelCauseFunc, o Options, temp string) error {
	sources, err := unpack(o.Shop, temp)
	if err != nil {
		return err
	}
	m, err := find(ctx, o, sources, temp)
	if err != nil {
		return err
	}
	services := &services{options: o, dir: sources, closeDown: closeDown}
	defer services.stop()
	shop, err := services.open(ctx, m)
	if err != nil {
		return err
	}
	customers := customers{till: shop.Till}
	if err := customers.once(ctx); err != nil {
		return err
	}
	end := o.Busy("waiting for the first trace")
	trace, err := await(ctx, o.Viewer, shop.Services)
	end()
	if err != nil {
		return err
	}
	if err := o.Show(trace, shop); err != nil || o.Once {
		return err
	}
	customers.come(ctx)
	return nil
}

// unpack writes the sources, and makes a module of the Go programs. It returns where: a place in the user's cache that is
// always the same for the same sources, so that the go command finds what it has built the last time; or, if nothing can
// be written there, one below temp.
func unpack(sources fs.FS, temp string) (dir string, err error) {
	files := map[string][]byte{"go.mod": []byte("module example.com/shop\n\ngo 1.22\n")}
	hash := sha256.New()
	err = fs.WalkDir(sources, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files[name], err = fs.ReadFile(sources, name)
		fmt.Fprintf(hash, "%s %d\n%s", name, len(files[name]), files[name])
		return err
	})
	if err != nil {
		return "", err
	}
	base, err := os.UserCacheDir()
	if err == nil {
		dir = filepath.Join(base, "lumigo", "demo", hex.EncodeToString(hash.Sum(nil)[:8]))
		err = write(files, dir)
	}
	if err != nil {
		dir = filepath.Join(temp, "shop")
		err = write(files, dir)
	}
	return dir, err
}

// write gives the files below dir the content that they should have.
func write(files map[string][]byte, dir string) error {
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, text) {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// open starts the services one after the other, each of which is told where the ones before it are. Those that there are
// no means for are left out.
func (s *services) open(ctx context.Context, m means) (Shop, error) {
	shop, urls := Shop{}, []string{}
	for _, service := range []struct {
		name, till string
		isPython   bool
	}{
		{"stock", "", true},
		{"payments", "", false},
		{"orders", "/orders", false},
		{"web", "/checkout", true},
	} {
		var command []string
		switch {
		case service.isPython && m.interpreter != "":
			command = slices.Concat(s.options.Self, []string{"run", "--flush-timeout", "2s", "--", m.interpreter, service.name + ".py"})
		case !service.isPython && m.binaries != "":
			command = []string{filepath.Join(m.binaries, service.name)}
		default:
			continue
		}
		url, err := s.start(ctx, service.name, command, urls)
		if err != nil {
			return shop, err
		}
		shop.Till = url + service.till // the last one's
		shop.Services = append(shop.Services, service.name)
		urls = append(urls, strings.ToUpper(service.name)+"_URL="+url)
	}
	s.options.Tell("the shop is open: " + strings.Join(shop.Services, ", "))
	return shop, nil
}

const patience = 30 * time.Second // for what happens within a second or two on an ordinary machine
