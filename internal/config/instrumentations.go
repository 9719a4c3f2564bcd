package config

import (
	"maps"
	"slices"
	"strings"
)

// instrumentationAliases has, under the id of each instrumentation, the other
// names that users know it by. The ids of the original stand as they are
// there; spellings that differ in case, "-", "_" and "." need not be listed.
var instrumentationAliases = map[string][]string{
	// The original's.
	"agno":         nil,
	"boto":         nil,
	"botocore":     {"boto3"},
	"django":       nil,
	"fast-api":     nil,
	"flask":        nil,
	"grpc":         {"grpcio", "google.golang.org/grpc"},
	"httpx":        nil,
	"kafka_python": {"kafka"},
	"langchain":    {"langchain-core"},
	"pika":         nil,
	"psycopg":      {"psycopg3"},
	"psycopg2":     {"psycopg2-binary"},
	"pymongo":      {"motor"},
	"pymysql":      nil,
	"redis":        {"go-redis", "github.com/redis/go-redis/v9"},
	"requests":     nil,

	// Ours.
	"aio_pika":        nil,
	"aiohttp":         nil,
	"aiohttp-client":  nil,
	"aiohttp-server":  nil,
	"aiokafka":        nil,
	"aiomysql":        nil,
	"aiosqlite":       nil,
	"anthropic":       nil,
	"asgi":            nil,
	"asyncpg":         nil,
	"aws_lambda":      {"lambda", "awslambdaric"},
	"cassandra":       {"cassandra-driver"},
	"celery":          nil,
	"cheroot":         {"cherrypy"},
	"confluent_kafka": nil,
	"daphne":          nil,
	"elasticsearch":   nil,
	"gevent":          nil,
	"gunicorn":        nil,
	"http.client":     {"http"},
	"http.server":     nil,
	"hypercorn":       nil,
	"logging":         nil,
	"mysql_connector": {"mysql-connector-python"},
	"mysqlclient":     {"mysqldb"},
	"openai":          nil,
	"opensearch":      {"opensearch-py"},
	"opentelemetry":   {"opentelemetry-api", "go.opentelemetry.io/otel"},
	"pymemcache":      nil,
	"redis_cluster":   nil,
	"sqlalchemy":      nil,
	"sqlite3":         {"sqlite"},
	"starlette":       nil,
	"tornado":         nil,
	"urllib":          nil,
	"urllib3":         nil,
	"uvicorn":         nil,
	"uwsgi":           nil,
	"valkey":          nil,
	"waitress":        nil,
	"werkzeug":        nil,
	"wsgi":            nil,
	"wsgiref":         nil,

	// Go's, which also go by the import paths of what is woven.
	"chi":          {"github.com/go-chi/chi/v5"},
	"database/sql": nil,
	"echo":         {"github.com/labstack/echo/v4", "github.com/labstack/echo/v5"},
	"fasthttp":     {"github.com/valyala/fasthttp"},
	"fiber":        {"github.com/gofiber/fiber/v2", "github.com/gofiber/fiber/v3"},
	"gin":          {"github.com/gin-gonic/gin"},
	"gorilla/mux":  {"mux", "github.com/gorilla/mux"},
	"grpc-gateway": {"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"},
	"httprouter":   {"github.com/julienschmidt/httprouter"},
	"log":          nil,
	"log/slog":     {"slog"},
	"net/http":     nil,
	"pgx":          {"github.com/jackc/pgx/v5"},
}

// Instrumentations returns the ids that Config.DisabledInstrumentations can
// hold, sorted.
func Instrumentations() []string {
	return slices.Sorted(maps.Keys(instrumentationAliases))
}

// Instrumentation returns the id of the instrumentation that goes by a name, in
// any of its spellings.
func Instrumentation(name string) (id string, known bool) {
	id, known = instrumentationBySpelling[simplified(name)]
	return id, known
}

var instrumentationBySpelling = func() map[string]string {
	ids := make(map[string]string)
	for id, aliases := range instrumentationAliases {
		ids[simplified(id)] = id
		for _, alias := range aliases {
			ids[simplified(alias)] = id
		}
	}
	return ids
}()

// simplified removes what the spellings of a name differ in.
func simplified(name string) string {
	return strings.NewReplacer("-", "", "_", "", ".", "").Replace(strings.ToLower(name))
}
