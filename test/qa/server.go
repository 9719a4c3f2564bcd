package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/test/pythonenv"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// errNoServer says that a server is not installed here.
var errNoServer = errors.New("is not installed")

// A server is a real one, started when it is first needed, on a port and in a directory of its own.
type server struct {
	name    string
	program string                                                    // looked for on PATH, and in the directories of dirs
	pins    []string                                                  // or it is of these Python packages, in an environment of its own
	dirs    []string                                                  // patterns
	build   func() (program string, err error)                        // makes the program instead
	prepare func(program, dir string) []*exec.Cmd                     // run to their ends before it starts
	command func(program, dir string, port int) *exec.Cmd             // runs until it is stopped
	asked   func(ctx context.Context, program string, port int) error // nil when it answers; nil to connect only
	user    string                                                    // who it runs as where root may not
	after   func() *exec.Cmd                                          // run when it has ended, with its environment
	serve   func(port int) (stop func(), err error)                   // instead of a program: in this process
	peers   int                                                       // how many more of it are started
	join    func(ctx context.Context, ports []int) error              // makes one of it and its peers
}

var redisServer = &server{
	name: "Redis", program: "redis-server",
	command: func(program, dir string, port int) *exec.Cmd {
		return exec.Command(program, "--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--save", "", "--dir", dir)
	},
}

var redisClusterServer = &server{
	name: "Redis Cluster", program: "redis-server", peers: 2,
	command: func(program, dir string, port int) *exec.Cmd {
		return exec.Command(program, "--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--save", "", "--dir", dir, "--cluster-enabled", "yes")
	},
	join: func(ctx context.Context, ports []int) error {
		args := []string{"--cluster", "create", "--cluster-yes"}
		for _, port := range ports {
			args = append(args, net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		}
		out, err := exec.CommandContext(ctx, "redis-cli", args...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("redis-cli: %w: %s", err, bytes.TrimSpace(out))
		}
		for _, port := range ports { // each learns of the others by itself
			for !bytes.Contains(out, []byte("cluster_state:ok")) {
				out, err = exec.CommandContext(ctx, "redis-cli", "-p", strconv.Itoa(port), "cluster", "info").CombinedOutput()
				if err != nil {
					return fmt.Errorf("redis-cli: %w: %s", err, bytes.TrimSpace(out))
				}
			}
			out = nil
		}
		return nil
	},
}

var postgresServer = &server{
	name: "PostgreSQL", program: "postgres", dirs: []string{"/usr/lib/postgresql/*/bin"}, user: "postgres",
	prepare: func(program, dir string) []*exec.Cmd {
		return []*exec.Cmd{exec.Command(beside(program, "initdb"), "--pgdata", filepath.Join(dir, "data"), "--username", "qa", "--auth", "trust", "--no-sync")}
	},
	command: func(program, dir string, port int) *exec.Cmd {
		return exec.Command(program, "-D", filepath.Join(dir, "data"), "-p", strconv.Itoa(port), "-h", "127.0.0.1", "-k", dir, "-F")
	},
	asked: func(ctx context.Context, program string, port int) error {
		return exec.CommandContext(ctx, beside(program, "pg_isready"), "-q", "-h", "127.0.0.1", "-p", strconv.Itoa(port)).Run()
	},
}

var mariadbServer = &server{
	name: "MariaDB", program: "mariadbd", dirs: []string{"/usr/sbin", "/usr/local/sbin"}, user: "mysql",
	prepare: func(program, dir string) []*exec.Cmd {
		return []*exec.Cmd{exec.Command("mariadb-install-db", "--no-defaults", "--datadir="+filepath.Join(dir, "data"),
			"--auth-root-authentication-method=normal", "--skip-test-db")}
	},
	command: func(program, dir string, port int) *exec.Cmd {
		return exec.Command(program, "--no-defaults", "--datadir="+filepath.Join(dir, "data"), "--port="+strconv.Itoa(port),
			"--bind-address=127.0.0.1", "--socket="+filepath.Join(dir, "socket"), "--skip-name-resolve")
	},
}

var memcachedServer = &server{
	name: "memcached", program: "memcached", user: "memcache",
	command: func(program, dir string, port int) *exec.Cmd {
		return exec.Command(program, "-l", "127.0.0.1", "-p", strconv.Itoa(port), "-U", "0")
	},
}

// ferretServer stands in for MongoDB, whose protocol it speaks.
var ferretServer = &server{
	name: "FerretDB", program: "ferretdb",
	build: func() (string, error) {
		root, err := pythonenv.Root()
		if err != nil {
			return "", err
		}
		cache, err := pythonenv.CacheDir()
		if err != nil {
			return "", err
		}
		program := filepath.Join(cache, "ferretdb")
		cmd := exec.Command("go", "build", "-tags", "ferretdb_no_postgresql", "-o", program, ".")
		cmd.Dir, cmd.Env = filepath.Join(root, "test", "ferretdb"), append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0")
		out, err := cmd.CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%w: %s", err, bytes.TrimSpace(out))
		}
		return program, err
	},
	command: func(program, dir string, port int) *exec.Cmd {
		return exec.Command(program, net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), dir)
	},
}

var rabbitmqServer = &server{
	name: "RabbitMQ", program: "rabbitmq-server", dirs: []string{"/usr/lib/rabbitmq/bin"}, user: "rabbitmq",
	command: func(program, dir string, port int) *exec.Cmd {
		cmd := exec.Command(program)
		cmd.Env = append(os.Environ(), "HOME="+dir, "RABBITMQ_NODENAME=qa"+strconv.Itoa(port)+"@localhost",
			"RABBITMQ_NODE_IP_ADDRESS=127.0.0.1", "RABBITMQ_NODE_PORT="+strconv.Itoa(port), "RABBITMQ_DIST_PORT="+strconv.Itoa(freePort()),
			"RABBITMQ_MNESIA_BASE="+dir, "RABBITMQ_LOG_BASE="+dir, "RABBITMQ_LOGS=-", "RABBITMQ_ENABLED_PLUGINS_FILE="+filepath.Join(dir, "plugins"),
			"RABBITMQ_CONF_ENV_FILE="+filepath.Join(dir, "none"), "RABBITMQ_CONFIG_FILE="+filepath.Join(dir, "none"),
			"RUNNING_UNDER_SYSTEMD=true", // the script becomes the server, rather than its parent
			"ERL_EPMD_ADDRESS=127.0.0.1", "ERL_EPMD_PORT="+strconv.Itoa(freePort()))
		return cmd
	},
	after: func() *exec.Cmd { return exec.Command("epmd", "-kill") }, // which it has started, and leaves
}

// kafkaServer is a stand-in that speaks Kafka's protocol, as its clients of all versions do.
var kafkaServer = &server{
	name: "Kafka",
	serve: func(port int) (func(), error) {
		cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(port), kfake.AllowAutoTopicCreation(), kfake.DefaultNumPartitions(1))
		if err != nil {
			return nil, err
		}
		// As brokers do for clients that are too old to ask for it.
		cluster.ControlKey(int16(kmsg.Metadata), func(request kmsg.Request) (kmsg.Response, error, bool) {
			cluster.KeepControl()
			if metadata, ok := request.(*kmsg.MetadataRequest); ok && metadata.Version < 4 {
				metadata.AllowAutoTopicCreation = true
			}
			return nil, nil, false
		})
		return cluster.Close, nil
	},
}

// motoServer stands in for AWS.
var motoServer = &server{
	name: "moto", program: "moto_server", pins: []string{"moto[server]==5.2.5", "boto3==1.44.8"},
	command: func(program, dir string, port int) *exec.Cmd {
		return exec.Command(program, "--host", "127.0.0.1", "--port", strconv.Itoa(port))
	},
	asked: func(ctx context.Context, program string, port int) error { // and told to run no functions
		const settings = `{"lambda": {"use_docker": false}}`
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, fmt.Sprintf("http://127.0.0.1:%d/moto-api/config", port), strings.NewReader(settings))
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		response.Body.Close()
		if response.StatusCode != http.StatusCreated {
			return fmt.Errorf("moto answers %s", response.Status)
		}
		return nil
	},
}

// beside is a program in the same directory as another, whatever links lead there.
func beside(program, name string) string {
	if real, err := filepath.EvalSymlinks(program); err == nil {
		program = real
	}
	return filepath.Join(filepath.Dir(program), name)
}

// find returns the path of the server's program.
func (s *server) find() (string, error) {
	if s.build != nil {
		program, err := s.build()
		if err != nil {
			return "", fmt.Errorf("%s %w (%v)", s.name, errNoServer, err)
		}
		return program, nil
	}
	if s.pins != nil {
		i, err := pythonenv.Default()
		if err != nil {
			return "", err
		}
		env, err := pythonenv.Venv(i, s.pins...)
		if err != nil {
			return "", err
		}
		return env.Bin(s.program), nil
	}
	for _, pattern := range s.dirs {
		found, _ := filepath.Glob(filepath.Join(pattern, s.program))
		if len(found) > 0 {
			return found[len(found)-1], nil
		}
	}
	path, err := exec.LookPath(s.program)
	if err != nil {
		return "", fmt.Errorf("%s %w (no %s was found)", s.name, errNoServer, s.program)
	}
	return path, nil
}

// A running server answers on a port of this machine.
type running struct {
	port  int
	cmd   *exec.Cmd
	done  chan struct{}
	stop  func() // ends it, and removes what it kept
	peers []*running
}

// start starts the server with its peers and returns when it answers. The error wraps errNoServer where it is not
// installed.
func (s *server) start() (*running, error) {
	if s.serve != nil {
		port := freePort()
		stop, err := s.serve(port)
		return &running{port: port, stop: stop}, err
	}
	program, err := s.find()
	if err != nil {
		return nil, err
	}
	r, err := s.launch(program)
	if err != nil || s.peers == 0 {
		return r, err
	}
	ports := []int{r.port}
	for range s.peers {
		peer, err := s.launch(program)
		if err != nil {
			r.stop()
			return nil, err
		}
		r.peers, ports = append(r.peers, peer), append(ports, peer.port)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.join(ctx, ports); err != nil {
		r.stop()
		return nil, err
	}
	return r, nil
}

// launch starts one process of the server.
func (s *server) launch(program string) (_ *running, err error) {
	as, err := s.credential()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "lumigo-qa-")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(dir)
		}
	}()
	if as != nil {
		if err := os.Chown(dir, int(as.Uid), int(as.Gid)); err != nil {
			return nil, err
		}
	}
	attributes := &syscall.SysProcAttr{Credential: as, Pdeathsig: syscall.SIGKILL}
	if s.prepare != nil {
		for _, cmd := range s.prepare(program, dir) {
			cmd.SysProcAttr, cmd.Dir = attributes, dir
			if out, err := cmd.CombinedOutput(); err != nil {
				return nil, fmt.Errorf("%s: %w: %s", cmd.Path, err, bytes.TrimSpace(out))
			}
		}
	}
	r := &running{port: freePort(), done: make(chan struct{})}
	r.cmd = s.command(program, dir, r.port)
	r.cmd.SysProcAttr, r.cmd.Dir = attributes, dir
	r.stop = func() {
		r.cmd.Process.Kill()
		<-r.done
		if s.after != nil {
			cmd := s.after()
			cmd.Env = r.cmd.Env
			cmd.Run()
		}
		os.RemoveAll(dir)
		for _, peer := range r.peers {
			peer.stop()
		}
	}
	var out bytes.Buffer
	r.cmd.Stdout, r.cmd.Stderr = &out, &out
	if err := r.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		r.cmd.Wait()
		close(r.done)
	}()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		if s.answers(ctx, program, r.port) {
			return r, nil
		}
		select {
		case <-r.done:
			return nil, fmt.Errorf("%s ended before it answered: %s", s.name, bytes.TrimSpace(out.Bytes()))
		case <-ctx.Done():
			r.stop()
			return nil, fmt.Errorf("%s did not answer within a minute", s.name)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (s *server) answers(ctx context.Context, program string, port int) bool {
	if s.asked != nil {
		return s.asked(ctx, program, port) == nil
	}
	c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// credential is who the server runs as: somebody else than root, where it has a user of its own.
func (s *server) credential() (*syscall.Credential, error) {
	if s.user == "" || os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup(s.user)
	if err != nil {
		return nil, fmt.Errorf("%s %w (%v)", s.name, errNoServer, err)
	}
	uid, _ := strconv.ParseUint(u.Uid, 10, 32)
	gid, _ := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// freePort is a port that nobody listens at, and that leaves room for the one 10000 above it, where nodes of a Redis
// Cluster talk with each other.
func freePort() int {
	for {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return 0
		}
		port := l.Addr().(*net.TCPAddr).Port
		l.Close()
		if port <= 55535 {
			return port
		}
	}
}
