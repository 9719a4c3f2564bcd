package doctor

import (
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/launcher"
	"github.com/lumigo-io/opentelemetry-distro/internal/engine"
	"github.com/lumigo-io/opentelemetry-distro/internal/mask"
	"github.com/lumigo-io/opentelemetry-distro/internal/resource"
)

func lookAtSystem(x *examination, f *findings) {
	if runtime.GOOS != "linux" {
		f.problem("use Linux, for example in a container", "%s: Python is traced on Linux only", runtime.GOOS)
		return
	}
	release := ""
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		release = " " + unix.ByteSliceToString(name.Release[:])
	}
	f.ok("Linux%s on %s", release, runtime.GOARCH)
}

func lookAtSockets(x *examination, f *findings) {
	var failures []string
	for _, dir := range launcher.TempDirs(x.program.environ.entries()) {
		e, err := engine.Listen(engine.Options{Dir: dir, Version: x.Version})
		if err != nil {
			failures = append(failures, fmt.Sprintf("%s: %v", dir, err))
			continue
		}
		e.Close(x.context)
		if len(failures) > 0 {
			f.warning("set TMPDIR to a short path of a directory that can be written", "%s is used, as another is of no use: %s", dir, strings.Join(failures, "; "))
			return
		}
		f.ok("in %s%s", dir, mountedAs(dir))
		return
	}
	f.problem("set TMPDIR to a short path of a directory that can be written, for example of a volume in memory", "there is no directory for the engine's socket: %s", strings.Join(failures, "; "))
}

// mountedAs tells what is unusual about a file system, and harmless here.
func mountedAs(dir string) string {
	var stat unix.Statfs_t
	if unix.Statfs(dir, &stat) == nil && stat.Flags&unix.ST_NOEXEC != 0 {
		return ", which is mounted noexec, as we do not mind"
	}
	return ""
}

func lookAtSharedMemory(x *examination, f *findings) {
	const slower = ": spans go over the socket, which costs the app more"
	fd, err := unix.MemfdCreate("lumigo-doctor", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		f.warning("allow memfd_create, for example in the seccomp profile", "the system gives none (%v)%s", err, slower)
		return
	}
	defer unix.Close(fd)
	if i, err := x.interpreter(); err == nil && i.Number == [2]int{3, 7} {
		f.ok("not with Python 3.7, whose spans go over the socket")
		return
	}
	f.ok("it is there")
}

// read returns the trimmed text of a file under x.Root, "" if there is none.
func (x *examination) read(name string) string {
	text, err := fs.ReadFile(x.Root, name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// attributes are what the resource of a traced process would have, as far as texts go.
func (x *examination) attributes() map[string]string {
	masker, _ := mask.New(x.config.Masking, nil)
	found := map[string]string{}
	for _, a := range resource.Detect(x.config, masker, resource.Process{}, x.Version, x.Root) {
		if text, ok := a.Value.(string); ok {
			found[a.Key] = text
		}
	}
	return found
}

// limits are those of the control group that this process is in, as a container sees it.
type limits struct {
	hierarchy int     // the version of control groups; 0 for none
	memory    int64   // bytes; 0 for no limit
	cpu       float64 // processors; 0 for no limit
}

func (x *examination) limits() (l limits) {
	number := func(name string) int64 {
		n, _ := strconv.ParseInt(x.read("sys/fs/cgroup/"+name), 10, 64) // "max" is none
		return n
	}
	var quota, period int64
	switch {
	case x.read("sys/fs/cgroup/cgroup.controllers") != "":
		l.hierarchy, l.memory = 2, number("memory.max")
		fmt.Sscan(x.read("sys/fs/cgroup/cpu.max"), &quota, &period)
	case x.read("sys/fs/cgroup/memory/memory.limit_in_bytes") != "":
		l.hierarchy, l.memory = 1, number("memory/memory.limit_in_bytes")
		quota, period = number("cpu/cpu.cfs_quota_us"), number("cpu/cpu.cfs_period_us")
	}
	if l.memory > 1<<60 { // what the kernel says where there is none
		l.memory = 0
	}
	if quota > 0 && period > 0 {
		l.cpu = float64(quota) / float64(period)
	}
	return l
}

// initials are programs that do the duties of a first process, so that the engine outlives the app beside them.
var initials = []string{"catatonit", "docker-init", "dumb-init", "init", "launchd", "lumigo", "pause", "runit", "runsvdir", "s6-svscan", "systemd", "tini"}

func lookAtContainer(x *examination, f *findings) {
	id := x.attributes()["container.id"]
	limits := x.limits()
	if id == "" && x.read("proc/1/comm") != "" && !x.inContainer() {
		f.ok("this is none, as far as can be told")
		return
	}
	facts := []string{"container " + id}
	if id == "" {
		facts = []string{"a container without an id"}
	}
	if limits.hierarchy > 0 {
		facts = append(facts, fmt.Sprintf("cgroup v%d", limits.hierarchy))
	}
	if limits.memory > 0 {
		facts = append(facts, "memory limit "+mebibytes(limits.memory))
	}
	if limits.cpu > 0 {
		facts = append(facts, fmt.Sprintf("CPU limit %g", limits.cpu))
	}
	f.ok("%s", strings.Join(facts, ", "))
	if most := x.config.Export.MemoryLimit; limits.memory > 0 && most > limits.memory/2 {
		f.warning("lower LUMIGO_EXPORT_MEMORY_LIMIT, or raise the container's limit",
			"spans that wait may take up %s (LUMIGO_EXPORT_MEMORY_LIMIT), more than half of the container's %s", mebibytes(most), mebibytes(limits.memory))
	}
	i, _ := x.interpreter()
	a, _ := x.activation(i)
	if first := x.read("proc/1/comm"); x.program.kind == python && a != byLauncher && !slices.Contains(initials, first) && !slices.Contains(initials, strings.TrimSuffix(first, "-static")) {
		f.warning("start it with lumigo run, or with an init (docker run --init), so that what is on its way at the end is sent",
			"the first process here is %s: when the app is that, the engine ends with it", first)
	}
}

// inContainer reports whether container runtimes have left their marks.
func (x *examination) inContainer() bool {
	for _, name := range []string{".dockerenv", "run/.containerenv"} {
		if _, err := fs.Stat(x.Root, name); err == nil {
			return true
		}
	}
	return x.program.environ["KUBERNETES_SERVICE_HOST"] != ""
}

func mebibytes(n int64) string {
	return strconv.FormatInt(n>>20, 10) + " MiB"
}

func lookAtKubernetes(x *examination, f *findings) {
	if x.program.environ["KUBERNETES_SERVICE_HOST"] == "" {
		return
	}
	found := x.attributes()
	namespace := x.read("var/run/secrets/kubernetes.io/serviceaccount/namespace")
	if uid := found["k8s.pod.uid"]; uid != "" {
		facts := []string{"pod " + uid}
		if namespace != "" {
			facts = append(facts, "namespace "+namespace)
		}
		if name := found["k8s.container.name"]; name != "" {
			facts = append(facts, "container "+name)
		}
		f.ok("%s", strings.Join(facts, ", "))
		return
	}
	f.warning("set OTEL_RESOURCE_ATTRIBUTES=k8s.pod.uid=$(POD_UID), with POD_UID from the field metadata.uid",
		"this is a pod, but neither its control groups nor its mounts tell which: spans go without k8s.pod.uid")
}
