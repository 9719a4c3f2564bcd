package goservers

import "regexp"

// protojson writes space or not depending on the binary. The ids of etcd are made of its
// ports, and it decides on versions after its start.
var protojson = regexp.MustCompile(`,\s?|Content-Length: .*|"(cluster_id|member_id)":"\d+"|"(etcdcluster|storage)":"[^"]*"`)

var cases = []server{
	{name: "chi", versions: []string{"github.com/go-chi/chi/v5@v5.5.0", "github.com/go-chi/chi/v5@v5.1.0", "github.com/go-chi/chi/v5@v5.0.8"}, requests: []request{
		{ask: "GET /hello", spans: "SERVER GET /hello 200"},
		{ask: "HEAD /hello", spans: "SERVER HEAD /hello 200"},
		{ask: "GET /hello", header: "Accept-Encoding: gzip", spans: "SERVER GET /hello 200"},
		{ask: "GET /articles/7?token=x", header: "X-Forwarded-For: 192.0.2.1", spans: `
			SERVER GET /articles/{id:[0-9]+} 200
			  CLIENT GET 200
			    SERVER GET /hello 200`, shows: map[string]any{"client.address": "192.0.2.1", "url.query": "token=****"}},
		{ask: "POST /articles", header: "Content-Type: application/json", body: `{"title":"t","password":"p"}`, spans: "SERVER POST /articles 201", shows: map[string]any{
			"http.request.body": `{"title": "t", "password": "****"}`, "http.response.body": `{"title": "t", "password": "****"}`}},
		{ask: "GET /files/a/b.txt", spans: "SERVER GET /files/* 200"},
		{ask: "GET /admin/users/ann", header: "Authorization: Basic bWU6c2VjcmV0", spans: "SERVER GET /admin/users/{name} 200"},
		{ask: "GET /admin/users/ann", spans: "SERVER GET /admin/* 401"},
		{ask: "GET /panic", spans: "SERVER GET /panic 500 ERROR"},
		{ask: "PUT /hello", spans: "SERVER PUT 405"},
		{ask: "GET /nowhere", spans: "SERVER GET 404"},
	}},
	{name: "gin", versions: []string{"github.com/gin-gonic/gin@v1.12.0", "github.com/gin-gonic/gin@v1.7.7", "github.com/gin-gonic/gin@v1.6.3"}, requests: []request{
		{ask: "GET /hello", spans: "SERVER GET /hello 200"},
		{ask: "GET /users/ann", header: "X-Forwarded-For: 192.0.2.1", spans: `
			SERVER GET /users/:name 200
			  CLIENT GET 200
			    SERVER GET /hello 200`},
		{ask: "POST /users", header: "Content-Type: application/json", body: `{"name":"ann"}`, spans: "SERVER POST /users 201"},
		{ask: "POST /users", header: "Content-Type: application/json", body: `{"name":`, spans: "SERVER POST /users 400"},
		{ask: "GET /stream", spans: "SERVER GET /stream 200"},
		{pinned: true, ask: "GET /reader", spans: "SERVER GET /reader 200"},
		{ask: "GET /named/ann", spans: "SERVER GET /named/:name 200"},
		{ask: "GET /files/a/b", spans: "SERVER GET /files/*path 302"},
		{ask: "GET /hello/", spans: "SERVER GET 301"},
		{ask: "GET /panic", spans: "SERVER GET /panic 500 ERROR"},
		{ask: "GET /nowhere", spans: "SERVER GET 404"},
	}},
	{name: "echo", versions: []string{"github.com/labstack/echo/v4@v4.16.0", "github.com/labstack/echo/v4@v4.6.0", "github.com/labstack/echo/v4@v4.1.16"}, requests: []request{
		{ask: "GET /hello", spans: "SERVER GET /hello 200"},
		{ask: "GET /api/users/7", header: "Origin: http://example.com\nAccept-Encoding: gzip", spans: `
			SERVER GET /api/users/:id 200
			  CLIENT GET 200
			    SERVER GET /hello 200`},
		{ask: "POST /api/users", header: "Content-Type: application/json", body: `{"Name":"ann"}`, spans: "SERVER POST /api/users 201"},
		{ask: "POST /api/users", header: "Content-Type: application/json", body: `{"Name":`, spans: "SERVER POST /api/users 400"},
		{pinned: true, ask: "OPTIONS /api/users", header: "Origin: http://example.com\nAccess-Control-Request-Method: POST", spans: "SERVER OPTIONS /api/* 204"},
		{ask: "GET /stream", spans: "SERVER GET /stream 200"},
		{ask: "GET /named/ann", spans: "SERVER GET /named/:name 200"},
		{ask: "GET /error", spans: "SERVER GET /error 500 ERROR"},
		{ask: "GET /panic", spans: "SERVER GET /panic 500 ERROR"},
		{ask: "GET /teapot", spans: "SERVER GET /teapot 418"},
		{ask: "GET /nowhere", spans: "SERVER GET 404"},
	}},
	{name: "echo5", apart: true, versions: []string{"github.com/labstack/echo/v5@v5.3.1"}, requests: []request{
		{ask: "GET /hello", spans: "SERVER GET /hello 200"},
		{ask: "GET /users/7", spans: `
			SERVER GET /users/:id 200
			  CLIENT GET 200
			    SERVER GET /hello 200`},
		{ask: "GET /files/a/b", spans: "SERVER GET /files/* 200"},
		{ask: "GET /error", spans: "SERVER GET /error 500 ERROR"},
		{ask: "GET /stream", spans: "SERVER GET /stream 200"},
		{ask: "PUT /hello", spans: "SERVER PUT /hello 405"},
		{ask: "GET /nowhere", spans: "SERVER GET 404"},
	}},
	{name: "httprouter", versions: []string{"github.com/julienschmidt/httprouter@v1.2.0"}, requests: []request{
		{ask: "GET /hello", spans: "SERVER GET /hello 200"},
		{ask: "GET /hello/ann", spans: `
			SERVER GET /hello/:name 200
			  CLIENT GET 200
			    SERVER GET /hello 200`},
		{ask: "GET /hello/", spans: "SERVER GET 301"},
		{ask: "GET /HELLO", spans: "SERVER GET 301"},
		{pinned: true, ask: "OPTIONS /hello", spans: "SERVER OPTIONS 200"},
		{ask: "GET /panic", spans: "SERVER GET /panic 503 ERROR"},
	}},
	{name: "gorilla", versions: []string{"github.com/gorilla/mux@v1.8.0", "github.com/gorilla/mux@v1.7.0"}, requests: []request{
		{ask: "GET /hello", spans: "SERVER GET /hello 200"},
		{ask: "GET /products/7", spans: `
			SERVER GET /products/{key} 200
			  CLIENT GET 200
			    SERVER GET /hello 200`},
		{ask: "PUT /products/7?force=1", body: "new", spans: "SERVER PUT /products/{key} 200"},
		{pinned: true, ask: "PUT /products/7", body: "new", spans: "SERVER PUT 404"},
		{pinned: true, ask: "DELETE /products/7", spans: "SERVER DELETE 404"},
	}},
	{name: "httpbin", varies: regexp.MustCompile(`"origin": "[^"]*"`), requests: []request{
		{ask: "GET /", spans: "SERVER GET /{$} 200"},
		{ask: "GET /get?a=1&b=2", spans: "SERVER GET /get 200", shows: map[string]any{"url.query": "a=1&b=2", "network.protocol.version": "1.1"}},
		{ask: "HEAD /head", spans: "SERVER HEAD /head 200"},
		{ask: "POST /post", header: "Content-Type: application/x-www-form-urlencoded", body: "a=1&password=x", spans: "SERVER POST /post 200"},
		{ask: "PUT /put", header: "Content-Type: application/json", body: `{"a":1}`, spans: "SERVER PUT /put 200"},
		{ask: "PATCH /anything/else", header: "Expect: 100-continue", body: "text", spans: "SERVER PATCH /anything/ 200"},
		{ask: "GET /status/204", spans: "SERVER GET /status/{code} 204"},
		{ask: "GET /status/418", spans: "SERVER GET /status/{code} 418"},
		{ask: "GET /status/503", spans: "SERVER GET /status/{code} 503 ERROR"},
		{ask: "GET /redirect/2", spans: "SERVER GET /redirect/{numRedirects} 302"},
		{ask: "GET /gzip", header: "Host: here\nX-Forwarded-For: 192.0.2.1", spans: "SERVER GET /gzip 200"},
		{ask: "GET /deflate", header: "Host: here\nX-Forwarded-For: 192.0.2.1", spans: "SERVER GET /deflate 200"},
		{ask: "GET /bytes/2000?seed=7", spans: "SERVER GET /bytes/{numBytes} 200"},
		{ask: "GET /stream-bytes/2000?seed=7&chunk_size=100", spans: "SERVER GET /stream-bytes/{numBytes} 200"},
		{ask: "GET /range/1000", header: "Range: bytes=10-19", spans: "SERVER GET /range/{numBytes} 206"},
		{ask: "GET /stream/3", spans: "SERVER GET /stream/{numLines} 200"},
		{ask: "GET /trailers?checksum=abc", spans: "SERVER GET /trailers 200"},
		{ask: "GET /drip?duration=100ms&numbytes=3", spans: "SERVER GET /drip 200"},
		{ask: "GET /image/png", spans: "SERVER GET /image/{kind} 200"},
		{ask: "GET /basic-auth/ann/secret", header: "Authorization: Basic YW5uOnNlY3JldA==", spans: "SERVER GET /basic-auth/{user}/{password} 200"},
		{ask: "GET /cookies/set?session=1", spans: "SERVER GET /cookies/set 302"},
		{ask: "GET /websocket/echo", header: `
			Connection: Upgrade
			Upgrade: websocket
			Sec-Websocket-Version: 13
			Sec-Websocket-Key: AAAAAAAAAAAAAAAAAAAAAA==`,
			// a text of two letters, and the end
			body: "\x81\x82\x00\x00\x00\x00hi\x88\x82\x00\x00\x00\x00\x03\xe8", spans: "SERVER GET /websocket/echo 101"},
		{ask: "GET /nowhere", spans: "SERVER GET 404"},
		{ask: "POST /get", spans: "SERVER POST 405"},
	}},
	{name: "fiber", versions: []string{"github.com/gofiber/fiber/v2@v2.52.0", "github.com/gofiber/fiber/v2@v2.45.0", "github.com/gofiber/fiber/v2@v2.36.0"}, requests: []request{
		{ask: "GET /hello", spans: "SERVER GET /hello 200", shows: map[string]any{"http.response.body": "hello", "network.protocol.version": "1.1"}},
		{ask: "GET /users/ann?token=x", spans: `
			SERVER GET /users/:name 200
			  CLIENT GET 200
			    SERVER GET /inner 200`, shows: map[string]any{"url.query": "token=****"}},
		{ask: "POST /users", header: "Content-Type: application/json", body: `{"name":"ann","password":"p"}`, spans: "SERVER POST /users 201", shows: map[string]any{
			"http.request.body": `{"name": "ann", "password": "****"}`, "http.response.body": `{"name": "ann", "password": "****"}`}},
		{ask: "GET /api/v1/things/7", spans: "SERVER GET /api/v1/things/:id 418"},
		{ask: "GET /adapted", spans: `
			SERVER GET /adapted 200
			  CLIENT GET 200
			    SERVER GET /inner 200`},
		{ask: "GET /agent", spans: `
			SERVER GET /agent 200
			  CLIENT GET 200
			    SERVER GET /inner 200`},
		{ask: "GET /panic", spans: "SERVER GET /panic 500 ERROR"},
		{ask: "PUT /hello", spans: "SERVER PUT 405"},
		{ask: "GET /nowhere", spans: "SERVER GET 404"},
	}},
	{name: "fiber3", apart: true, versions: []string{"github.com/gofiber/fiber/v3@v3.1.0", "github.com/gofiber/fiber/v3@v3.0.0"}, requests: []request{
		{ask: "GET /hello", spans: "SERVER GET /hello 200"},
		{ask: "GET /users/ann", spans: `
			SERVER GET /users/:name 200
			  CLIENT GET 200
			    SERVER GET /hello 200`},
		{ask: "GET /inner/ann", spans: "SERVER GET /inner/:name 200"},
		{ask: "GET /panic", spans: "SERVER GET /panic 500 ERROR"},
		{ask: "GET /nowhere", spans: "SERVER GET 404"},
	}},
	{name: "fasthttp", versions: []string{"github.com/valyala/fasthttp@v1.78.0", "github.com/valyala/fasthttp@v1.40.0", "github.com/valyala/fasthttp@v1.16.0"}, requests: []request{
		{ask: "GET /hello", header: "X-Forwarded-For: 192.0.2.1\nAuthorization: Basic bWU6c2VjcmV0", spans: "SERVER GET 200", shows: map[string]any{"client.address": "192.0.2.1", "http.response.body": "hello"}},
		{ask: "HEAD /hello", spans: "SERVER HEAD 200"},
		{ask: "GET /ask", spans: `
			SERVER GET 200
			  CLIENT POST 201
			    SERVER POST 201`},
		{ask: "GET /refused", spans: `
			SERVER GET 200
			  CLIENT GET ERROR`},
		{ask: "POST /echo", header: "Content-Type: application/json\nExpect: 100-continue", body: `{"secret":"s"}`, spans: "SERVER POST 201", shows: map[string]any{
			"http.request.body": `{"secret": "****"}`, "http.response.body": `{"secret": "****"}`}},
		{ask: "POST /form", header: "Content-Type: multipart/form-data; boundary=b", body: "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b--\r\n", spans: "SERVER POST 200"},
		{ask: "GET /stream", spans: "SERVER GET 200"},
		{ask: "GET /gzip", header: "Accept-Encoding: gzip", spans: "SERVER GET 200"},
		{ask: "GET /late", spans: "SERVER GET 408"},
		{ask: "GET /upgrade", header: "Connection: Upgrade\nUpgrade: echo", body: "over", spans: "SERVER GET 101"},
		{ask: "GET /goroutine", spans: `
			SERVER GET 200
			  CLIENT GET 200
			    SERVER GET 200`},
		{ask: "GET /nowhere", spans: "SERVER GET 404"},
	}},
	// h2c takes the connection over from net/http, by a request that is none.
	{name: "h2c", requests: []request{
		{ask: "GET /hello", spans: "SERVER GET /hello 200"},
		{ask: "GET /ask", spans: `
			SERVER GET /ask 200
			  CLIENT GET 200
			    SERVER GET /hello 200`},
		{ask: "GET /nowhere", spans: "SERVER GET 404"},
	}},
	{name: "grpc", versions: []string{"google.golang.org/grpc@v1.85.0", "google.golang.org/grpc@v1.64.1", "google.golang.org/grpc@v1.58.3", "google.golang.org/grpc@v1.44.0"}, requests: []request{
		{ask: "GET /empty", spans: `
			SERVER GET /empty 200
			  CLIENT grpc.testing.TestService/EmptyCall 0
			    SERVER grpc.testing.TestService/EmptyCall 0`},
		{ask: "GET /unary", spans: `
			SERVER GET /unary 200
			  CLIENT grpc.testing.TestService/UnaryCall 0
			    SERVER grpc.testing.TestService/UnaryCall 0
			      CLIENT GET 200
			        SERVER GET /hello 200`, below: []attributes{
			{"CLIENT", "grpc.testing.TestService/UnaryCall", map[string]any{"rpc.system": "grpc", "rpc.service": "grpc.testing.TestService", "rpc.method": "UnaryCall", "server.address": "127.0.0.1", "network.peer.address": "127.0.0.1",
				"rpc.grpc.request.payload": `{"responseSize": 5, "fillUsername": true}`}},
			{"SERVER", "grpc.testing.TestService/UnaryCall", map[string]any{"rpc.system": "grpc", "rpc.service": "grpc.testing.TestService", "rpc.method": "UnaryCall", "server.address": "127.0.0.1", "client.address": "127.0.0.1",
				"rpc.grpc.request.payload": `{"responseSize": 5, "fillUsername": true}`}},
		}},
		{ask: "GET /missing", spans: `
			SERVER GET /missing 200
			  CLIENT grpc.testing.TestService/UnaryCall 5 ERROR
			    SERVER grpc.testing.TestService/UnaryCall 5`, below: []attributes{{"CLIENT", "grpc.testing.TestService/UnaryCall", map[string]any{"error.type": "NOT_FOUND"}}}},
		{ask: "GET /broken", spans: `
			SERVER GET /broken 200
			  CLIENT grpc.testing.TestService/UnaryCall 13 ERROR
			    SERVER grpc.testing.TestService/UnaryCall 13 ERROR`},
		{ask: "GET /panic", spans: `
			SERVER GET /panic 200
			  CLIENT grpc.testing.TestService/UnaryCall 13 ERROR
			    SERVER grpc.testing.TestService/UnaryCall 13 ERROR`},
		{ask: "GET /out", spans: `
			SERVER GET /out 200
			  CLIENT grpc.testing.TestService/StreamingOutputCall 0
			    SERVER grpc.testing.TestService/StreamingOutputCall 0`, below: []attributes{
			{"CLIENT", "grpc.testing.TestService/StreamingOutputCall", map[string]any{"rpc.grpc.response.payload": `[{"payload": {"body": "AA=="}}, {"payload": {"body": "AAA="}}]`}},
			{"SERVER", "grpc.testing.TestService/StreamingOutputCall", map[string]any{"rpc.grpc.response.payload": `[{"payload": {"body": "AA=="}}, {"payload": {"body": "AAA="}}]`}},
		}},
		{ask: "GET /in", spans: `
			SERVER GET /in 200
			  CLIENT grpc.testing.TestService/StreamingInputCall 0
			    SERVER grpc.testing.TestService/StreamingInputCall 0`, below: []attributes{
			{"CLIENT", "grpc.testing.TestService/StreamingInputCall", map[string]any{"rpc.grpc.response.payload": `{"aggregatedPayloadSize": 6}`}},
			{"SERVER", "grpc.testing.TestService/StreamingInputCall", map[string]any{"rpc.grpc.request.payload": `[{"payload": {"body": "AA=="}}, {"payload": {"body": "AAA="}}, {"payload": {"body": "AAAA"}}]`, "rpc.grpc.response.payload": `{"aggregatedPayloadSize": 6}`}},
		}},
		{ask: "GET /both", spans: `
			SERVER GET /both 200
			  CLIENT grpc.testing.TestService/FullDuplexCall 0
			    SERVER grpc.testing.TestService/FullDuplexCall 0
			      CLIENT GET 200
			        SERVER GET /hello 200`},
		{ask: "GET /both/failing", spans: `
			SERVER GET /both/failing 200
			  CLIENT grpc.testing.TestService/FullDuplexCall 14 ERROR
			    SERVER grpc.testing.TestService/FullDuplexCall 14 ERROR
			      CLIENT GET 200
			        SERVER GET /hello 200`},
		{ask: "GET /cancelled", spans: `
			SERVER GET /cancelled 200
			  CLIENT grpc.testing.TestService/FullDuplexCall 1 ERROR
			    SERVER grpc.testing.TestService/FullDuplexCall 1
			      CLIENT GET 200
			        SERVER GET /hello 200`},
		{ask: "GET /unimplemented", spans: `
			SERVER GET /unimplemented 200
			  CLIENT grpc.testing.TestService/UnimplementedCall 12 ERROR
			    SERVER grpc.testing.TestService/UnimplementedCall 12 ERROR`},
		{ask: "GET /unknown", spans: `
			SERVER GET /unknown 200
			  CLIENT no.Service/Method 12 ERROR
			    SERVER no.Service/Method 12 ERROR`},
		{ask: "GET /refused", spans: `
			SERVER GET /refused 200
			  CLIENT grpc.testing.TestService/EmptyCall 14 ERROR`},
	}},
	// What is traced by hand has each span once.
	{name: "otelgrpc", apart: true, versions: []string{
		"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc@v0.47.0 google.golang.org/grpc@v1.61.0",
		"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc@v0.63.0 google.golang.org/grpc@v1.76.0",
	}, requests: []request{
		{ask: "GET /empty", spans: `
			SERVER GET /empty 200
			  CLIENT grpc.testing.TestService/EmptyCall 0
			    SERVER grpc.testing.TestService/EmptyCall 0
			      CLIENT GET 200
			        SERVER GET /hello 200`},
		{ask: "GET /unimplemented", spans: `
			SERVER GET /unimplemented 200
			  CLIENT grpc.testing.TestService/UnimplementedCall 12 ERROR
			    SERVER grpc.testing.TestService/UnimplementedCall 12 ERROR`},
	}},
	// Its newer releases have another name for the status.
	{name: "otelgrpc", apart: true, versions: []string{
		"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc@v0.72.0 google.golang.org/grpc@v1.85.0",
	}, requests: []request{
		{ask: "GET /empty", spans: `
			SERVER GET /empty 200
			  CLIENT grpc.testing.TestService/EmptyCall
			    SERVER grpc.testing.TestService/EmptyCall 0
			      CLIENT GET 200
			        SERVER GET /hello 200`},
		{ask: "GET /unimplemented", spans: `
			SERVER GET /unimplemented 200
			  CLIENT grpc.testing.TestService/UnimplementedCall ERROR
			    SERVER grpc.testing.TestService/UnimplementedCall 12 ERROR`},
	}},
	{name: "gateway", heavy: true, varies: protojson, versions: []string{
		"github.com/grpc-ecosystem/grpc-gateway/v2@v2.33.0", "github.com/grpc-ecosystem/grpc-gateway/v2@v2.22.0",
	}, requests: []request{
		{ask: "GET /healthz", spans: `
			SERVER GET /healthz 200
			  CLIENT grpc.health.v1.Health/Check 0
			    SERVER grpc.health.v1.Health/Check 0`},
		{ask: "GET /v1/services/shop", spans: `
			SERVER GET /v1/services/{service} 200
			  CLIENT grpc.health.v1.Health/Check 0
			    SERVER grpc.health.v1.Health/Check 0
			      CLIENT GET 200
			        SERVER GET /healthz 200
			          CLIENT grpc.health.v1.Health/Check 0
			            SERVER grpc.health.v1.Health/Check 0`},
		{ask: "GET /v1/services/none", spans: `
			SERVER GET /v1/services/{service} 404
			  CLIENT grpc.health.v1.Health/Check 5 ERROR
			    SERVER grpc.health.v1.Health/Check 5`},
		{ask: "POST /v1/services/shop", body: "{}", spans: "SERVER POST 501 ERROR"},
	}},
	{name: "redis", versions: []string{"github.com/redis/go-redis/v9@v9.23.0 github.com/alicebob/miniredis/v2@v2.35.0", "github.com/redis/go-redis/v9@v9.7.3 github.com/alicebob/miniredis/v2@v2.35.0", "github.com/redis/go-redis/v9@v9.0.5 github.com/alicebob/miniredis/v2@v2.35.0"}, requests: []request{
		{ask: "GET /set", spans: `
			SERVER GET /set 200
			  CLIENT SET`, below: []attributes{{"CLIENT", "SET", map[string]any{"db.system.name": "redis", "db.query.text": "SET user:1 ?", "server.address": "127.0.0.1", "db.response.body": "OK"}}}},
		{ask: "GET /get", spans: `
			SERVER GET /get 200
			  CLIENT GET`, below: []attributes{{"CLIENT", "GET", map[string]any{"db.query.text": "GET user:1", "db.response.body": "geheim"}}}},
		{ask: "GET /none", spans: `
			SERVER GET /none 200
			  CLIENT GET`},
		{ask: "GET /wrong", spans: `
			SERVER GET /wrong 200
			  CLIENT LPUSH ERROR`, below: []attributes{{"CLIENT", "LPUSH", map[string]any{"db.response.status_code": "WRONGTYPE"}}}},
		{ask: "GET /pipeline", spans: `
			SERVER GET /pipeline 200
			  CLIENT PIPELINE GET`, below: []attributes{{"CLIENT", "PIPELINE GET", map[string]any{"db.response.body": `["geheim", null]`}}}},
		{ask: "GET /hash", spans: `
			SERVER GET /hash 200
			  CLIENT HSET
			  CLIENT PIPELINE`, below: []attributes{
			{"CLIENT", "HSET", map[string]any{"db.query.text": "HSET hash ? ?", "db.response.body": "****"}}, // as it names a password
			{"CLIENT", "PIPELINE", map[string]any{"db.response.body": `[{"password": "****"}, [null], 1.5, [{"Score": 1.5, "Member": "x"}], true]`}},
		}},
		{ask: "GET /transaction", spans: `
			SERVER GET /transaction 200
			  CLIENT MULTI`, below: []attributes{{"CLIENT", "MULTI", map[string]any{"db.operation.batch.size": int64(2), "db.response.body": `[1, "OK"]`}}}},
		{pinned: true, ask: "GET /watch", spans: `
			SERVER GET /watch 200
			  CLIENT WATCH
			  CLIENT MULTI
			  CLIENT UNWATCH`},
		{pinned: true, ask: "GET /ring", spans: `
			SERVER GET /ring 200
			  CLIENT PIPELINE SET
			  CLIENT GET`},
		{ask: "GET /refused", spans: `
			SERVER GET /refused 200
			  CLIENT PING ERROR`},
	}},
	{name: "pgx", postgres: true, versions: []string{"github.com/jackc/pgx/v5@v5.12.0", "github.com/jackc/pgx/v5@v5.5.5"}, besides: `
		CLIENT CREATE
		CLIENT DROP`, requests: []request{
		{ask: "GET /insert", spans: `
			SERVER GET /insert 200
			  CLIENT INSERT`, below: []attributes{{"CLIENT", "INSERT", map[string]any{"db.system.name": "postgresql", "db.namespace": "postgres",
			"db.query.text": "insert into users (id, name, password) values ($1, $2, $3)", "db.statement.parameters": `[1, "ann", "****"]`}}}},
		{ask: "GET /again", spans: `
			SERVER GET /again 200
			  CLIENT INSERT ERROR`, below: []attributes{{"CLIENT", "INSERT", map[string]any{"db.response.status_code": "23505"}}}},
		{ask: "GET /named", spans: `
			SERVER GET /named 200
			  CLIENT SELECT`},
		{ask: "GET /none", spans: `
			SERVER GET /none 200
			  CLIENT SELECT`, below: []attributes{{"CLIENT", "SELECT", map[string]any{"db.statement.parameters": "[7]"}}}},
		{ask: "GET /wrong", spans: `
			SERVER GET /wrong 200
			  CLIENT SELECT ERROR`, below: []attributes{{"CLIENT", "SELECT", map[string]any{"db.response.status_code": "42703"}}}},
		{ask: "GET /batch", spans: `
			SERVER GET /batch 200
			  CLIENT BATCH`, below: []attributes{{"CLIENT", "BATCH", map[string]any{"db.operation.batch.size": int64(2)}}}},
		{ask: "GET /copy", spans: `
			SERVER GET /copy 200
			  CLIENT COPY`},
		{ask: "GET /transaction", spans: `
			SERVER GET /transaction 200
			  CLIENT BEGIN
			  CLIENT UPDATE
			  CLIENT COMMIT`},
		{ask: "GET /sql", spans: `
			SERVER GET /sql 200
			  CLIENT SELECT`},
	}},
	{name: "otelpgx", apart: true, postgres: true, versions: []string{
		"github.com/exaring/otelpgx@v0.9.3 github.com/jackc/pgx/v5@v5.7.6", "github.com/exaring/otelpgx@v0.13.0 github.com/jackc/pgx/v5@v5.12.0",
	}, requests: []request{
		{ask: "GET /select", spans: `
			SERVER GET /select 200
			  CLIENT SELECT`},
		{ask: "GET /batch", spans: `
			SERVER GET /batch 200
			  CLIENT batch start
			    CLIENT SELECT`},
	}},
	// The messages of NATS have no spans.
	{name: "nats", heavy: true, besides: `
		CLIENT GET 200
		  SERVER GET /healthz 200`,
		varies: regexp.MustCompile(`"(server_id|port|ip|start|now|uptime|idle|rtt|last_activity|mem|cpu|config_load_time|max_storage|reserved_storage|cid|connections|id)": .*|Content-Length: .*`), requests: []request{
			{ask: "GET /", spans: "SERVER GET / 200"},
			{ask: "GET /healthz", spans: "SERVER GET /healthz 200"},
			{ask: "GET /varz", spans: "SERVER GET /varz 200"},
			{ask: "GET /connz?sort=cid", spans: "SERVER GET /connz 200"},
			{ask: "GET /jsz?streams=1", spans: "SERVER GET /jsz 200"},
			{ask: "GET /nowhere", spans: "SERVER GET / 404"},
		}},
	{name: "etcd", heavy: true, varies: protojson, requests: []request{
		{ask: "GET /version", spans: "SERVER GET /version 200"},
		{ask: "GET /health", spans: "SERVER GET /health 200"},
		{ask: "POST /v3/kv/put", header: "Content-Type: application/json", body: `{"key":"YQ==","value":"Yg=="}`, spans: `
			SERVER POST /v3/kv/put 200
			  CLIENT etcdserverpb.KV/Put 0
			    SERVER etcdserverpb.KV/Put 0`},
		{ask: "POST /v3/kv/range", header: "Content-Type: application/json", body: `{"key":"YQ=="}`, spans: `
			SERVER POST /v3/kv/range 200
			  CLIENT etcdserverpb.KV/Range 0
			    SERVER etcdserverpb.KV/Range 0`},
		{ask: "POST /v3/kv/range", header: "Content-Type: application/json", body: `{"key"`, spans: "SERVER POST /v3/kv/range 400"},
		{ask: "GET /nowhere", spans: "SERVER GET / 404"},
	}},
	{name: "caddy", heavy: true, requests: []request{
		{ask: "GET /hello", spans: "SERVER GET 200", shows: map[string]any{"http.response.body": "hello", "network.protocol.version": "2", "url.scheme": "https"}},
		{ask: "GET /gone", spans: "SERVER GET 301"},
		{ask: "GET /page", spans: "SERVER GET 200"},
		{ask: "GET /files/small.txt", spans: "SERVER GET 200"},
		{ask: "GET /files/large.txt", header: "Accept-Encoding: gzip", spans: "SERVER GET 200"},
		{ask: "GET /files/large.txt", header: "Range: bytes=10-19", spans: "SERVER GET 206"},
		{ask: "GET /files/none.txt", spans: "SERVER GET 404"},
		{ask: "POST /inner/ann", body: "text", spans: `
			SERVER POST 200
			  CLIENT POST 200
			    SERVER POST /inner/{name} 200`, shows: map[string]any{"http.request.body": "text", "http.response.body": "POST ann https\n"}},
		{ask: "GET /down", spans: `
			SERVER GET 502 ERROR
			  CLIENT GET ERROR`},
		{ask: "GET /nowhere", spans: "SERVER GET 404"},
	}},
	// At its start it makes its tables.
	{name: "pocketbase", heavy: true, besides: `
		CLIENT CREATE
		CLIENT DELETE
		CLIENT INSERT
		CLIENT PRAGMA
		CLIENT SELECT`, requests: []request{
		{ask: "GET /api/health", spans: "SERVER GET /api/health 200"},
		{ask: "GET /hello/ann", spans: `
			SERVER GET /hello/{name} 200
			  CLIENT GET 200
			    SERVER GET /api/health 200`},
		{ask: "POST /api/collections/notes/records", header: "Content-Type: application/json", body: `{"id":"aaaaaaaaaaaaaaa","title":"first"}`, spans: `
			SERVER POST /api/collections/{collection}/records 200
			  CLIENT INSERT`},
		{ask: "GET /api/collections/notes/records?sort=title", spans: `
			SERVER GET /api/collections/{collection}/records 200
			  CLIENT SELECT
			  CLIENT SELECT`},
		{ask: "GET /api/collections/notes/records/none", spans: `
			SERVER GET /api/collections/{collection}/records/{id} 404
			  CLIENT SELECT`},
		{ask: "GET /count", spans: `
			SERVER GET /count 200
			  CLIENT SELECT`},
		{ask: "GET /nowhere", spans: "SERVER GET / 404"},
	}},
}
