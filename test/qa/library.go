package main

import "strings"

// A library is one that hooks trace.
type library struct {
	name   string                        // of its directory in testdata, its files of versions, and its hook
	pins   func(version string) []string // what is installed; the first is the package itself
	server *server                       // nil when the apps bring their own
	apps   []app
}

// packageName is what the package index has the library under.
func (l library) packageName() string {
	name, _, _ := strings.Cut(l.pins("")[0], "==")
	name, _, _ = strings.Cut(name, "[")
	return name
}

// An app is a program in the library's directory, and a file of the spans it must have.
type app struct {
	name  string
	since string // the library's version from which on it can run; "" for all
}

func pin(name string, more ...string) func(string) []string {
	return func(version string) []string { return append([]string{name + "==" + version}, more...) }
}

var libraries = []library{
	{name: "redis", pins: pin("redis"), server: redisServer, apps: []app{{"sync", ""}, {"aio", "4.2.0"}}},
	{name: "psycopg2", pins: pin("psycopg2-binary"), server: postgresServer, apps: []app{{"sync", ""}}},
	{name: "psycopg", pins: pin("psycopg[binary]"), server: postgresServer, apps: []app{{"sync", ""}, {"aio", ""}}},
	{name: "httpx", pins: pin("httpx"), apps: []app{{"sync", ""}, {"aio", ""}}},
	{name: "pymysql", pins: pin("pymysql"), server: mariadbServer, apps: []app{{"sync", ""}}},
	{name: "boto3", pins: pin("boto3"), server: motoServer, apps: []app{{"messages", ""}, {"services", ""}, {"events", "1.9.253"}}},
	{name: "grpcio", pins: pin("grpcio"), apps: []app{{"sync", ""}, {"aio", "1.38.0"}}},
	{name: "aws_lambda", pins: pin("awslambdaric"), apps: []app{{"invoke", ""}}},
	{name: "openai", pins: modelClient("openai", "1.56.0"), apps: []app{{"sync", ""}, {"aio", ""}, {"responses", "1.66.0"}}},
	{name: "langchain", pins: langchain, apps: []app{{"chain", ""}}},
	{name: "anthropic", pins: modelClient("anthropic", "0.40.0"), apps: []app{{"sync", ""}, {"stream", "0.20.0"}}},
}

// modelClient pins a client of language models, and beside those that are older than a version the last httpx that
// they go with.
func modelClient(name, since string) func(string) []string {
	return func(version string) []string {
		if version != "" && compareVersions(version, since) < 0 {
			return []string{name + "==" + version, "httpx==0.27.2"}
		}
		return []string{name + "==" + version}
	}
}

// langchain pins langchain-core, and the version of langchain-openai that goes with it.
func langchain(version string) []string {
	client := "1.0.0"
	switch {
	case compareVersions(version, "0.2") < 0:
		client = "0.1.0"
	case compareVersions(version, "0.3") < 0:
		client = "0.1.8"
	case compareVersions(version, "1") < 0:
		client = "0.2.0"
	}
	return []string{"langchain-core==" + version, "langchain-openai==" + client}
}
