package resource

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
	"github.com/lumigo-io/opentelemetry-distro/internal/mask"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

// detect runs Detect for a process of which nothing is known but what p says.
func detect(t *testing.T, p Process, root Root, environ ...string) []otlp.Attribute {
	t.Helper()
	c, _ := config.Parse(environ)
	m, _ := mask.New(c.Masking, []string{c.Export.Token})
	return Detect(c, m, p, "1.2.3", root)
}

// value returns the value of key, or nil.
func value(attributes []otlp.Attribute, key string) any {
	for _, a := range attributes {
		if a.Key == key {
			return a.Value
		}
	}
	return nil
}

func TestProcess(t *testing.T) {
	got := detect(t, Process{
		PID:                42,
		Language:           "python",
		RuntimeName:        "cpython",
		RuntimeVersion:     "3.11.4",
		RuntimeDescription: "3.11.4 (main, Jun  7 2023) [GCC 12.2.0]",
		Executable:         "/usr/bin/python3.11",
		Framework:          "flask",
		Environ:            []string{"k=v", "secret=value", "a=b"},
	}, fstest.MapFS{})
	want := []otlp.Attribute{
		{Key: "process.pid", Value: int64(42)},
		{Key: "process.executable.name", Value: "python3.11"},
		{Key: "process.executable.path", Value: "/usr/bin/python3.11"},
		{Key: "process.runtime.name", Value: "cpython"},
		{Key: "process.runtime.version", Value: "3.11.4"},
		{Key: "process.runtime.description", Value: "3.11.4 (main, Jun  7 2023) [GCC 12.2.0]"},
		{Key: "framework", Value: "flask"},
		{Key: "process.environ", Value: `{"a": "b", "k": "v", "secret": "****"}`},
		{Key: "telemetry.sdk.language", Value: "python"},
		{Key: "telemetry.sdk.name", Value: "lumigo_opentelemetry"},
		{Key: "telemetry.sdk.version", Value: "1.2.3"},
		{Key: "telemetry.distro.name", Value: "lumigo-opentelemetry-distro"},
		{Key: "telemetry.distro.version", Value: "1.2.3"},
		{Key: "lumigo.distro.version", Value: "1.2.3"},
		{Key: "service.name", Value: "unknown_service:python3.11"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("E1, E2: got\n%v\nwant\n%v", got, want)
	}
}

// TestAttributes takes one attribute. A row that begins with a letter and a
// number is an acceptance case of the specification's part 11.
func TestAttributes(t *testing.T) {
	for _, test := range []struct {
		name    string
		environ []string
		process Process
		key     string
		want    any // nil for no such attribute
	}{
		{"A14 OTEL_SERVICE_NAME wins", []string{"OTEL_SERVICE_NAME=x", "OTEL_RESOURCE_ATTRIBUTES=service.name=y,a=b"}, Process{}, "service.name", "x"},
		{"A14 the other attributes stay", []string{"OTEL_SERVICE_NAME=x", "OTEL_RESOURCE_ATTRIBUTES=service.name=y,a=b"}, Process{}, "a", "b"},
		{"service.name of OTEL_RESOURCE_ATTRIBUTES", []string{"OTEL_RESOURCE_ATTRIBUTES=service.name=y"}, Process{}, "service.name", "y"},
		{"service.name empty", []string{"OTEL_RESOURCE_ATTRIBUTES=service.name="}, Process{}, "service.name", "unknown_service"},
		{"an attribute without a value", []string{"OTEL_RESOURCE_ATTRIBUTES=a="}, Process{}, "a", ""},
		{"no service.name, an executable", nil, Process{Executable: "/app/shop"}, "service.name", "unknown_service:shop"},
		{"no service.name, nothing known", nil, Process{}, "service.name", "unknown_service"},
		{"E2 distro version is ours to say", []string{"OTEL_RESOURCE_ATTRIBUTES=lumigo.distro.version=9"}, Process{}, "lumigo.distro.version", "1.2.3"},
		{"E3 no tag", nil, Process{}, "lumigo.tag", nil},
		{"E3 tag", []string{"LUMIGO_TAG=test9876"}, Process{}, "lumigo.tag", "test9876"},
		{"E3 tag with semicolon", []string{"LUMIGO_TAG=t;x"}, Process{}, "lumigo.tag", nil},
		{"E4 LUMIGO_TAG wins", []string{"LUMIGO_TAG=mine", "OTEL_RESOURCE_ATTRIBUTES=lumigo.tag=other"}, Process{}, "lumigo.tag", "mine"},
		{"E5 container name", []string{"LUMIGO_CONTAINER_NAME=web"}, Process{}, "k8s.container.name", "web"},
		{"the user's URLs are masked", []string{"OTEL_RESOURCE_ATTRIBUTES=db=reads postgres://joe:x@h/"}, Process{}, "db", "reads postgres://****@h/"},
		{"the user's command line is masked", []string{"OTEL_RESOURCE_ATTRIBUTES=process.command_line=mysql --password%3Dx"}, Process{}, "process.command_line", "mysql --password=****"},
		{"the user's word wins over what is found", []string{"OTEL_RESOURCE_ATTRIBUTES=process.pid=7"}, Process{PID: 42}, "process.pid", "7"},
		{"no framework", nil, Process{}, "framework", "Unknown"},
		{"no environment", nil, Process{}, "process.environ", nil},
		{"ECS by its older variable", []string{"ECS_CONTAINER_METADATA_URI=http://h"}, Process{}, "cloud.platform", "aws_ecs"},
		{"ECS has a host name", []string{"ECS_CONTAINER_METADATA_URI_V4=http://h"}, Process{}, "container.name", "ip-10-0-0-1"},
		{"not ECS", nil, Process{}, "cloud.provider", nil},
		{"E11 environment sorted", nil, Process{Environ: []string{"B_B=3", "B=2", "A=1", "B-=4"}}, "process.environ", `{"A": "1", "B": "2", "B-": "4", "B_B": "3"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := fstest.MapFS{"proc/sys/kernel/hostname": {Data: []byte("ip-10-0-0-1\n")}}
			if got := value(detect(t, test.process, root, test.environ...), test.key); got != test.want {
				t.Errorf("%s = %v, want %v", test.key, got, test.want)
			}
		})
	}
}

// TestLongEnvironment is E11, and sees that the token does not get out.
func TestLongEnvironment(t *testing.T) {
	const token = "t_0123456789abcdef01234"
	environ := []string{"LUMIGO_TRACER_TOKEN=" + token, "A_COPY=x" + token + "x"}
	for i := range 500 {
		environ = append(environ, fmt.Sprintf("NAME%d=value", i))
	}
	text := func(environ []string) string {
		all := detect(t, Process{Environ: environ}, fstest.MapFS{}, environ...)
		text, _ := value(all, "process.environ").(string)
		return text
	}
	forward := text(environ)
	for i, j := 0, len(environ)-1; i < j; i, j = i+1, j-1 {
		environ[i], environ[j] = environ[j], environ[i]
	}
	if backward := text(environ); forward != backward {
		t.Errorf("process.environ depends on the order of the environment:\n%s\n%s", forward, backward)
	}
	if n := len(forward); n < 2000 || n > 2048+len(mask.Suffix) {
		t.Errorf("process.environ has %d characters, want 2048 and the suffix at most", n)
	}
	if strings.Contains(forward, token) {
		t.Errorf("process.environ shows the token: %s", forward)
	}
}

const (
	podUID      = "2c48913c-b29f-11e7-9350-020968147796"
	otherUID    = "aaaaaaaa-b29f-11e7-9350-020968147796"
	containerID = "9bca8d63d5fa610783847915bcff0ecac1273e5b4bed3f6fa1b07350e0135961"
	otherID     = "aaaaaaaad5fa610783847915bcff0ecac1273e5b4bed3f6fa1b07350e0135961"
	underscored = "2c48913c_b29f_11e7_9350_020968147796"
)

func TestPodAndContainer(t *testing.T) {
	hosts := func(source string) string {
		return "1 0 0:1 / / rw - overlay overlay rw,upperdir=/var/lib/docker/overlay2/" + otherID + "/diff\n" +
			"2 1 8:1 " + source + " /etc/hosts rw,relatime - ext4 /dev/sda1 rw\n"
	}
	hostname := func(source string) string {
		return "2 1 8:1 " + source + " /etc/hostname rw,relatime - ext4 /dev/sda1 rw\n"
	}
	for _, test := range []struct {
		name              string
		cgroup, mountinfo string
		pod, container    string
	}{
		{name: "E8 neither pod nor container", cgroup: "0::/user.slice/user-1000.slice/session-2.scope\n", mountinfo: "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"},
		{name: "E8 no files"},
		{name: "E9 cgroup v1, cgroupfs driver",
			cgroup: "12:pids:/kubepods/burstable/pod" + podUID + "/" + containerID + "\n1:name=systemd:/kubepods/burstable/pod" + podUID + "/" + containerID + "\n",
			pod:    podUID, container: containerID},
		{name: "E9 cgroup v1, systemd driver, containerd",
			cgroup: "12:pids:/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + underscored + ".slice/cri-containerd-" + containerID + ".scope\n",
			pod:    podUID, container: containerID},
		{name: "E9 cgroup v1, mountinfo alone",
			cgroup: "12:pids:/\n", mountinfo: hosts("/var/lib/kubelet/pods/" + podUID + "/etc-hosts"),
			pod: podUID},
		{name: "E10 cgroup v2, cgroupfs driver",
			cgroup: "0::/kubepods/besteffort/pod" + podUID + "/" + containerID + "\n",
			pod:    podUID, container: containerID},
		{name: "E10 cgroup v2, systemd driver, CRI-O",
			cgroup: "0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" + underscored + ".slice/crio-" + containerID + ".scope/container\n",
			pod:    podUID, container: containerID},
		{name: "E10 cgroup v2, systemd driver, guaranteed pod, Docker",
			cgroup: "0::/kubepods.slice/kubepods-pod" + underscored + ".slice/docker-" + containerID + ".scope\n",
			pod:    podUID, container: containerID},
		{name: "E10 cgroup v2, seen from a neighbouring namespace",
			cgroup: "0::/../../kubepods-besteffort-pod" + underscored + ".slice/cri-containerd-" + containerID + ".scope\n",
			pod:    podUID, container: containerID},
		{name: "E10 cgroup v2, namespace of its own",
			cgroup: "0::/\n", mountinfo: hosts("/var/lib/kubelet/pods/" + podUID + "/etc-hosts"),
			pod: podUID},
		{name: "kubelet on a disk of its own", cgroup: "0::/\n", mountinfo: hosts("/pods/" + podUID + "/etc-hosts"), pod: podUID},
		{name: "containerd's systemd spelling for the cgroupfs driver",
			cgroup: "0::/system.slice/containerd.service/kubepods-burstable-pod" + underscored + ".slice:cri-containerd:" + containerID + "\n",
			pod:    podUID, container: containerID},
		{name: "a cluster within a container",
			cgroup: "0::/kubepods/pod" + otherUID + "/" + otherID + "/kubelet/kubepods/pod" + podUID + "/" + containerID + "\n",
			pod:    podUID, container: containerID},
		{name: "a container in a pod's sandbox", cgroup: "0::/\n",
			mountinfo: hosts("/var/lib/kubelet/pods/"+podUID+"/etc-hosts") + hostname("/var/lib/docker/containers/"+otherID+"/hostname"),
			pod:       podUID},
		{name: "a node, with the mounts of all pods", cgroup: "0::/system.slice/agent.service\n",
			mountinfo: "1 0 8:1 /var/lib/kubelet/pods/" + otherUID + "/volumes/x /var/lib/kubelet/pods/" + otherUID + "/volume-subpaths/x rw - ext4 /dev/sda1 rw\n"},
		{name: "a mount of another pod's volume", cgroup: "0::/\n",
			mountinfo: "1 0 8:1 /var/lib/kubelet/pods/" + otherUID + "/volumes/x /data rw - ext4 /dev/sda1 rw\n" + hosts("/var/lib/kubelet/pods/"+podUID+"/etc-hosts"),
			pod:       podUID},
		{name: "a static pod, which has a hash for a uid", cgroup: "0::/kubepods/burstable/pod6c3d3a8b1d9ed8c6e6fe1a1b1c1d1e1f/" + containerID + "\n", container: containerID},
		{name: "Docker, cgroup v1", cgroup: "12:pids:/docker/" + containerID + "\n", container: containerID},
		{name: "Docker, cgroup v2", cgroup: "0::/\n", mountinfo: hostname("/var/lib/docker/containers/" + containerID + "/hostname"), container: containerID},
		{name: "Podman, cgroup v2", cgroup: "0::/\n", mountinfo: hostname("/containers/storage/overlay-containers/" + containerID + "/userdata/hostname"), container: containerID},
		{name: "ECS on EC2", cgroup: "9:perf_event:/ecs/3b6b4ee1-0f0e-4e5b-9f2c-2f6f2f5b8a11/" + containerID + "\n", container: containerID},
		{name: "ECS on Fargate", cgroup: "0::/ecs/10aa82f75c2f4ba183eacc08fc7e4a11/10aa82f75c2f4ba183eacc08fc7e4a11-1310837480\n", container: "10aa82f75c2f4ba183eacc08fc7e4a11-1310837480"},
		{name: "garbage", cgroup: "\x00:\n::\n0:" + containerID, mountinfo: "a b c d\n" + podUID},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := fstest.MapFS{}
			if test.cgroup+test.mountinfo != "" {
				root["proc/42/cgroup"] = &fstest.MapFile{Data: []byte(test.cgroup)}
				root["proc/42/mountinfo"] = &fstest.MapFile{Data: []byte(test.mountinfo)}
			}
			all := detect(t, Process{PID: 42}, root)
			or := func(s string) any {
				if s == "" {
					return nil
				}
				return s
			}
			if got := value(all, "k8s.pod.uid"); got != or(test.pod) {
				t.Errorf("k8s.pod.uid = %v, want %q", got, test.pod)
			}
			if got := value(all, "container.id"); got != or(test.container) {
				t.Errorf("container.id = %v, want %q", got, test.container)
			}
		})
	}
}

// TestOurOwnContainer is for a process that we cannot look at.
func TestOurOwnContainer(t *testing.T) {
	root := fstest.MapFS{"proc/self/cgroup": {Data: []byte("0::/docker/" + containerID)}}
	for _, pid := range []int{0, 42} {
		if got := value(detect(t, Process{PID: pid}, root), "container.id"); got != containerID {
			t.Errorf("pid %d: container.id = %v, want our own", pid, got)
		}
	}
}

// TestRealRoot sees that the real file system, whatever is in it, does no harm.
func TestRealRoot(t *testing.T) {
	all := detect(t, Process{PID: os.Getpid(), Executable: os.Args[0]}, os.DirFS("/"))
	if got := value(all, "process.pid"); got != int64(os.Getpid()) {
		t.Errorf("process.pid = %v, want ours", got)
	}
}

// refusal before an answer makes it one with the status 500.
const refusal = "refused: "

// ecs serves the metadata of a container and its task.
func ecs(t *testing.T, container, task string) *config.Config {
	t.Helper()
	mux := http.NewServeMux()
	for path, answer := range map[string]string{"/v4/id": container, "/v4/id/task": task} {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			answer, refused := strings.CutPrefix(answer, refusal)
			if refused {
				w.WriteHeader(http.StatusInternalServerError)
			}
			fmt.Fprint(w, answer)
		})
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	c, _ := config.Parse([]string{"ECS_CONTAINER_METADATA_URI_V4=" + server.URL + "/v4/id"})
	return c
}

const (
	ecsContainerAnswer = `{
		"DockerId": "` + containerID + `",
		"Name": "shop",
		"ContainerARN": "arn:aws:ecs:eu-central-1:111122223333:container/0206b271-b33f-47ab-86c6-a0ba208a70a9",
		"LogDriver": "awslogs",
		"LogOptions": {"awslogs-group": "/ecs/shop", "awslogs-region": "eu-west-1", "awslogs-stream": "shop/1"}
	}`
	ecsTaskAnswer = `{
		"Cluster": "default",
		"TaskARN": "arn:aws:ecs:eu-central-1:111122223333:task/default/158d1c8083dd49d6b527399fd6414f5c",
		"Family": "shop", "Revision": "26", "LaunchType": "EC2"
	}`
)

func TestECS(t *testing.T) {
	logs := func(region string) []otlp.Attribute {
		group := "arn:aws:logs:" + region + ":111122223333:log-group:/ecs/shop"
		return []otlp.Attribute{
			{Key: "aws.log.group.names", Value: []string{"/ecs/shop"}},
			{Key: "aws.log.group.arns", Value: []string{group + ":*"}},
			{Key: "aws.log.stream.names", Value: []string{"shop/1"}},
			{Key: "aws.log.stream.arns", Value: []string{group + ":log-stream:shop/1"}},
		}
	}
	attributes := func(cluster string, more ...otlp.Attribute) []otlp.Attribute {
		return append([]otlp.Attribute{
			{Key: "aws.ecs.cluster.arn", Value: cluster},
			{Key: "aws.ecs.container.arn", Value: "arn:aws:ecs:eu-central-1:111122223333:container/0206b271-b33f-47ab-86c6-a0ba208a70a9"},
			{Key: "aws.ecs.launchtype", Value: "ec2"},
			{Key: "aws.ecs.task.arn", Value: "arn:aws:ecs:eu-central-1:111122223333:task/default/158d1c8083dd49d6b527399fd6414f5c"},
			{Key: "aws.ecs.task.family", Value: "shop"},
			{Key: "aws.ecs.task.revision", Value: "26"},
			{Key: "container.id", Value: containerID},
		}, more...)
	}
	const cluster = "arn:aws:ecs:eu-central-1:111122223333:cluster/default"

	for _, test := range []struct {
		name            string
		container, task string
		want            []otlp.Attribute
	}{
		{"E6 cluster by name", ecsContainerAnswer, ecsTaskAnswer, attributes(cluster, logs("eu-west-1")...)},
		{"E6 cluster by ARN", ecsContainerAnswer, strings.Replace(ecsTaskAnswer, `"default"`, `"`+cluster+`"`, 1), attributes(cluster, logs("eu-west-1")...)},
		{"log region from the container", strings.Replace(ecsContainerAnswer, "awslogs-region", "x", 1), ecsTaskAnswer, attributes(cluster, logs("eu-central-1")...)},
		{"another log driver", strings.Replace(ecsContainerAnswer, `"awslogs"`, `"json-file"`, 1), ecsTaskAnswer, attributes(cluster)},
		{"E7 no container", refusal + ecsContainerAnswer, ecsTaskAnswer, nil},
		{"E7 no task", ecsContainerAnswer, refusal + ecsTaskAnswer, nil},
		{"E7 empty answer", "", ecsTaskAnswer, nil},
		{"E7 not JSON", "<html>", ecsTaskAnswer, nil},
		{"E7 fields missing", "{}", "{}", nil},
		{"E7 fields of another type", ecsContainerAnswer, `{"Cluster": 1}`, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ECS(context.Background(), ecs(t, test.container, test.task), http.DefaultClient)
			if len(got)+len(test.want) > 0 && !reflect.DeepEqual(got, test.want) {
				t.Errorf("got\n%v\nwant\n%v", got, test.want)
			}
		})
	}

	t.Run("E7 nobody there", func(t *testing.T) {
		c, _ := config.Parse([]string{"ECS_CONTAINER_METADATA_URI_V4=http://127.0.0.1:1"})
		if got := ECS(context.Background(), c, http.DefaultClient); got != nil {
			t.Errorf("got %v, want nothing", got)
		}
	})
	t.Run("not ECS: no call", func(t *testing.T) {
		c, _ := config.Parse([]string{"ECS_CONTAINER_METADATA_URI=http://127.0.0.1:1"})
		if got := ECS(context.Background(), c, nil); got != nil { // a call would panic
			t.Errorf("got %v, want nothing", got)
		}
	})
}

func TestECSGoesAroundProxies(t *testing.T) {
	transport, ok := direct(http.DefaultClient).Transport.(*http.Transport)
	if !ok || transport.Proxy != nil {
		t.Errorf("transport %+v, want one without a proxy", transport)
	}
	if http.DefaultClient.Transport != nil {
		t.Error("the default client was changed")
	}
	own := &http.Client{Transport: http.DefaultTransport}
	if direct(own) != own {
		t.Error("a client with a transport was replaced")
	}
}

func TestMerge(t *testing.T) {
	a := func(key string, value any) otlp.Attribute { return otlp.Attribute{Key: key, Value: value} }
	got := Merge([]otlp.Attribute{a("x", 1), a("y", 2)}, nil, []otlp.Attribute{a("z", 3), a("x", 4)})
	if want := []otlp.Attribute{a("x", 4), a("y", 2), a("z", 3)}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// FuzzContainer reads /proc files of any content.
func FuzzContainer(f *testing.F) {
	f.Add("0::/kubepods/besteffort/pod"+podUID+"/"+containerID+"\n", "2 1 8:1 /pods/"+podUID+"/etc-hosts /etc/hosts rw\n")
	f.Fuzz(func(t *testing.T, cgroup, mountinfo string) {
		for _, read := range []func(string) (string, string){fromCgroup, fromMounts} {
			for _, text := range []string{cgroup, mountinfo} {
				if pod, id := read(text); pod != "" && len(pod) != 36 || id != "" && len(id) < 41 {
					t.Errorf("%q has pod %q and container %q", text, pod, id)
				}
			}
		}
	})
}
