package packages

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/lumigo-io/opentelemetry-distro/test/container"
	"github.com/lumigo-io/opentelemetry-distro/test/receiver"
	"github.com/lumigo-io/opentelemetry-distro/test/servers"
)

// manifest is as much of an object of Kubernetes as these tests look at; the schema has been seen to before.
type manifest struct {
	Kind     string
	Metadata struct{ Name string }
	Data     map[string]string
	Spec     struct {
		Template struct{ Spec pod }
	}
}

type pod struct {
	SecurityContext struct {
		RunAsNonRoot   bool                  `yaml:"runAsNonRoot"`
		RunAsUser      int                   `yaml:"runAsUser"`
		FSGroup        int                   `yaml:"fsGroup"`
		SeccompProfile struct{ Type string } `yaml:"seccompProfile"`
	} `yaml:"securityContext"`
	InitContainers []podContainer `yaml:"initContainers"`
	Containers     []podContainer
	Volumes        []struct {
		Name     string
		HostPath any `yaml:"hostPath"`
	}
	HostNetwork bool `yaml:"hostNetwork"`
	HostPID     bool `yaml:"hostPID"`
}

type podContainer struct {
	Name    string
	Image   string
	Command []string
	Args    []string
	Env     []struct {
		Name      string
		Value     string
		ValueFrom struct {
			SecretKeyRef struct{ Name, Key string } `yaml:"secretKeyRef"`
		} `yaml:"valueFrom"`
	}
	VolumeMounts []struct {
		Name      string
		MountPath string `yaml:"mountPath"`
		ReadOnly  bool   `yaml:"readOnly"`
	} `yaml:"volumeMounts"`
	SecurityContext struct {
		AllowPrivilegeEscalation *bool `yaml:"allowPrivilegeEscalation"`
		ReadOnlyRootFilesystem   bool  `yaml:"readOnlyRootFilesystem"`
		Privileged               bool
		Capabilities             struct{ Add, Drop []string }
	} `yaml:"securityContext"`
	Resources struct {
		Limits map[string]string
	}
}

func manifestFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(repository(t), "examples", "kubernetes", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatal("no manifests found", err)
	}
	return slices.DeleteFunc(files, func(file string) bool { return filepath.Base(file) == "operator-values.yaml" })
}

func manifests(t *testing.T, file string) []manifest {
	t.Helper()
	content, err := os.ReadFile(file)
	must(t, err)
	var all []manifest
	for decoder := yaml.NewDecoder(bytes.NewReader(content)); ; {
		var m manifest
		err := decoder.Decode(&m)
		if errors.Is(err, io.EOF) {
			return all
		}
		must(t, err)
		all = append(all, m)
	}
}

func TestManifestsFitTheSchema(t *testing.T) {
	env := checker(t)
	out := output(t, ".", nil, append([]string{env.Python, "-m", "kubernetes_validate", "--strict"}, manifestFiles(t)...)...)
	if strings.Count(out, " passed for resource ") < 9 {
		t.Errorf("not every object was looked at:\n%s", out)
	}
}

// TestManifestsAreRestricted: the rules of the Pod Security Standard "restricted", and a read-only root file system.
func TestManifestsAreRestricted(t *testing.T) {
	pods := 0
	for _, file := range manifestFiles(t) {
		for _, m := range manifests(t, file) {
			p := m.Spec.Template.Spec
			if len(p.Containers) == 0 {
				continue
			}
			pods++
			rule := func(ok bool, format string, args ...any) {
				t.Helper()
				if !ok {
					t.Errorf("%s: %s", filepath.Base(file), fmt.Sprintf(format, args...))
				}
			}
			rule(p.SecurityContext.RunAsNonRoot && p.SecurityContext.RunAsUser != 0, "%s may run as root", m.Metadata.Name)
			rule(p.SecurityContext.SeccompProfile.Type == "RuntimeDefault", "%s has no seccomp profile", m.Metadata.Name)
			rule(!p.HostNetwork && !p.HostPID, "%s is in the namespaces of its node", m.Metadata.Name)
			for _, v := range p.Volumes {
				rule(v.HostPath == nil, "the volume %s is a path of the node", v.Name)
			}
			for _, c := range slices.Concat(p.InitContainers, p.Containers) {
				s := c.SecurityContext
				rule(s.AllowPrivilegeEscalation != nil && !*s.AllowPrivilegeEscalation && !s.Privileged, "%s may gain privileges", c.Name)
				rule(slices.Equal(s.Capabilities.Drop, []string{"ALL"}) && len(s.Capabilities.Add) == 0, "%s has capabilities", c.Name)
				rule(s.ReadOnlyRootFilesystem, "%s can write to its root file system", c.Name)
				rule(c.Resources.Limits["memory"] != "", "%s has no bound on its memory", c.Name)
				_, tag, _ := strings.Cut(c.Image, ":")
				rule(tag != "" && tag != "latest", "the image %s has no fixed version", c.Image)
			}
		}
	}
	if pods < 4 {
		t.Errorf("only %d pods were found", pods)
	}
}

// TestManifestsTrace runs the pods of the manifests: the init container, which fills the volume, and the service,
// with the command, the variables and the mounts that its manifest gives it.
func TestManifestsTrace(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: images are built")
	}
	context := copyOfRepository(t, "context")
	images := map[string]*image{
		"registry.example/lumigo-init:0.1.0": build(t, context, "examples/docker/init/Dockerfile"),
		"registry.example/shop-python:1.0.0": build(t, context, "examples/docker/python/Dockerfile"),
		"registry.example/shop-go:1.0.0":     build(t, context, "examples/docker/go/Dockerfile"),
	}
	for _, name := range []string{"python", "python-by-environment", "go"} {
		t.Run(name, func(t *testing.T) {
			p := manifests(t, filepath.Join(repository(t), "examples", "kubernetes", name+".yaml"))[0].Spec.Template.Spec
			backend, err := receiver.Listen("127.0.0.1:0")
			must(t, err)
			t.Cleanup(backend.Close)
			port := servers.FreePort()
			volumes := map[string]string{}
			for _, v := range p.Volumes {
				volumes[v.Name] = t.TempDir()
				// What fsGroup does.
				must(t, os.Chown(volumes[v.Name], 0, p.SecurityContext.FSGroup))
				must(t, os.Chmod(volumes[v.Name], 0o2775))
			}
			begin := func(c podContainer, more ...string) *service {
				image := images[c.Image]
				if image == nil {
					t.Fatalf("the image %s of %s is not one of the examples", c.Image, c.Name)
				}
				run := image.container(image.root, false)
				run.User = p.SecurityContext.RunAsUser
				run.Mounts = slices.Clone(run.Mounts)
				for _, m := range c.VolumeMounts {
					run.Mounts = append(run.Mounts, container.Mount{Source: volumes[m.Name], Target: m.MountPath, Writable: !m.ReadOnly})
				}
				run.Env = slices.Clone(run.Env)
				for _, e := range c.Env {
					if key := e.ValueFrom.SecretKeyRef.Key; key == "token" {
						e.Value = "t_0123456789abcdef01234"
					}
					run.Env = append(run.Env, e.Name+"="+e.Value)
				}
				run.Env = append(run.Env, more...)
				command := append(c.Command, c.Args...)
				if len(c.Command) == 0 {
					command = append(image.command, c.Args...)
				}
				return start(t, run, command)
			}
			for _, c := range p.InitContainers {
				s := begin(c)
				<-s.ended
				if code := s.cmd.ProcessState.ExitCode(); code != 0 {
					t.Fatalf("the init container ended with %d: %s", code, s.log())
				}
			}
			s := begin(p.Containers[0], fmt.Sprint("PORT=", port), "LUMIGO_ENDPOINT="+backend.URL())
			ask(t, fmt.Sprintf("http://127.0.0.1:%d/relay", port), s)
			s.end(t)
			if spans := backend.Spans(); len(spans) != 3 {
				t.Errorf("%d spans, want 3\n%s", len(spans), s.log())
			} else if got := spans[0].Resource["k8s.container.name"]; got != "shop" {
				t.Errorf("k8s.container.name = %v", got)
			}
		})
	}
}
