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
func Run(ctx context.Context, o Options) (err error) {
	temp, err := os.MkdirTemp("", "lumigo-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	sources, err := unpack(o.Shop, temp)
	if err != nil {
		return err
	}
	python := findPython(ctx, o.Environ)
	binaries, err := build(ctx, o, sources, temp)
	switch {
	case ctx.Err() != nil:
		return nil
	case python == "" && binaries == "" && err == nil:
		return ErrNothing
	case python == "" && binaries == "":
		return fmt.Errorf("there is no Python from 3.7 to 3.14 on PATH, and the Go services cannot be built: %w", err)
	case binaries == "" && err == nil:
		o.Tell("without Go: there is no go command on PATH, so the shop has its Python services alone")
	case binaries == "":
		o.Tell(fmt.Sprintf("without Go: its services cannot be built, so the shop has its Python services alone: %v", err))
	case python == "":
		o.Tell("without Python: there is none from 3.7 to 3.14 on PATH, so the shop has its Go services alone")
	}
	services := &services{options: o, dir: sources, ended: make(chan string, 8)}
	defer services.stop()
	shop, err := services.open(ctx, python, binaries)
	if err != nil || ctx.Err() != nil {
		return unlessEnded(ctx, err)
	}
	customers := customers{till: shop.Till}
	if err := customers.once(ctx); err != nil {
		return unlessEnded(ctx, err)
	}
	end := o.Busy("waiting for the first trace")
	trace, err := await(ctx, o.Viewer, shop.Services)
	end()
	if err == nil {
		err = o.Show(trace, shop)
	}
	if err != nil || o.Once {
		return unlessEnded(ctx, err)
	}
	crowd, leave := context.WithCancel(ctx)
	defer leave()
	go customers.come(crowd)
	select {
	case <-ctx.Done():
		return nil
	case how := <-services.ended:
		return errors.New(how)
	}
}

// unlessEnded is no error once the user has asked for the end.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
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

// open starts the services one after the other, each of which is told where the ones before it are. Without an
// interpreter or without binaries, those in that language are left out.
func (s *services) open(ctx context.Context, interpreter, binaries string) (Shop, error) {
	shop := Shop{}
	urls := []string{}
	start := func(name string, command ...string) error {
		url, err := s.start(ctx, name, command, urls)
		if err != nil {
			return err
		}
		till := url + "/orders"
		if name == "web" {
			till = url + "/checkout"
		}
		shop.Till = till // the last one's
		shop.Services = append(shop.Services, name)
		urls = append(urls, strings.ToUpper(name)+"_URL="+url)
		return nil
	}
	python := func(name string) error {
		if interpreter == "" {
			return nil
		}
		return start(name, slices.Concat(s.options.Self, []string{"run", "--flush-timeout", "2s", "--", interpreter, name + ".py"})...)
	}
	golang := func(name string) error {
		if binaries == "" {
			return nil
		}
		return start(name, filepath.Join(binaries, name))
	}
	if err := errors.Join(python("stock"), golang("payments")); err != nil {
		return shop, err
	}
	if err := golang("orders"); err != nil {
		return shop, err
	}
	if err := python("web"); err != nil {
		return shop, err
	}
	s.options.Tell("the shop is open: " + strings.Join(shop.Services, ", "))
	return shop, nil
}

const patience = 30 * time.Second // for what happens within a second or two on an ordinary machine
