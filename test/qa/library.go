package main

import "strings"

// A library is one that hooks trace.
type library struct {
	name   string                        // of its directory in testdata, its files of versions, and its hook
	pins   func(version string) []string // what is installed; the first is the package itself
	server *server                       // nil when the apps bring their own
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
	since  string  // the library's version from which on it can run; "" for all
	server *server // another than the library's
}

func pin(name string, more ...string) func(string) []string {
	return func(version string) []string { return append([]string{name + "==" + version}, more...) }
}

// motorPins has the pymongo of the time, where motor does not say itself which one it can work with.
func motorPins(version string) []string {
	if compareVersions(version, "3.0") >= 0 && compareVersions(version, "3.6") < 0 {
		return []string{"motor==" + version, "pymongo==4.8.0"}
	}
	return []string{"motor==" + version}
}

var libraries = []library{
	{name: "redis", pins: pin("redis"), server: redisServer, apps: []app{
		{name: "sync"}, {name: "aio", since: "4.2.0"},
		{name: "cluster", since: "4.1.0", server: redisClusterServer}, {name: "cluster_aio", since: "4.3.0", server: redisClusterServer},
	}},
	{name: "psycopg2", pins: pin("psycopg2-binary"), server: postgresServer, apps: []app{{name: "sync"}}},
	{name: "psycopg", pins: pin("psycopg[binary]"), server: postgresServer, apps: []app{{name: "sync"}, {name: "aio"}}},
	{name: "httpx", pins: pin("httpx"), apps: []app{{name: "sync"}, {name: "aio"}}},
	{name: "pymysql", pins: pin("pymysql"), server: mariadbServer, apps: []app{{name: "sync"}}},
	{name: "pymongo", pins: pin("pymongo"), server: ferretServer, apps: []app{{name: "sync"}, {name: "aio", since: "4.9"}}},
	{name: "asyncpg", pins: pin("asyncpg"), server: postgresServer, apps: []app{{name: "aio"}}},
	{
		name: "sqlalchemy", pins: pin("SQLAlchemy[asyncio]", "psycopg2-binary==2.9.10", "asyncpg==0.30.0"), server: postgresServer, mark: "db.query.summary",
		apps: []app{{name: "sync"}, {name: "aio", since: "1.4.54"}},
	},
	{name: "aiosqlite", pins: pin("aiosqlite"), apps: []app{{name: "aio"}}},
	{name: "mysqlclient", pins: pin("mysqlclient"), server: mariadbServer, apps: []app{{name: "sync"}}},
	{name: "mysql_connector", pins: pin("mysql-connector-python"), server: mariadbServer, apps: []app{{name: "sync"}, {name: "aio", since: "9.2"}}},
	{name: "pymemcache", pins: pin("pymemcache"), server: memcachedServer, apps: []app{{name: "sync"}}},
	{name: "elasticsearch", pins: pin("elasticsearch", "aiohttp"), mark: "db.system.name", apps: []app{{name: "sync"}, {name: "aio", since: "7.8"}, {name: "bulk", since: "8.0"}}},
	{name: "opensearch", pins: pin("opensearch-py", "aiohttp"), mark: "db.system.name", apps: []app{{name: "sync"}, {name: "aio"}}},
	{name: "cassandra", pins: pin("cassandra-driver"), apps: []app{{name: "sync"}}},
	{name: "motor", pins: motorPins, server: ferretServer, apps: []app{{name: "aio"}}},
}
