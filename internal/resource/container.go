package resource

import (
	"bytes"
	"io"
	"regexp"
	"strings"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

// container finds the pod and the container that a process runs in, for
// cgroups of version 1 and 2, and whether that is on ECS.
func container(c *config.Config, pid int, root Root) []otlp.Attribute {
	var l list
	if c.ECSMetadataURIV4 != "" || c.ECSMetadataURI != "" {
		l.add("cloud.provider", "aws")
		l.add("cloud.platform", "aws_ecs")
		l.add("container.name", string(bytes.TrimSpace(read(root, "proc/sys/kernel/hostname"))))
	}
	var pod, id string
	for _, directory := range procDirectories(pid) {
		groupPod, groupID := fromCgroup(string(read(root, directory+"/cgroup")))
		mountPod, mountID := fromMounts(string(read(root, directory+"/mountinfo")))
		pod, id = groupPod, groupID
		if pod == "" {
			pod = mountPod
		}
		// In a pod, the files that tell the container by their path are those
		// of the pod's sandbox: another container.
		if id == "" && pod == "" {
			id = mountID
		}
		if pod != "" || id != "" {
			break
		}
	}
	l.add("k8s.pod.uid", pod)
	l.add("container.id", id)
	return l
}

// read returns what is in a file, or nothing when it cannot be read. A file is
// read up to 1 MiB.
func read(root Root, name string) []byte {
	f, err := root.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return nil
	}
	return content
}

const uuid = `[0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12}`

var (
	// A pod is ".../pod<uid>/..." in the spelling of the cgroupfs driver, and
	// "...-pod<uid with underscores>.slice/..." in systemd's.
	cgroupPod = regexp.MustCompile(`[/-]pod(` + uuid + `)(?:\.slice)?(?:[/:]|$)`)

	// A container is named by 64 hexadecimal digits, in systemd's spelling
	// between the runtime's name and ".scope", or after a colon. On Fargate it
	// is a shorter id and a number.
	cgroupContainer = regexp.MustCompile(`[/:-]([0-9a-f]{64}|[0-9a-f]{32}-[0-9]{8,10})(?:\.scope)?(?:/|$)`)

	// A mount of a pod's has its source below the kubelet's directory, of
	// which nothing but "/pods/<uid>/" is certain.
	mountedPod = regexp.MustCompile(`/pods/(` + uuid + `)/`)

	// Docker and Podman mount /etc/hostname from the container's directory.
	mountedContainer = regexp.MustCompile(`/(?:containers|overlay-containers)/([0-9a-f]{64})/`)
)

// fromCgroup reads /proc/<pid>/cgroup: lines of "number:controllers:path".
func fromCgroup(text string) (pod, id string) {
	for line := range strings.Lines(text) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) < 3 {
			continue
		}
		// Clusters within containers (kind, minikube) nest: the last is ours.
		if pod == "" {
			pod = canonical(last(cgroupPod, parts[2]))
		}
		if id == "" {
			id = last(cgroupContainer, parts[2])
		}
	}
	return pod, id
}

// fromMounts reads /proc/<pid>/mountinfo, of which the fourth field is the
// mounted directory within its file system and the fifth is where it is
// mounted, see proc_pid_mountinfo(5).
func fromMounts(text string) (pod, id string) {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 5 {
			continue
		}
		source, target := fields[3], fields[4]
		// On the node itself, and in a container that mounts the node's file
		// system, there are the mounts of all pods, in the kubelet's directory.
		if strings.Contains(target, "/pods/") {
			continue
		}
		if found := last(mountedPod, source); found != "" && (pod == "" || target == "/etc/hosts") {
			pod = canonical(found)
		}
		if target == "/etc/hostname" {
			id = last(mountedContainer, source)
		}
	}
	return pod, id
}

func last(pattern *regexp.Regexp, text string) string {
	matches := pattern.FindAllStringSubmatch(text, -1)
	if matches == nil {
		return ""
	}
	return matches[len(matches)-1][1]
}

// canonical undoes systemd's escape of the dash, which means a level to it.
func canonical(uid string) string { return strings.ReplaceAll(uid, "_", "-") }
