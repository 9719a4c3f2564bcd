package servers

import (
	"bytes"
	"context"
	"fmt"
	"github.com/lumigo-io/opentelemetry-distro/test/pythonenv"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// Redis is one node of Redis, which keeps nothing on disk.
var Redis = &Server{
	name: "Redis", program: "redis-server",
	command: func(program, dir string, port int) *exec.Cmd {
		return exec.Command(program, "--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--save", "", "--dir", dir)
	},
}

// RedisCluster is a Redis Cluster of three nodes; its port is that of the first.
var RedisCluster = &Server{
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

// PostgreSQL trusts the user postgres.
var PostgreSQL = &Server{
	name: "PostgreSQL", program: "postgres", dirs: []string{"/usr/lib/postgresql/*/bin"}, user: "postgres",
	prepare: func(program, dir string) []*exec.Cmd {
		return []*exec.Cmd{exec.Command(beside(program, "initdb"), "--pgdata", filepath.Join(dir, "data"), "--username", "postgres", "--auth", "trust", "--no-sync")}
	},
	command: func(program, dir string, port int) *exec.Cmd {
		return exec.Command(program, "-D", filepath.Join(dir, "data"), "-p", strconv.Itoa(port), "-h", "127.0.0.1", "-k", dir, "-F")
	},
	asked: func(ctx context.Context, program string, port int) error {
		return exec.CommandContext(ctx, beside(program, "pg_isready"), "-q", "-h", "127.0.0.1", "-p", strconv.Itoa(port)).Run()
	},
}

// MariaDB lets root in without a password.
var MariaDB = &Server{
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

// Memcached is one node of memcached.
var Memcached = &Server{
	name: "memcached", program: "memcached", user: "memcache",
	command: func(program, dir string, port int) *exec.Cmd {
		return exec.Command(program, "-l", "127.0.0.1", "-p", strconv.Itoa(port), "-U", "0")
	},
}

// FerretDB stands in for MongoDB, whose protocol it speaks.
var FerretDB = &Server{
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

// RabbitMQ is one node with its defaults, so guest may log in.
var RabbitMQ = &Server{
	name: "RabbitMQ", program: "rabbitmq-server", dirs: []string{"/usr/lib/rabbitmq/bin"}, user: "rabbitmq",
	command: func(program, dir string, port int) *exec.Cmd {
		cmd := exec.Command(program)
		cmd.Env = append(os.Environ(), "HOME="+dir, "RABBITMQ_NODENAME=qa"+strconv.Itoa(port)+"@localhost",
			"RABBITMQ_NODE_IP_ADDRESS=127.0.0.1", "RABBITMQ_NODE_PORT="+strconv.Itoa(port), "RABBITMQ_DIST_PORT="+strconv.Itoa(FreePort()),
			"RABBITMQ_MNESIA_BASE="+dir, "RABBITMQ_LOG_BASE="+dir, "RABBITMQ_LOGS=-", "RABBITMQ_ENABLED_PLUGINS_FILE="+filepath.Join(dir, "plugins"),
			"RABBITMQ_CONF_ENV_FILE="+filepath.Join(dir, "none"), "RABBITMQ_CONFIG_FILE="+filepath.Join(dir, "none"),
			"RUNNING_UNDER_SYSTEMD=true", // the script becomes the server, rather than its parent
			"ERL_EPMD_ADDRESS=127.0.0.1", "ERL_EPMD_PORT="+strconv.Itoa(FreePort()))
		return cmd
	},
	after: func() *exec.Cmd { return exec.Command("epmd", "-kill") }, // which it has started, and leaves
}

// Kafka is a stand-in that speaks Kafka's protocol, as its clients of all versions do.
var Kafka = &Server{
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

// Moto stands in for AWS.
var Moto = &Server{
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
