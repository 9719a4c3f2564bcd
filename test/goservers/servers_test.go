package goservers

import "regexp"

// Routers that match paths by themselves do not tell net/http what matched: chi does, the others' spans are named by
// the method alone.
var servers = []server{
	{name: "chi", requests: []request{
		{ask: "GET /hello", spans: "SERVER GET /hello 200"},
		{ask: "HEAD /hello", spans: "SERVER HEAD /hello 200"},
		{ask: "GET /hello", header: "Accept-Encoding: gzip", spans: "SERVER GET /hello 200"},
		{ask: "GET /articles/7?token=x", header: "X-Forwarded-For: 192.0.2.1", spans: `
			SERVER GET /articles/{id:[0-9]+} 200
			  CLIENT GET 200
			    SERVER GET /hello 200`},
		{ask: "POST /articles", header: "Content-Type: application/json", body: `{"title":"t"}`, spans: "SERVER POST /articles 201"},
		{ask: "GET /files/a/b.txt", spans: "SERVER GET /files/* 200"},
		{ask: "GET /admin/users/ann", header: "Authorization: Basic bWU6c2VjcmV0", spans: "SERVER GET /admin/users/{name} 200"},
		{ask: "GET /admin/users/ann", spans: "SERVER GET /admin/* 401"},
		{ask: "GET /panic", spans: "SERVER GET /panic 500 ERROR"},
		{ask: "PUT /hello", spans: "SERVER PUT 405"},
		{ask: "GET /nowhere", spans: "SERVER GET 404"},
	}},
	{name: "gin", requests: []request{
		{ask: "GET /hello", spans: "SERVER GET 200"},
		{ask: "GET /users/ann", header: "X-Forwarded-For: 192.0.2.1", spans: `
			SERVER GET 200
			  CLIENT GET 200
			    SERVER GET 200`},
		{ask: "POST /users", header: "Content-Type: application/json", body: `{"name":"ann"}`, spans: "SERVER POST 201"},
		{ask: "POST /users", header: "Content-Type: application/json", body: `{"name":`, spans: "SERVER POST 400"},
		{ask: "GET /stream", spans: "SERVER GET 200"},
		{ask: "GET /reader", spans: "SERVER GET 200"},
		{ask: "GET /files/a/b", spans: "SERVER GET 302"},
		{ask: "GET /hello/", spans: "SERVER GET 301"},
		{ask: "GET /panic", spans: "SERVER GET 500 ERROR"},
		{ask: "GET /nowhere", spans: "SERVER GET 404"},
	}},
	{name: "echo", requests: []request{
		{ask: "GET /hello", spans: "SERVER GET 200"},
		{ask: "GET /api/users/7", header: "Origin: http://example.com\nAccept-Encoding: gzip", spans: `
			SERVER GET 200
			  CLIENT GET 200
			    SERVER GET 200`},
		{ask: "POST /api/users", header: "Content-Type: application/json", body: `{"Name":"ann"}`, spans: "SERVER POST 201"},
		{ask: "POST /api/users", header: "Content-Type: application/json", body: `{"Name":`, spans: "SERVER POST 400"},
		{ask: "OPTIONS /api/users", header: "Origin: http://example.com\nAccess-Control-Request-Method: POST", spans: "SERVER OPTIONS 204"},
		{ask: "GET /stream", spans: "SERVER GET 200"},
		{ask: "GET /error", spans: "SERVER GET 500 ERROR"},
		{ask: "GET /panic", spans: "SERVER GET 500 ERROR"},
		{ask: "GET /teapot", spans: "SERVER GET 418"},
		{ask: "GET /nowhere", spans: "SERVER GET 404"},
	}},
	{name: "httprouter", requests: []request{
		{ask: "GET /hello", spans: "SERVER GET 200"},
		{ask: "GET /hello/ann", spans: `
			SERVER GET 200
			  CLIENT GET 200
			    SERVER GET 200`},
		{ask: "GET /hello/", spans: "SERVER GET 301"},
		{ask: "GET /HELLO", spans: "SERVER GET 301"},
		{ask: "OPTIONS /hello", spans: "SERVER OPTIONS 200"},
		{ask: "GET /panic", spans: "SERVER GET 503 ERROR"},
	}},
	{name: "gorilla", requests: []request{
		{ask: "GET /hello", spans: "SERVER GET 200"},
		{ask: "GET /products/7", spans: `
			SERVER GET 200
			  CLIENT GET 200
			    SERVER GET 200`},
		{ask: "PUT /products/7?force=1", body: "new", spans: "SERVER PUT 200"},
		{ask: "PUT /products/7", body: "new", spans: "SERVER PUT 404"},
		{ask: "DELETE /products/7", spans: "SERVER DELETE 404"},
	}},
	{name: "httpbin", varies: regexp.MustCompile(`"origin": "[^"]*"`), requests: []request{
		{ask: "GET /", spans: "SERVER GET /{$} 200"},
		{ask: "GET /get?a=1&b=2", spans: "SERVER GET /get 200"},
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
	// fasthttp does not use net/http, so its requests have no spans, and what is called on their behalf is not connected
	// with the caller. Those of net/http are seen as anywhere.
	{name: "fiber", requests: []request{
		{ask: "GET /hello"},
		{ask: "GET /users/ann"},
		{ask: "POST /users", body: `{"name":"ann"}`},
		{ask: "GET /adapted"},
		{ask: "GET /panic"},
		{ask: "GET /nowhere"},
	}, besides: `
		CLIENT GET 200
		  SERVER GET /inner 200
		CLIENT GET 200
		  SERVER GET /inner 200`},
}
