package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/test/container"
	"github.com/lumigo-io/opentelemetry-distro/test/pythonenv"
	"github.com/lumigo-io/opentelemetry-distro/test/receiver"
)

// A pod as the Lumigo operator for Kubernetes changes it: an init container that fills a volume, and the
// application's, which mounts it read-only and has variables added.

const (
	initUser = 1234 // what the operator runs the init container as
	appUser  = 5678
)

// podVolume is an emptyDir: everybody may write to it.
func podVolume(t testing.TB) string {
	t.Helper()
	if err := container.Unavailable(); err != nil {
		skip(t, "%v", err)
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}

// initContainer runs the init container of the pod, with this program as its image.
func initContainer(t testing.TB, program, volume string, writable bool) *process {
	t.Helper()
	return startIn(t, container.Container{
		Root:   t.TempDir(),
		User:   initUser,
		Mounts: []container.Mount{{Source: program, Target: "/lumigo"}, {Source: volume, Target: "/target", Writable: writable}},
		Env:    []string{"TARGET_DIRECTORY=/target"},
	}, "/lumigo", "install")
}

// filled is a volume as the init container leaves it.
func filled(t testing.TB) string {
	t.Helper()
	volume := podVolume(t)
	p := initContainer(t, lumigo(t), volume, true)
	if e := p.wait(); e.Code != 0 {
		t.Fatalf("the init container ended with %s", e)
	}
	return volume
}

// appContainer is the application's, with a Python and what env says. There is nothing to write to but /dev/shm.
func appContainer(t testing.TB, i pythonenv.Interpreter, volume string, env ...string) container.Container {
	t.Helper()
	prefix := filepath.Dir(filepath.Dir(i.Path))
	return container.Container{
		Root: t.TempDir(),
		User: appUser,
		Mounts: []container.Mount{
			{Source: prefix, Target: prefix},
			{Source: filepath.Dir(shop(t)), Target: "/shop"},
			{Source: filepath.Join(repository(t), "test", "e2e", "testdata"), Target: "/testdata"},
			{Source: volume, Target: "/opt/lumigo"},
		},
		Env: append(env, "OTEL_SERVICE_NAME=e2e", "TMPDIR=/dev/shm"), // these the application has itself
		Dir: "/shop",
	}
}

// fromOperator are the variables that the operator adds, all of them, with its values.
func fromOperator(r *receiver.Receiver) []string {
	return []string{
		"LD_PRELOAD=/opt/lumigo/injector/lumigo_injector.so",
		"LUMIGO_TRACER_TOKEN=" + token,
		"LUMIGO_ENDPOINT=" + r.URL(),
		"LUMIGO_LOGS_ENDPOINT=" + strings.Replace(r.URL(), "/traces", "/logs", 1),
		"LUMIGO_ENABLE_LOGS=false",
		"LUMIGO_ENABLE_TRACES=true",
		"LUMIGO_CONTAINER_NAME=shop",
	}
}

func startIn(t testing.TB, c container.Container, argv ...string) *process {
	t.Helper()
	command, env := c.Command(argv...)
	return start(t, program{argv: command, env: env})
}

// TestOperatorTracesEveryInterpreter: the operator's volume and variables are enough, for an application that is
// process 1 of its container and is not the owner of the volume's files.
func TestOperatorTracesEveryInterpreter(t *testing.T) {
	volume := filled(t)
	for _, i := range supportedPythons(t) {
		t.Run(i.String(), func(t *testing.T) {
			want := run(t, program{argv: []string{i.Path, shop(t)}}).stdout.String()
			backend := newBackend(t)
			p := startIn(t, appContainer(t, i, volume, fromOperator(backend)...), i.Path, "app.py")
			if e := p.wait(); e.Code != 0 {
				t.Errorf("ended with %s", e)
			}
			if got := p.stdout.String(); got != want {
				t.Errorf("the app's output changed: got\n%swant\n%s", got, want)
			}
			if got := appStderr(p.stderr.String()); got != "" {
				t.Errorf("stderr has more than the distro's log: %q", got)
			}
			expectShop(t, backend.Spans())
			noDuplicates(t, backend)
			if got := backend.Spans()[0].Resource["k8s.container.name"]; got != "shop" {
				t.Errorf("k8s.container.name = %v", got)
			}
		})
	}
}

// TestVolumeServesInEveryWay: by each of the ways that docs/kubernetes.md names.
func TestVolumeServesInEveryWay(t *testing.T) {
	i, volume := defaultPython(t), filled(t)
	for _, way := range []struct {
		name string
		argv []string
		env  []string
	}{
		{"launcher", []string{"/opt/lumigo/bin/lumigo", "run", "--", i.Path, "app.py"}, nil},
		{"PYTHONPATH", []string{i.Path, "app.py"}, []string{"PYTHONPATH=/opt/lumigo/python/sitecustomize"}},
		{"LD_PRELOAD beside an app's own PYTHONPATH", []string{i.Path, "-c", "from importlib.util import find_spec; assert find_spec('common'); exec(open('app.py').read())"},
			[]string{"LD_PRELOAD=/opt/lumigo/injector/lumigo_injector.so", "PYTHONPATH=/testdata/servers"}},
		{"LD_PRELOAD under a shell that changes the environment", []string{"sh", "-c", "PYTHONPATH=/nowhere " + i.Path + " app.py; exit $?"},
			[]string{"LD_PRELOAD=/opt/lumigo/injector/lumigo_injector.so"}},
	} {
		t.Run(way.name, func(t *testing.T) {
			backend := newBackend(t)
			p := startIn(t, appContainer(t, i, volume, append(way.env, toBackend(backend)...)...), way.argv...)
			if e := p.wait(); e.Code != 0 {
				t.Errorf("ended with %s", e)
			}
			expectShop(t, backend.Spans())
		})
	}
}

// TestInjectorLeavesOthersAlone: what is no Python, and what switches tracing off.
func TestInjectorLeavesOthersAlone(t *testing.T) {
	i, volume := defaultPython(t), filled(t)
	const preload = "LD_PRELOAD=/opt/lumigo/injector/lumigo_injector.so"
	old := []string{}
	for _, short := range []string{"2.7", "3.6"} {
		if i, ok := pythonenv.Find(short); ok {
			old = append(old, i.Path)
		}
	}
	for name, tt := range map[string]struct {
		argv []string
		env  []string
		want string
	}{
		"a shell":         {[]string{"sh", "-c", "echo hello"}, nil, "hello\n"},
		"a static binary": {[]string{"/opt/lumigo/bin/lumigo", "help", "version"}, nil, ""},
		"a Python that is switched off": {[]string{i.Path, "-c", "import sys; print('lumigo_opentelemetry._bootstrap' in sys.modules)"},
			[]string{"LUMIGO_SWITCH_OFF=true"}, "False\n"},
		"a path that is there": {[]string{"sh", "-c", "echo $PYTHONPATH"},
			[]string{"PYTHONPATH=/opt/lumigo/python/sitecustomize:/a"}, "/opt/lumigo/python/sitecustomize:/a\n"},
		"a path without end":         {[]string{"sh", "-c", "echo ${#PYTHONPATH}"}, []string{"PYTHONPATH=" + strings.Repeat("/long", 4000)}, "20000\n"},
		"an empty path":              {[]string{"sh", "-c", "echo $PYTHONPATH"}, []string{"PYTHONPATH="}, "/opt/lumigo/python/sitecustomize\n"},
		"very many variables":        {[]string{"sh", "-c", "env | grep -c ^VARIABLE; echo $PYTHONPATH"}, variables(9000), "9000\n\n"},
		"many variables":             {[]string{"sh", "-c", "env | grep -c ^VARIABLE; echo $PYTHONPATH"}, variables(8000), "8000\n/opt/lumigo/python/sitecustomize\n"},
		"other libraries before it":  {[]string{"sh", "-c", "echo $PYTHONPATH"}, []string{"LD_PRELOAD=libm.so.6 /opt/lumigo/injector/lumigo_injector.so"}, "/opt/lumigo/python/sitecustomize\n"},
		"a library of another place": {[]string{"sh", "-c", "echo $PYTHONPATH"}, []string{"LD_PRELOAD=/opt/lumigo/current/injector/lumigo_injector.so:libm.so.6"}, "/opt/lumigo/current/python/sitecustomize\n"},
	} {
		t.Run(name, func(t *testing.T) {
			p := startIn(t, appContainer(t, i, volume, append([]string{preload}, tt.env...)...), tt.argv...)
			if e := p.wait(); e.Code != 0 {
				t.Errorf("ended with %s", e)
			}
			if got := p.stdout.String(); tt.want != "" && got != tt.want {
				t.Errorf("it said %q, want %q", got, tt.want)
			}
			if got := appStderr(p.stderr.String()); got != "" {
				t.Errorf("stderr: %q", got)
			}
		})
	}
	for _, path := range old {
		t.Run("an old "+filepath.Base(path), func(t *testing.T) {
			prefix := filepath.Dir(filepath.Dir(path))
			c := appContainer(t, i, volume, preload)
			c.Mounts = append(c.Mounts, container.Mount{Source: prefix, Target: prefix})
			p := startIn(t, c, path, "/testdata/old.py")
			if e := p.wait(); e.Code != 0 {
				t.Errorf("ended with %s", e)
			}
		})
	}
}

func variables(count int) []string {
	list := make([]string, count)
	for n := range list {
		list[n] = fmt.Sprintf("VARIABLE%d=", n)
	}
	return list
}

// TestUpgradeUnderARunningApplication: it goes on with the version that it began with.
func TestUpgradeUnderARunningApplication(t *testing.T) {
	i, volume, backend, other := defaultPython(t), filled(t), newBackend(t), newStub(t)
	input, proceed := pipe(t)
	command, env := appContainer(t, i, volume, append(fromOperator(backend), "STUB="+other.URL)...).Command(i.Path, "/testdata/app.py", "pause", "sql", "get")
	app := start(t, program{argv: command, env: env, stdin: input})
	app.stdout.match(t, "paused")

	content, err := os.ReadFile(lumigo(t))
	if err != nil {
		t.Fatal(err)
	}
	newer := filepath.Join(t.TempDir(), "lumigo")
	if err := os.WriteFile(newer, append(content, "another version"...), 0o755); err != nil {
		t.Fatal(err)
	}
	before, _ := os.Readlink(volume + "/current")
	if e := initContainer(t, newer, volume, true).wait(); e.Code != 0 {
		t.Fatalf("the upgrade ended with %s", e)
	}
	if after, _ := os.Readlink(volume + "/current"); after == before {
		t.Fatalf("nothing was upgraded: %s", after)
	}

	hook := volume + "/python/lumigo_opentelemetry/hooks/sqlite3.py"
	if err := os.WriteFile(hook, []byte("raise SystemExit('the new version was imported')\n"), 0o644); err != nil {
		t.Fatal(err)
	}

	proceed() // sqlite3 and http.client are imported now, and with them our hooks
	if e := app.wait(); e.Code != 0 {
		t.Errorf("ended with %s", e)
	}
	theOnly(t, "SELECT", named(backend.Spans(), "SELECT"))
	theOnly(t, "GET", named(backend.Spans(), "GET"))
	if got := atLevel(logLines(app.stderr.String()), "WARNING"); len(got) != 0 {
		t.Errorf("warnings: %q", got)
	}
}

// TestInstallSaysWhatIsWrong: with the volume, which is all that can be.
func TestInstallSaysWhatIsWrong(t *testing.T) {
	for name, tt := range map[string]struct {
		prepare  func(t *testing.T, volume string)
		writable bool
		want     string
	}{
		"read-only": {func(*testing.T, string) {}, false,
			"lumigo: error: install: mkdir /target/versions: read-only file system\nlumigo: hint: mount a volume there that user 1234 can write to\n"},
		"another user's": {func(t *testing.T, volume string) { os.Chmod(volume, 0o755) }, true,
			"lumigo: error: install: mkdir /target/versions: permission denied\nlumigo: hint: mount a volume there that user 1234 can write to\n"},
		"too small": {func(t *testing.T, volume string) {
			if err := syscall.Mount("tmpfs", volume, "tmpfs", 0, "size=2m,mode=777"); err != nil {
				skip(t, "no file system of 2 MB can be made: %v", err)
			}
			t.Cleanup(func() { syscall.Unmount(volume, 0) })
		}, true, "no space left on device\nlumigo: hint: a version takes "},
	} {
		t.Run(name, func(t *testing.T) {
			volume := podVolume(t)
			tt.prepare(t, volume)
			p := initContainer(t, lumigo(t), volume, tt.writable)
			if e := p.wait(); e.Code != 1 {
				t.Errorf("ended with %s, want status 1", e)
			}
			if got := p.stderr.String(); !strings.Contains(got, tt.want) || strings.Count(got, "\n") != 2 {
				t.Errorf("it said\n%s\nwant\n%s", got, tt.want)
			}
			if left, _ := filepath.Glob(volume + "/versions/*/*"); len(left) != 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}
