package main

import (
	"slices"
	"strings"

	"github.com/lumigo-io/opentelemetry-distro/test/servers"
)

// A library is one that hooks trace.
type library struct {
	name   string          // of its directory in testdata, its files of versions, and its hook
	pins   pins            // what is installed; the first is the package itself
	server *servers.Server // nil when the apps bring their own
	apps   []app
	mark   string // the attribute that only it makes, where what it stands on has spans of its own
}

// packageName is what the package index has the library under.
func (l library) packageName() string {
	name, _, _ := strings.Cut(l.pins("")[0], "==")
	name, _, _ = strings.Cut(name, "[")
	return name
}

// An app is a program in the library's directory, and a file of the spans it must have.
type app struct {
	name   string
	since  string          // the library's version from which on it can run; "" for all
	server *servers.Server // another than the library's
}

// pins are the requirements to install a version of a library.
type pins func(version string) []string

func pin(name string, more ...string) pins {
	return func(version string) []string { return append([]string{name + "==" + version}, more...) }
}

// before adds what only versions older than one need, such as other packages of their time. What is pinned already stays,
// so that eras are written from the oldest on.
func (p pins) before(than string, more ...string) pins {
	return func(version string) []string {
		earlier := p(version)
		if compareVersions(version, than) >= 0 {
			return earlier
		}
		all := slices.Clone(earlier)
		for _, each := range more {
			name, _, _ := strings.Cut(each, "==")
			pinned := func(pin string) bool { return strings.HasPrefix(pin, name+"==") }
			if !slices.ContainsFunc(earlier, pinned) { // one of several for different interpreters is not in the others' way
				all = append(all, each)
			}
		}
		return all
	}
}

// uvicorn serves the ASGI applications of frameworks.
var uvicorn = []string{"uvicorn==0.33.0; python_version >= '3.8'", "uvicorn==0.22.0; python_version < '3.8'"}

// drivers are those of PostgreSQL that SQLAlchemy is tried with.
var drivers = []string{
	"psycopg2-binary==2.9.10; python_version >= '3.8'", "psycopg2-binary==2.9.9; python_version < '3.8'",
	"asyncpg==0.30.0; python_version >= '3.8'", "asyncpg==0.28.0; python_version < '3.8'",
}

// oldHTTPX is what clients of models were written for before httpx 0.28.
var oldHTTPX = []string{"httpx==0.27.2; python_version >= '3.8'", "httpx==0.24.1; python_version < '3.8'"}

// motorPins has the pymongo of the time, where motor does not say itself which one it can work with.
func motorPins(version string) []string {
	if compareVersions(version, "3.0") >= 0 && compareVersions(version, "3.6") < 0 {
		return []string{"motor==" + version, "pymongo==4.8.0; python_version >= '3.8'", "pymongo==4.7.3; python_version < '3.8'"}
	}
	return []string{"motor==" + version}
}

var libraries = []library{
	{name: "redis", pins: pin("redis"), server: servers.Redis, apps: []app{
		{name: "sync"}, {name: "aio", since: "4.2.0"},
		{name: "cluster", since: "4.1.0", server: servers.RedisCluster}, {name: "cluster_aio", since: "4.3.0", server: servers.RedisCluster},
	}},
	{name: "valkey", pins: pin("valkey"), server: servers.Redis, apps: []app{
		{name: "sync"}, {name: "aio"},
		{name: "cluster", server: servers.RedisCluster}, {name: "cluster_aio", server: servers.RedisCluster},
	}},
	{name: "psycopg2", pins: pin("psycopg2-binary"), server: servers.PostgreSQL, apps: []app{{name: "sync"}}},
	{name: "psycopg", pins: pin("psycopg[binary]"), server: servers.PostgreSQL, apps: []app{{name: "sync"}, {name: "aio"}}},
	{name: "httpx", pins: pin("httpx"), apps: []app{{name: "sync"}, {name: "aio"}}},
	{name: "aiohttp", pins: pin("aiohttp").before("3.10", "yarl==1.9.4"), apps: []app{{name: "client"}, {name: "server"}}},
	{name: "tornado", pins: pin("tornado"), apps: []app{{name: "client"}, {name: "server"}}},
	{name: "requests", pins: pin("requests"), apps: []app{{name: "app"}}},
	{name: "urllib3", pins: pin("urllib3"), apps: []app{{name: "app"}}},
	{name: "flask", apps: []app{{name: "app"}}, pins: pin("flask").
		before("2.0", "werkzeug==1.0.1", "jinja2==2.11.3", "itsdangerous==1.1.0", "markupsafe==2.0.1").
		before("2.1", "werkzeug==2.0.3").
		before("2.3", "werkzeug==2.2.3").
		before("3.0", "werkzeug==2.3.8")},
	{name: "django", pins: pin("django", uvicorn...), apps: []app{{name: "wsgi_app"}, {name: "asgi_app", since: "3.0"}}},
	{name: "starlette", pins: pin("starlette", uvicorn...), apps: []app{{name: "app"}}},
	{name: "fastapi", pins: pin("fastapi", uvicorn...), apps: []app{{name: "app"}}},
	{name: "uvicorn", pins: pin("uvicorn"), apps: []app{{name: "app"}}},
	{name: "gunicorn", apps: []app{{name: "app"}}, pins: pin("gunicorn").
		before("21.0", "setuptools==75.3.0; python_version >= '3.8'", "setuptools==68.0.0; python_version < '3.8'")},
	{name: "kafka_python", pins: pin("kafka-python"), server: servers.Kafka, apps: []app{{name: "sync"}}},
	{name: "pika", pins: pin("pika"), server: servers.RabbitMQ, apps: []app{{name: "sync"}, {name: "aio", since: "1.0.0"}}},
	{name: "celery", pins: pin("celery").before("5.2", "setuptools==68.0.0").before("5.3", "importlib-metadata==4.13.0"), server: servers.RabbitMQ, apps: []app{{name: "worker"}}},
	{name: "confluent_kafka", pins: pin("confluent-kafka"), server: servers.Kafka, apps: []app{
		{name: "sync"}, {name: "poll"}, {name: "aio", since: "2.13.0"}, {name: "aio_producer", since: "2.13.0"},
	}},
	{name: "aiokafka", pins: pin("aiokafka").before("0.9", "kafka-python==2.0.2; python_version < '3.12'", "kafka-python==2.0.3; python_version >= '3.12'"), server: servers.Kafka, apps: []app{{name: "aio"}}},
	{name: "aio_pika", pins: pin("aio-pika").before("9.1", "setuptools==68.0.0"), server: servers.RabbitMQ, apps: []app{{name: "aio"}}},
	{name: "pymysql", pins: pin("pymysql"), server: servers.MariaDB, apps: []app{{name: "sync"}}},
	{name: "aiomysql", pins: pin("aiomysql"), server: servers.MariaDB, apps: []app{{name: "aio"}}},
	{name: "pymongo", pins: pin("pymongo"), server: servers.FerretDB, apps: []app{{name: "sync"}, {name: "aio", since: "4.9"}}},
	{name: "asyncpg", pins: pin("asyncpg"), server: servers.PostgreSQL, apps: []app{{name: "aio"}, {name: "named"}}},
	{
		name: "sqlalchemy", pins: pin("SQLAlchemy[asyncio]", drivers...), server: servers.PostgreSQL, mark: "db.query.summary",
		apps: []app{{name: "sync"}, {name: "aio", since: "1.4.54"}},
	},
	{name: "aiosqlite", pins: pin("aiosqlite"), apps: []app{{name: "aio"}}},
	{name: "mysqlclient", pins: pin("mysqlclient"), server: servers.MariaDB, apps: []app{{name: "sync"}}},
	{name: "mysql_connector", pins: pin("mysql-connector-python"), server: servers.MariaDB, apps: []app{{name: "sync"}, {name: "aio", since: "9.2"}}},
	{name: "boto3", pins: pin("boto3"), server: servers.Moto, apps: []app{{name: "messages"}, {name: "services"}, {name: "events", since: "1.9.253"}}},
	{name: "boto", pins: pin("boto"), server: servers.Moto, apps: []app{{name: "sync"}}},
	{name: "grpcio", pins: pin("grpcio"), apps: []app{
		{name: "sync"}, {name: "sync_code"}, {name: "aio", since: "1.38.0"}, {name: "aio_context", since: "1.38.0"}, {name: "aio_write", since: "1.38.0"},
	}},
	{name: "aws_lambda", pins: pin("awslambdaric"), apps: []app{{name: "invoke"}}},
	{name: "openai", pins: pin("openai").before("1.56", oldHTTPX...), apps: []app{
		{name: "sync"}, {name: "stream", since: "1.12.0"}, {name: "closed", since: "1.12.0"}, {name: "raw"}, {name: "aio"}, {name: "responses", since: "1.66.0"},
	}},
	{name: "anthropic", pins: pin("anthropic").before("0.40", oldHTTPX...), apps: []app{{name: "sync"}, {name: "stream", since: "0.20.0"}, {name: "closed", since: "0.20.0"}}},
	{name: "langchain", apps: []app{{name: "chain"}, {name: "left"}}, pins: pin("langchain-core").
		before("0.2", "langchain-openai==0.1.0").
		before("0.3", "langchain-openai==0.1.8").
		before("1", "langchain-openai==0.2.0").
		before("99", "langchain-openai==1.0.0")},
	{name: "pymemcache", pins: pin("pymemcache"), server: servers.Memcached, apps: []app{{name: "sync"}}},
	{name: "elasticsearch", pins: pin("elasticsearch", "aiohttp"), mark: "db.system.name", apps: []app{{name: "sync"}, {name: "aio", since: "7.8"}, {name: "bulk", since: "8.0"}}},
	{name: "opensearch", pins: pin("opensearch-py", "aiohttp"), mark: "db.system.name", apps: []app{{name: "sync"}, {name: "aio"}}},
	{name: "cassandra", pins: pin("cassandra-driver"), apps: []app{{name: "sync"}}},
	{name: "motor", pins: motorPins, server: servers.FerretDB, apps: []app{{name: "aio"}}},
}
