package engine

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/internal/marshal"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

// environ is what the WSGI hook hands over: the keys, then their values.
func environ(items ...marshal.Pair) []byte {
	var keys, values tuple
	for _, item := range items {
		keys, values = append(keys, item.Key), append(values, item.Value)
	}
	return encode(encode(nil, keys), values)
}

// a request as a WSGI server has it, with more about it, or something else.
func request(more ...marshal.Pair) []byte {
	items := []marshal.Pair{{Key: "REQUEST_METHOD", Value: "GET"}, {Key: "SCRIPT_NAME", Value: ""}, {Key: "PATH_INFO", Value: "/a"},
		{Key: "SERVER_NAME", Value: "server"}, {Key: "SERVER_PORT", Value: "8000"}, {Key: "SERVER_PROTOCOL", Value: "HTTP/1.1"},
		{Key: "wsgi.url_scheme", Value: "http"}}
	for _, item := range more {
		if i := slices.IndexFunc(items, func(p marshal.Pair) bool { return p.Key == item.Key }); i >= 0 {
			items[i] = item
		} else {
			items = append(items, item)
		}
	}
	return environ(items...)
}

// sent is what the hook of http.client hands over.
func sent(head string, host string, port, standard any) tuple {
	return tuple{[]byte(strings.ReplaceAll(head, "\n", "\r\n")), host, port, standard}
}

// derived is the span that a record of these attributes becomes.
func derived(t testing.TB, p *profile, attributes object) otlp.SpanData {
	t.Helper()
	spans, outcomes := decode(t, p, span("s", attributes), span("after", object{{Key: "a", Value: 1}}))
	if len(spans) != 2 || len(spans[1].Attributes) != 1 {
		t.Fatalf("outcomes %v, want this span and the one after it", outcomes)
	}
	return spans[0]
}

// rows shows attributes in the order that they are sent in.
func rows(attributes []otlp.Attribute) (shown []string) {
	for _, a := range attributes {
		shown = append(shown, fmt.Sprintf("%s=%v", a.Key, a.Value))
	}
	return shown
}

func TestAttributesFromAnEnviron(t *testing.T) {
	get := []string{"http.request.method=GET", "url.path=/a", "url.scheme=http", "network.protocol.version=1.1"}
	server := []string{"server.address=server", "server.port=8000"}
	for _, row := range []struct {
		name    string
		environ []byte
		want    []string
	}{
		{"as little as there may be", request(), slices.Concat(get, server)},
		{"all there is",
			request([]marshal.Pair{{Key: "REQUEST_METHOD", Value: "POST"}, {Key: "SCRIPT_NAME", Value: "/m"}, {Key: "PATH_INFO", Value: "/shop"}, {Key: "QUERY_STRING", Value: "q=1"},
				{Key: "HTTP_HOST", Value: "example.com:8080"}, {Key: "HTTP_USER_AGENT", Value: "tester"}, {Key: "REMOTE_ADDR", Value: "10.0.0.1"}, {Key: "REMOTE_PORT", Value: "999"},
				{Key: "HTTP_X_FORWARDED_FOR", Value: "1.2.3.4 , 5.6.7.8"}, {Key: "CONTENT_TYPE", Value: "text/plain"}, {Key: "CONTENT_LENGTH", Value: "2"}, {Key: "HTTP_EMPTY", Value: ""}}...),
			[]string{"http.request.method=POST", "url.path=/m/shop", "url.scheme=http", "network.protocol.version=1.1", "network.peer.address=10.0.0.1", "client.address=1.2.3.4",
				"user_agent.original=tester", "url.query=q=1", "http.request.query_string=q=1", "server.address=example.com", "server.port=8080", "network.peer.port=999",
				`http.request.headers={"host": "example.com:8080", "user-agent": "tester", "x-forwarded-for": "1.2.3.4 , 5.6.7.8", "content-type": "text/plain", "content-length": "2"}`}},
		{"path in UTF-8, whose bytes WSGI makes characters of", request(marshal.Pair{Key: "SCRIPT_NAME", Value: "/caf\u00c3\u00a9"}, marshal.Pair{Key: "PATH_INFO", Value: "/\u00c3\u00bc"}),
			slices.Concat([]string{"http.request.method=GET", "url.path=/café/ü"}, get[2:], server)},
		{"path in no UTF-8", request(marshal.Pair{Key: "PATH_INFO", Value: "/\u00e9/\u20ac"}), slices.Concat([]string{"http.request.method=GET", "url.path=/\uFFFD/?"}, get[2:], server)},
		{"method of the client's invention", request(marshal.Pair{Key: "REQUEST_METHOD", Value: "BREW"}),
			slices.Concat([]string{"http.request.method=_OTHER", "http.request.method_original=BREW"}, get[1:], server)},
		{"method in small letters is another", request(marshal.Pair{Key: "REQUEST_METHOD", Value: "get"}),
			slices.Concat([]string{"http.request.method=_OTHER", "http.request.method_original=get"}, get[1:], server)},
		{"client without a proxy", request(marshal.Pair{Key: "REMOTE_ADDR", Value: "::1"}, marshal.Pair{Key: "REMOTE_PORT", Value: 999}),
			slices.Concat(get, []string{"network.peer.address=::1", "client.address=::1"}, server, []string{"network.peer.port=999"})},
		{"ports that are none", request(marshal.Pair{Key: "SERVER_PORT", Value: "http"}, marshal.Pair{Key: "REMOTE_PORT", Value: 70000}), slices.Concat(get, server[:1])},
		{"protocol that is none", request(marshal.Pair{Key: "SERVER_PROTOCOL", Value: "INCLUDED"}), slices.Concat(get[:3], server)},
		{"header in Latin-1", request(marshal.Pair{Key: "HTTP_WHO", Value: "J\u00fcrgen"}), slices.Concat(get, server, []string{`http.request.headers={"who": "J\u00fcrgen"}`})},
		{"secrets", request(marshal.Pair{Key: "QUERY_STRING", Value: "password=hunter2&b=1"}, marshal.Pair{Key: "HTTP_AUTHORIZATION", Value: "Bearer hunter2"}, marshal.Pair{Key: "HTTP_X_API_KEY", Value: "hunter2"}),
			slices.Concat(get, []string{"url.query=password=****&b=1", "http.request.query_string=password=****&b=1"}, server,
				[]string{`http.request.headers={"authorization": "****", "x-api-key": "****"}`})},
		{"values of other types", request(marshal.Pair{Key: "HTTP_A", Value: nil}, marshal.Pair{Key: "HTTP_B", Value: tuple{1, tuple{2}}}, marshal.Pair{Key: "HTTP_C", Value: 3}),
			slices.Concat(get, server, []string{`http.request.headers={"c": "3"}`})},
		{"cut before the method", environ(marshal.Pair{Key: "PATH_INFO", Value: "/a"}), get[1:2]},
		{"fewer values than keys", encode(encode(nil, tuple{"REQUEST_METHOD", "PATH_INFO"}), tuple{"GET"}), get[:1]},
		{"a key that is none", encode(encode(nil, tuple{"REQUEST_METHOD", 7}), tuple{"GET", "x"}), get[:1]},
		{"no values", encode(nil, tuple{"REQUEST_METHOD"}), nil},
		{"nothing", nil, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := rows(derived(t, newProfile(t), object{{Key: wsgiEnviron, Value: append([]byte{}, row.environ...)}}).Attributes); !slices.Equal(got, row.want) {
				t.Errorf("got  %q\nwant %q", got, row.want)
			}
		})
	}
}

func TestHostHeaders(t *testing.T) {
	for _, row := range []struct {
		host, scheme, address string
		port                  int64
	}{
		{"shop", "http", "shop", 80},
		{"shop", "https", "shop", 443},
		{"shop:8080", "https", "shop", 8080},
		{"shop:", "http", "shop", 80},
		{"shop:http", "http", "shop", 80},
		{"shop:99999", "http", "shop", 80},
		{"[::1]", "https", "::1", 443},
		{"[2001:db8::1]:8443", "https", "2001:db8::1", 8443},
		{"2001:db8::1", "http", "2001:db8::1", 80},
		{"[::1", "http", "::1", 80},
	} {
		s := derived(t, newProfile(t), object{{Key: wsgiEnviron, Value: request(marshal.Pair{Key: "HTTP_HOST", Value: row.host}, marshal.Pair{Key: "wsgi.url_scheme", Value: row.scheme})}})
		got := rows(s.Attributes)
		for _, want := range []string{"server.address=" + row.address, fmt.Sprintf("server.port=%d", row.port)} {
			if !slices.Contains(got, want) {
				t.Errorf("%s over %s: no %s in %q", row.host, row.scheme, want, got)
			}
		}
	}
}

func TestAttributesFromTheHeadOfAClient(t *testing.T) {
	for _, row := range []struct {
		name string
		head any
		want []string
	}{
		{"request", sent("POST /echo?q=1 HTTP/1.1\nHost: shop:8080\nUser-Agent: t\nAuthorization: Bearer hunter2", "shop", 8080, 80),
			[]string{"http.request.method=POST", "url.full=http://shop:8080/echo?q=1", "server.address=shop", "server.port=8080", "user_agent.original=t",
				`http.request.headers={"Host": "shop:8080", "User-Agent": "t", "Authorization": "****"}`}},
		{"at the scheme's own port, without headers", sent("GET / HTTP/1.1", "shop", 443, 443),
			[]string{"http.request.method=GET", "url.full=https://shop/", "server.address=shop", "server.port=443"}},
		{"at no port of its own", sent("GET / HTTP/1.1", "shop", nil, 443),
			[]string{"http.request.method=GET", "url.full=https://shop/", "server.address=shop", "server.port=443"}},
		{"port in text", sent("GET / HTTP/1.1", "shop", "8080", 80), []string{"http.request.method=GET", "url.full=http://shop:8080/", "server.address=shop", "server.port=8080"}},
		{"IPv6", sent("GET / HTTP/1.1", "::1", 8080, 80), []string{"http.request.method=GET", "url.full=http://[::1]:8080/", "server.address=::1", "server.port=8080"}},
		{"IPv6 in brackets", sent("GET / HTTP/1.1", "[::1]", 80, 80), []string{"http.request.method=GET", "url.full=http://[::1]/", "server.address=[::1]", "server.port=80"}},
		{"method of the app's invention", sent("BREW / HTTP/1.1", "shop", 80, 80),
			[]string{"http.request.method=_OTHER", "http.request.method_original=BREW", "url.full=http://shop/", "server.address=shop", "server.port=80"}},
		{"secret in the query", sent("GET /?password=hunter2 HTTP/1.1", "shop", 80, 80),
			[]string{"http.request.method=GET", "url.full=http://shop/?password=****", "server.address=shop", "server.port=80"}},
		{"through a proxy", sent("GET http://user:hunter2@target:8080/x HTTP/1.1", "proxy", 3128, 80),
			[]string{"http.request.method=GET", "url.full=http://****@target:8080/x", "server.address=target", "server.port=8080"}},
		{"through a proxy, to the scheme's own port", sent("GET https://[::1]?at=@ HTTP/1.1", "proxy", 3128, 80),
			[]string{"http.request.method=GET", "url.full=https://[::1]?at=@", "server.address=::1", "server.port=443"}},
		{"header that goes on in the next rows", sent("GET / HTTP/1.1\nA: 1\n 2\n\t3\nB: 4\nno header\nC:5", "shop", 80, 80),
			[]string{"http.request.method=GET", "url.full=http://shop/", "server.address=shop", "server.port=80", `http.request.headers={"A": "1 2 3", "B": "4", "C": "5"}`}},
		{"Latin-1", sent("GET /\xe9 HTTP/1.1\nWho: J\xfcrgen", "shop", 80, 80),
			[]string{"http.request.method=GET", "url.full=http://shop/é", "server.address=shop", "server.port=80", `http.request.headers={"Who": "J\u00fcrgen"}`}},
		{"later elements are passed over", append(sent("GET / HTTP/1.1", "shop", 80, 80), tuple{1}, nil, 3),
			[]string{"http.request.method=GET", "url.full=http://shop/", "server.address=shop", "server.port=80"}},
		{"too few elements", tuple{[]byte("GET / HTTP/1.1"), "shop", 80}, nil},
		{"text", "GET / HTTP/1.1", nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := rows(derived(t, newProfile(t), object{{Key: clientHead, Value: row.head}}).Attributes); !slices.Equal(got, row.want) {
				t.Errorf("got  %q\nwant %q", got, row.want)
			}
		})
	}
}

func TestAttributesFromTheAnswerToAClient(t *testing.T) {
	headers := []any{tuple{"Content-Type", "application/json"}, tuple{"Set-Cookie", "a=hunter2"}}
	shown := `http.response.headers={"Content-Type": "application/json", "Set-Cookie": "****"}`
	for _, row := range []struct {
		name   string
		answer any
		status otlp.StatusCode
		want   []string
	}{
		{"good", tuple{200, 11, headers}, otlp.StatusUnset, []string{"http.response.status_code=200", "network.protocol.version=1.1", shown}},
		{"bad", tuple{404, 10, headers}, otlp.StatusError,
			[]string{"http.response.status_code=404", "network.protocol.version=1.0", "error.type=404", shown}},
		{"without headers, of an unknown version, with a later element", tuple{204, 9, []any{}, 1}, otlp.StatusUnset,
			[]string{"http.response.status_code=204"}},
		{"odd parts", tuple{"200", nil, 7}, otlp.StatusUnset, nil},
		{"too few elements", tuple{200, 11}, otlp.StatusUnset, nil},
		{"a number", 200, otlp.StatusUnset, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			span := derived(t, newProfile(t), object{{Key: clientAnswer, Value: row.answer}})
			if got := rows(span.Attributes); !slices.Equal(got, row.want) || span.Status != row.status {
				t.Errorf("got  %q, status %v\nwant %q, status %v", got, span.Status, row.want, row.status)
			}
		})
	}
}

func TestAttributesThatManySpansHaveInCommon(t *testing.T) {
	common := encode(nil, object{{Key: "aws.service", Value: "sqs"}, {Key: "server.port", Value: 443}, {Key: "url.full", Value: "https://u:hunter2@sqs/"},
		{Key: clientAnswer, Value: tuple{200, 11, []any{}}}, {Key: "SKIP_EXPORT", Value: true}})
	for _, row := range []struct {
		name  string
		value any
		want  []string
	}{
		{"a dict", common, []string{"mine=1", "aws.service=sqs", "server.port=443", "SKIP_EXPORT=true", "url.full=https://sqs/q"}},
		{"cut short", common[:len(common)/3], []string{"mine=1", "aws.service=sqs", "server.port=443", "url.full=https://sqs/q"}},
		{"no dict", encode(nil, 7), []string{"mine=1", "url.full=https://sqs/q"}},
		{"not encoded", object{{Key: "aws.service", Value: "sqs"}}, []string{"mine=1", "url.full=https://sqs/q"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			span := derived(t, newProfile(t), object{{Key: "mine", Value: 1}, {Key: commonOnes, Value: row.value}, {Key: "url.full", Value: "https://sqs/q"}})
			if got := rows(span.Attributes); !slices.Equal(got, row.want) {
				t.Errorf("got  %q\nwant %q", got, row.want)
			}
		})
	}
}

func TestAttributesFromAnAnswerOfAWS(t *testing.T) {
	metadata := object{{Key: "RequestId", Value: "r1"}, {Key: "HTTPStatusCode", Value: 200}, {Key: "RetryAttempts", Value: 1},
		{Key: "HTTPHeaders", Value: object{{Key: "set-cookie", Value: "hunter2"}}}}
	told := []string{"http.response.status_code=200", "retry_attempts=1", "aws.request_id=r1", `http.response.headers={"set-cookie": "****"}`, "messageId=r1"}
	for _, row := range []struct {
		name   string
		answer any
		want   []string
	}{
		{"with a body", object{{Key: "Item", Value: object{{Key: "password", Value: "hunter2"}}}, {Key: "ResponseMetadata", Value: metadata}},
			append(slices.Clone(told), `http.response.body={"Item": {"password": "****"}}`)},
		{"without", object{{Key: "ResponseMetadata", Value: metadata}}, told},
		{"of a message", object{{Key: "ResponseMetadata", Value: object{{Key: "HTTPHeaders", Value: object{{Key: "x-amzn-RequestId", Value: "r2"}}}}}, {Key: "MessageId", Value: "m1"}},
			[]string{"aws.request_id=r2", `http.response.headers={"x-amzn-RequestId": "r2"}`, "messageId=m1", `http.response.body={"MessageId": "m1"}`}},
		{"odd parts", object{{Key: "ResponseMetadata", Value: object{{Key: "HTTPStatusCode", Value: "200"}, {Key: "HTTPHeaders", Value: 7}}}, {Key: "MessageId", Value: nil}},
			[]string{`http.response.body={"MessageId": null}`}},
		{"no metadata", object{{Key: "ResponseMetadata", Value: nil}}, nil},
		{"nothing", object{}, nil},
		{"text", "x", nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := rows(derived(t, newProfile(t), object{{Key: awsAnswer, Value: row.answer}}).Attributes); !slices.Equal(got, row.want) {
				t.Errorf("got  %q\nwant %q", got, row.want)
			}
		})
	}
}

func TestWhatIsCutShortAnywhereStillMakesASpan(t *testing.T) {
	p := newProfile(t)
	head := []byte("GET http://u:hunter2@[::1]:80/?password=hunter2 HTTP/1.1\r\nHost: a\r\n b\r\nCookie: hunter2\r\nX-Api-Key: hunter2")
	whole := request(marshal.Pair{Key: "HTTP_HOST", Value: "shop:80"}, marshal.Pair{Key: "HTTP_COOKIE", Value: "hunter2"}, marshal.Pair{Key: "QUERY_STRING", Value: "password=hunter2"})
	for n := range head {
		for _, a := range derived(t, p, object{{Key: clientHead, Value: tuple{head[:n], "shop", 80, 80}}}).Attributes {
			// Without the @ after it, nobody can tell that it is a password.
			if n > bytes.IndexByte(head, '@') && strings.Contains(fmt.Sprint(a.Value), "hunter2") {
				t.Errorf("head cut at %d: %v", n, a)
			}
		}
	}
	for n := range whole {
		for _, a := range derived(t, p, object{{Key: wsgiEnviron, Value: whole[:n]}}).Attributes {
			if strings.Contains(fmt.Sprint(a.Value), "hunter2") {
				t.Errorf("environ cut at %d: %v", n, a)
			}
		}
	}
}

func TestAHugeRequestStillMakesASpan(t *testing.T) {
	var items []marshal.Pair
	for i := range 1000 {
		items = append(items, marshal.Pair{Key: fmt.Sprintf("HTTP_X_%d", i), Value: strings.Repeat("v", 100)})
	}
	got := derived(t, newProfile(t), object{{Key: wsgiEnviron, Value: request(items...)}}).Attributes
	if n := len(got); n != 7 || len(got[6].Value.(string)) != 2048 {
		t.Errorf("got %d attributes: %.200v, want 7 with the headers cut at 2048", n, got)
	}
}

// packed is what a writer makes of text.
func packed(open func(io.Writer) io.WriteCloser, text string) []byte {
	var b bytes.Buffer
	w := open(&b)
	io.WriteString(w, text)
	w.Close()
	return b.Bytes()
}

func TestBodies(t *testing.T) {
	const secret = `{"password": "hunter2"}`
	zip := func(text string) []byte {
		return packed(func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }, text)
	}
	deflated := packed(func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }, secret)
	raw := packed(func(w io.Writer) io.WriteCloser { f, _ := flate.NewWriter(w, 6); return f }, secret)
	long := strings.Repeat("long ", 1000)
	broken := zip(secret)
	broken[len(broken)-8] ^= 1 // the checksum
	for _, row := range []struct {
		name                  string
		contentType, encoding string
		parts                 any
		want                  string // "" for no attribute
	}{
		{"JSON", "application/json", "", []any{[]byte(secret)}, `{"password": "****"}`},
		{"in parts", "application/json", "", []any{[]byte(`{"pass`), []byte(`word": "hun`), []byte(``), []byte(`ter2"}`)}, `{"password": "****"}`},
		{"cut by the capture", "application/json", "", []any{[]byte(`{"password": "hun`), []byte("te"), true}, `{"password": "****"`},
		{"cut in a character", "text/plain", "", []any{[]byte("caf\xc3"), true}, "caf"},
		{"nothing", "application/json", "", []any{}, ""},
		{"nothing but that there was more", "application/json", "", []any{[]byte{}, true}, ""},
		{"longer than values may be", "text/plain", "", []any{[]byte(long)}, long[:2048]},

		{"text", "text/html; charset=utf-8", "", []any{[]byte("t")}, "t"},
		{"XML", "application/soap+xml", "", []any{[]byte("t")}, "t"},
		{"form", "application/x-www-form-urlencoded", "", []any{[]byte("password=hunter2&a=1")}, "password=****&a=1"},
		{"GraphQL", "application/GraphQL", "", []any{[]byte("t")}, "t"},
		{"YAML", " Application/YAML ", "", []any{[]byte("t")}, "t"},
		{"no type", "", "", []any{[]byte("t")}, "t"},
		{"no type but parameters", ";charset=utf-8", "", []any{[]byte("t")}, "t"},
		{"no type, and no text", "", "", []any{[]byte{0xff}}, "0xff"},
		{"image", "image/png", "", []any{[]byte("t")}, ""},
		{"bytes", "application/octet-stream", "", []any{[]byte("t")}, ""},
		{"upload", "multipart/form-data; boundary=json", "", []any{[]byte("t")}, ""},

		{"gzip", "application/json", "gzip", []any{zip(secret)}, `{"password": "****"}`},
		{"gzip in parts", "application/json", "GZip", []any{zip(secret)[:7], zip(secret)[7:]}, `{"password": "****"}`},
		{"x-gzip", "application/json", "x-gzip", []any{zip(secret)}, `{"password": "****"}`},
		{"deflate", "application/json", "deflate", []any{deflated}, `{"password": "****"}`},
		{"deflate without zlib's header", "application/json", "deflate", []any{raw}, `{"password": "****"}`},
		{"identity", "application/json", "identity", []any{[]byte(secret)}, `{"password": "****"}`},
		{"gzip cut by the capture", "text/plain", "gzip", []any{zip("plain")[:14], true}, "pla"},
		{"gzip cut within its header", "text/plain", "gzip", []any{zip("plain")[:5], true}, ""},
		{"gzip of more than is unpacked, cut in a character", "text/plain", "gzip", []any{zip("x" + strings.Repeat("é", 3000))}, "x" + strings.Repeat("é", 2047)},
		{"gzip with more behind it", "text/plain", "gzip", []any{append(zip("plain"), "more than a header of gzip"...)}, "plain"},
		{"gzip of the wrong checksum", "application/json", "gzip", []any{broken}, ""},
		{"not packed as it says", "application/json", "gzip", []any{[]byte(secret)}, ""},
		{"short, unpacked by its library", "application/json", "gzip", []any{[]byte(`{"left": 7}`), false}, `{"left": 7}`},
		{"unpacked by its library", "application/json", "br", []any{[]byte(secret), false}, `{"password": "****"}`},
		{"unpacked by its library, and cut", "text/plain", "gzip", []any{[]byte("plain"), true, false}, "plain"},
		{"a bomb", "text/plain", "gzip", []any{zip(strings.Repeat("x", 10<<20))}, strings.Repeat("x", 2048)},
		{"packed image", "image/png", "gzip", []any{zip(secret)}, ""},
		{"packed otherwise", "application/json", "br", []any{[]byte(secret)}, ""},
		{"packed twice", "application/json", "gzip, gzip", []any{zip(secret)}, ""},

		{"text instead of parts", "text/plain", "", "t", ""},
		{"parts of other types", "text/plain", "", []any{1, object{}, []byte("t"), "x"}, "t"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var headers tuple
			var items []marshal.Pair
			if row.contentType != "" {
				headers = append(headers, tuple{"Content-Type", row.contentType})
				items = append(items, marshal.Pair{Key: "CONTENT_TYPE", Value: row.contentType})
			}
			if row.encoding != "" {
				headers = append(headers, tuple{"content-encoding", row.encoding})
				items = append(items, marshal.Pair{Key: "HTTP_CONTENT_ENCODING", Value: row.encoding})
			}
			got := map[string]any{}
			for _, a := range derived(t, newProfile(t), object{{Key: wsgiEnviron, Value: request(items...)}, {Key: requestPayload, Value: row.parts},
				{Key: "http.response.headers", Value: []any(headers)}, {Key: responsePayload, Value: row.parts}}).Attributes {
				got[a.Key] = a.Value
			}
			for _, key := range []string{"http.request.body", "http.response.body"} {
				if value, ok := got[key]; ok != (row.want != "") || ok && value != row.want {
					t.Errorf("%s is %.100q, want %.100q", key, value, row.want)
				}
			}
		})
	}
}

func TestABombIsNotUnpackedWhole(t *testing.T) {
	bomb := packed(func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }, strings.Repeat("x", 16<<20))
	w := wire{encoding: "gzip"}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	body, cut := w.unpacked(bomb, false, mostCapture)
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; len(body) != mostCapture || !cut || allocated > 1<<20 {
		t.Errorf("%d bytes, cut %v, with %d bytes of memory; want %d, cut, with at most a MiB", len(body), cut, allocated, mostCapture)
	}
}

func TestOneMessageSaysNothingOfTheOthersBody(t *testing.T) {
	image := []any{tuple{"content-type", "image/png"}}
	body := []any{[]byte("t")}
	for _, row := range []struct {
		name       string
		attributes object
		want       []string
	}{
		{"request", object{{Key: "http.request.headers", Value: image}, {Key: requestPayload, Value: body}, {Key: responsePayload, Value: body}},
			[]string{`http.request.headers={"content-type": "image/png"}`, "http.response.body=t"}},
		{"response", object{{Key: "http.response.headers", Value: image}, {Key: requestPayload, Value: body}, {Key: responsePayload, Value: body}},
			[]string{`http.response.headers={"content-type": "image/png"}`, "http.request.body=t"}},
	} {
		if got := rows(derived(t, newProfile(t), row.attributes).Attributes); !slices.Equal(got, row.want) {
			t.Errorf("%s: got %q, want %q", row.name, got, row.want)
		}
	}
	next := object{{Key: clientHead, Value: sent("GET / HTTP/1.1", "a", 80, 80)}, {Key: requestPayload, Value: body}}
	spans, _ := decode(t, newProfile(t), span("image", object{{Key: "http.request.headers", Value: image}, {Key: wsgiEnviron, Value: request()}}), span("next", next))
	want := []string{"http.request.method=GET", "url.full=http://a/", "server.address=a", "server.port=80", "http.request.body=t"}
	if got := rows(spans[1].Attributes); !slices.Equal(got, want) {
		t.Errorf("the next span has %q, want %q", got, want)
	}
}

func TestWhatTheAppSetsItselfIsNotMade(t *testing.T) {
	got := rows(derived(t, newProfile(t), object{{Key: "server.address", Value: "mine"}, {Key: wsgiEnviron, Value: request()}, {Key: requestPayload, Value: []any{[]byte("theirs")}},
		{Key: "url.path", Value: "/mine"}, {Key: "http.request.body", Value: "mine"}, {Key: clientHead, Value: sent("POST / HTTP/1.1", "a", 80, 80)}}).Attributes)
	want := []string{"server.address=mine", "http.request.method=GET", "url.scheme=http", "network.protocol.version=1.1", "server.port=8000",
		"url.path=/mine", "http.request.body=mine", "url.full=http://a/"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestDerivedAttributesCountAndAreCut(t *testing.T) {
	attributes := object{{Key: "mine", Value: 1}, {Key: wsgiEnviron, Value: request(marshal.Pair{Key: "PATH_INFO", Value: "/abcd"})}, {Key: requestPayload, Value: []any{[]byte("t")}}, {Key: "last", Value: 1}}
	for limit, want := range map[int]struct {
		rows    []string
		dropped uint32
	}{
		1: {[]string{"mine=1"}, 8},
		3: {[]string{"mine=1", "http.request.method=GET", "url.path=/abcd"}, 6},
		9: {[]string{"mine=1", "http.request.method=GET", "url.path=/abcd", "url.scheme=http", "network.protocol.version=1.1", "server.address=server", "server.port=8000", "http.request.body=t", "last=1"}, 0},
	} {
		s := derived(t, newProfile(t, fmt.Sprintf("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=%d", limit)), attributes)
		if got := rows(s.Attributes); !slices.Equal(got, want.rows) || s.DroppedAttributes != want.dropped {
			t.Errorf("limit %d: got %q, dropped %d, want %q, %d", limit, got, s.DroppedAttributes, want.rows, want.dropped)
		}
	}
	for _, a := range derived(t, newProfile(t, "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT=3"), attributes).Attributes {
		if text, ok := a.Value.(string); ok && len([]rune(text)) > 3 {
			t.Errorf("%v is longer than 3", a)
		}
	}
}

func TestFormerNamesOfDerivedAttributes(t *testing.T) {
	p := newProfile(t, "OTEL_SEMCONV_STABILITY_OPT_IN=http/dup")
	got := attributes(t, p, object{{Key: "http.scheme", Value: "mine"}, {Key: wsgiEnviron, Value: request(marshal.Pair{Key: "QUERY_STRING", Value: "secret=1"}, marshal.Pair{Key: "HTTP_HOST", Value: "shop:8080"},
		marshal.Pair{Key: "HTTP_USER_AGENT", Value: "curl"}, marshal.Pair{Key: "REMOTE_ADDR", Value: "10.0.0.1"})}})
	for key, want := range map[string]any{"http.method": "GET", "http.target": "/a?secret=****", "http.scheme": "mine", "http.host": "shop:8080", "net.host.name": "shop", "net.host.port": int64(8080),
		"http.client_ip": "10.0.0.1", "http.user_agent": "curl", "http.flavor": "1.1"} {
		if got[key] != want {
			t.Errorf("server: %s is %v, want %v", key, got[key], want)
		}
	}
	r := span("client", object{{Key: clientHead, Value: sent("GET /?secret=1 HTTP/1.1", "a", 80, 80)}})
	r[7] = int(otlp.KindClient)
	spans, _ := decode(t, p, r)
	for _, want := range []string{"http.method=GET", "http.url=http://a/?secret=****", "net.peer.name=a", "net.peer.port=80"} {
		if got := rows(spans[0].Attributes); !slices.Contains(got, want) {
			t.Errorf("client: no %s in %q", want, got)
		}
	}
}

func TestFormerNamesOfCommonAttributes(t *testing.T) {
	common := encode(nil, object{{Key: "db.system.name", Value: "aws.dynamodb"}, {Key: "db.operation.name", Value: "GetItem"}, {Key: "server.address", Value: "a"}})
	r := span("GetItem", object{{Key: commonOnes, Value: common}, {Key: "db.collection.name", Value: "t"}})
	r[7] = int(otlp.KindClient)
	for n := range len(common) { // cut short it costs what it loses
		decode(t, newProfile(t, "OTEL_SEMCONV_STABILITY_OPT_IN=database/dup"), span("cut", object{{Key: commonOnes, Value: common[:n]}}))
	}
	spans, _ := decode(t, newProfile(t, "OTEL_SEMCONV_STABILITY_OPT_IN=database/dup"), r)
	for _, want := range []string{"db.system=dynamodb", "db.operation=GetItem", "net.peer.name=a", "db.sql.table=t"} {
		if got := rows(spans[0].Attributes); !slices.Contains(got, want) {
			t.Errorf("no %s in %q", want, got)
		}
	}
}

func TestASpanWithoutNameIsNamedByItsMethod(t *testing.T) {
	for _, row := range []struct {
		name       string
		attributes object
		want       string
	}{
		{"", object{{Key: clientHead, Value: sent("PUT /a HTTP/1.1", "a", 80, 80)}}, "PUT"},
		{"", object{{Key: "http.request.method", Value: "_OTHER"}, {Key: clientHead, Value: sent("MOVE /a HTTP/1.1", "a", 80, 80)}}, "HTTP"},
		{"", object{{Key: clientHead, Value: sent("", "a", 80, 80)}}, "HTTP"},
		{"", object{{Key: wsgiEnviron, Value: request()}}, "GET"},
		{"", object{{Key: clientHead, Value: "GET / HTTP/1.1"}}, ""},
		{"own", object{{Key: clientHead, Value: sent("GET /a HTTP/1.1", "a", 80, 80)}}, "own"},
	} {
		for _, limit := range []string{"", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=0"} {
			spans, outcomes := decode(t, newProfile(t, limit), span(row.name, row.attributes), span("after", nil))
			if len(spans) != 2 || spans[0].Name != row.want || spans[1].Name != "after" {
				t.Errorf("%q with %v, %s: %v, %v; want %q", row.name, row.attributes, limit, spans, outcomes, row.want)
			}
		}
	}
}

func TestAnInterruptedRequestHasItsAttributes(t *testing.T) {
	p := newProfile(t)
	var d, again decoder
	d.Reset(encode(nil, openSpan(newSpanID(), "GET", object{{Key: wsgiEnviron, Value: request(marshal.Pair{Key: "HTTP_COOKIE", Value: "hunter2"})}})))
	if d.next(p) != started || !again.interrupted(p, d.raw, 1, "killed") {
		t.Fatal("no span")
	}
	s, err := otlp.ParseSpan(again.span.Encoded())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"http.request.method=GET", "url.path=/a", "url.scheme=http", "network.protocol.version=1.1", "server.address=server", "server.port=8000", `http.request.headers={"cookie": "****"}`}
	if got := rows(s.Attributes); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestOnlySpansHaveDerivedAttributes(t *testing.T) {
	r := span("s", nil)
	r[14] = []any{tuple{1, "event", object{{Key: wsgiEnviron, Value: request()}}}}
	spans, _ := decode(t, newProfile(t), r)
	if got := spans[0].Events[0].Attributes; len(got) != 1 || got[0].Key != wsgiEnviron || reflect.DeepEqual(got[0].Value, "") {
		t.Errorf("an event has %v, want what was set", got)
	}
}

// FuzzDerive reads any bytes as what hooks hand over, one part of which is a secret.
func FuzzDerive(f *testing.F) {
	f.Add(request(marshal.Pair{Key: "HTTP_HOST", Value: "a"}), []byte("GET /a HTTP/1.1\r\nHost: a\r\n b"), []byte("text"), "gzip", "text/plain")
	f.Add(request(marshal.Pair{Key: "PATH_INFO", Value: "/\u00e9"}), []byte("GET http://u@[::1]:8/ HTTP/1.1"), packed(func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }, "text"), "deflate", "application/json")
	f.Add([]byte("(\x01\x00\x00\x00u\x01\x00\x00\x00a(\x05\x00\x00\x00"), []byte{0xff}, []byte{0x1f, 0x8b, 8}, "x-gzip", "")
	p := newProfile(f, "OTEL_SEMCONV_STABILITY_OPT_IN=http/dup", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=24")
	const secret = "Tr0ub4dor&3"
	f.Fuzz(func(t *testing.T, environment, head, body []byte, encoding, contentType string) {
		if len(environment)+len(head)+len(body)+len(encoding)+len(contentType) > maxFrame/2 {
			return
		}
		encoding, contentType = strings.ToValidUTF8(encoding, ""), strings.ToValidUTF8(contentType, "")
		secretive := request(marshal.Pair{Key: "HTTP_PASSWORD", Value: secret}, marshal.Pair{Key: "HTTP_CONTENT_ENCODING", Value: encoding}, marshal.Pair{Key: "CONTENT_TYPE", Value: contentType})
		signed := append(append([]byte("GET /?password="+secret+" HTTP/1.1\r\nAuthorization: "+secret+"\r\n"), head...), "\r\nX-Api-Key: "+secret...)
		hidden := []any{[]byte(`{"password": "` + secret[:4]), []byte(secret[4:] + `", "rest": "`), body, true}
		for _, attributes := range []object{
			{{Key: wsgiEnviron, Value: environment}, {Key: requestPayload, Value: []any{body}}},
			{{Key: wsgiEnviron, Value: secretive}, {Key: requestPayload, Value: hidden}, {Key: responsePayload, Value: []any{body, body}}},
			{{Key: clientHead, Value: tuple{head, "host", 1, 80}}, {Key: responsePayload, Value: hidden}},
			{{Key: clientHead, Value: tuple{signed, "host", 1, 80}}, {Key: wsgiEnviron, Value: environment}, {Key: requestPayload, Value: hidden}},
			{{Key: clientHead, Value: big(environment)}},
			{{Key: clientAnswer, Value: big(environment)}},
			{{Key: awsAnswer, Value: big(environment)}},
			{{Key: commonOnes, Value: environment}},
			{{Key: requestPayload, Value: big(environment)}},
		} {
			var d decoder
			d.Reset(encode(nil, span("s", attributes)))
			if d.next(p) != finished {
				continue // what is big may not even be a value
			}
			s, err := otlp.ParseSpan(d.span.Encoded())
			if err != nil {
				t.Fatal(err)
			}
			if len(s.Attributes) > 2*24+2 {
				t.Fatalf("%d attributes", len(s.Attributes))
			}
			for i, a := range s.Attributes {
				text, _ := a.Value.(string)
				if len([]rune(text)) > p.config.Limits.AttributeValueLength {
					t.Fatalf("%s has %d characters", a.Key, len(text))
				}
				if strings.Contains(text, secret) && !bytes.Contains(environment, []byte(secret)) && !bytes.Contains(head, []byte(secret)) && !bytes.Contains(body, []byte(secret)) {
					t.Fatalf("%s shows the secret: %q", a.Key, text)
				}
				if slices.ContainsFunc(s.Attributes[:i], func(b otlp.Attribute) bool { return b.Key == a.Key }) {
					t.Fatalf("%s comes twice", a.Key)
				}
			}
		}
	})
}
