package engine

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/lumigo-io/opentelemetry-distro/internal/marshal"
	"github.com/lumigo-io/opentelemetry-distro/internal/mask"
	"github.com/lumigo-io/opentelemetry-distro/internal/semconv"
)

// Attributes that stand for many: what a hook has at hand of a request, which costs the application's thread less than
// taking it apart there. docs/protocol.md tells what they hold.
const (
	wsgiEnviron     = "wsgi.environ"
	clientHead      = "http.client.head"
	clientAnswer    = "http.client.answer"
	awsAnswer       = "aws.answer"
	commonOnes      = "lumigo.common"
	requestPayload  = "http.request.payload"
	responsePayload = "http.response.payload"
)

// derives reports whether other attributes are to be made of the one of this name.
func derives(key string) bool {
	switch key {
	case wsgiEnviron, clientHead, clientAnswer, awsAnswer, commonOnes, requestPayload, responsePayload:
		return true
	}
	return false
}

// A derivation makes attributes of one, as long as the limit allows. What the application has set itself, by the same
// name, is not made.
type derivation struct {
	*decoder
	left int
	lost uint32
}

// derive reads the value of an attribute that stands for others. The dict that it is in starts at start.
func (d *decoder) derive(key string, start, limit int) (left int, lost uint32) {
	if len(d.own) == 0 {
		here := d.Pos()
		d.Seek(start)
		d.names()
		d.Seek(here)
	}
	made := derivation{decoder: d, left: limit}
	switch k := d.Next(); {
	case key == wsgiEnviron && k == marshal.Bytes:
		made.environ(d.Bytes())
	case key == clientHead && k == marshal.List && d.Len() >= 4:
		made.head(d.Len())
	case key == clientAnswer && k == marshal.List && d.Len() >= 3:
		made.answer(d.Len())
	case key == awsAnswer && k == marshal.Dict:
		made.aws()
	case key == commonOnes && k == marshal.Bytes:
		made.common(d.Bytes())
	case key == requestPayload:
		made.payload("http.request.body", mask.RequestBodies, &d.request, k)
	case key == responsePayload:
		made.payload("http.response.body", mask.ResponseBodies, &d.response, k)
	default:
		d.SkipRest(k)
	}
	return made.left, made.lost
}

// may says whether an attribute is to be made, and counts it.
func (m *derivation) may(key string) bool {
	switch {
	case slices.Contains(m.own, key):
		return false
	case m.left == 0:
		m.lost++
		return false
	}
	m.own = append(m.own, key) // once is enough
	m.left--
	return true
}

func (m *derivation) text(key, value string) {
	if value == "" || !m.may(key) {
		return
	}
	form, _, _ := semconv.FormOf(key)
	m.masked(key, form, []byte(value))
}

func (m *derivation) int(key string, value int64) {
	if m.may(key) {
		m.span.Int(key, value)
		m.old.Int(&m.span, key, value)
	}
}

// method notes how a request is made, which names the span if the process has not.
func (m *derivation) method(method string) {
	name := "HTTP"
	switch method {
	case "": // cut off
	case "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE", "QUERY":
		name = method
		m.text("http.request.method", method)
	default:
		m.text("http.request.method", "_OTHER")
		m.text("http.request.method_original", method)
	}
	if m.unnamed {
		m.unnamed = false
		m.span.Name(name)
	}
}

// port writes a port that is a number; others are none.
func (m *derivation) port(key, port string) {
	if n, err := strconv.ParseUint(port, 10, 16); err == nil {
		m.int(key, int64(n))
	}
}

// requestHeaders writes what has been collected in m.headers.
func (m *derivation) requestHeaders() {
	m.request.note(m.headers)
	if len(m.headers) > 0 && m.may("http.request.headers") {
		m.headersAs("http.request.headers", mask.RequestHeaders)
	}
}

// environ makes the attributes of a WSGI request: data is a marshalled tuple of keys, and one of their values.
func (m *derivation) environ(data []byte) {
	var keys, values marshal.Reader
	keys.Reset(data)
	values.Reset(data)
	if !values.Skip() || keys.Next() != marshal.List || values.Next() != marshal.List {
		return
	}
	var method, script, path, query, name, port, protocol, peer, peerPort, scheme, host, agent, forwarded string
	m.headers = m.headers[:0]
	for n := min(keys.Len(), values.Len()); n > 0; n-- {
		if keys.Next() != marshal.String {
			break
		}
		key, value, header := view(keys.Bytes()), m.environValue(&values), ""
		switch key {
		case "REQUEST_METHOD":
			method = value
		case "SCRIPT_NAME":
			script = value
		case "PATH_INFO":
			path = value
		case "QUERY_STRING":
			query = value
		case "SERVER_NAME":
			name = value
		case "SERVER_PORT":
			port = value
		case "SERVER_PROTOCOL":
			protocol = value
		case "REMOTE_ADDR":
			peer = value
		case "REMOTE_PORT":
			peerPort = value
		case "wsgi.url_scheme":
			scheme = value
		case "CONTENT_TYPE":
			header = "content-type"
		case "CONTENT_LENGTH":
			header = "content-length"
		case "HTTP_HOST":
			host, header = value, "host"
		case "HTTP_USER_AGENT":
			agent, header = value, "user-agent"
		case "HTTP_X_FORWARDED_FOR":
			forwarded, header = value, "x-forwarded-for"
		default:
			if rest, ok := strings.CutPrefix(key, "HTTP_"); ok {
				header = strings.ReplaceAll(strings.ToLower(rest), "_", "-")
			}
		}
		if header != "" && value != "" {
			m.headers = append(m.headers, mask.Header{Name: header, Value: value})
		}
	}
	m.method(method)
	m.text("url.path", fromLatin1(script+path))
	m.text("url.scheme", scheme)
	if version, ok := strings.CutPrefix(protocol, "HTTP/"); ok {
		m.text("network.protocol.version", version)
	}
	m.text("network.peer.address", peer)
	client, _, _ := strings.Cut(forwarded, ",")
	if client = strings.TrimSpace(client); client == "" {
		client = peer
	}
	m.text("client.address", client)
	m.text("user_agent.original", agent)
	m.text("url.query", query)
	m.text("http.request.query_string", query)
	if host != "" {
		address, port := hostAndPort(host, scheme == "https")
		m.text("server.address", address)
		m.int("server.port", port)
	} else {
		m.text("server.address", name)
		m.port("server.port", port)
	}
	m.port("network.peer.port", peerPort)
	m.requestHeaders()
}

// environValue reads one: text, or a number, as some servers have it for ports.
func (m *derivation) environValue(values *marshal.Reader) string {
	switch k := values.Next(); k {
	case marshal.String:
		return view(m.valid(values.Bytes()))
	case marshal.Int:
		return strconv.FormatInt(values.Int(), 10)
	default:
		values.SkipRest(k)
	}
	return ""
}

// head makes the attributes of a request that http.client has sent: (its head as bytes, host, port, the scheme's
// port).
func (m *derivation) head(size int) {
	var head, host []byte
	if k := m.Next(); k == marshal.Bytes {
		head = m.latin1(m.Bytes())
	} else {
		m.SkipRest(k)
	}
	if k := m.Next(); k == marshal.String {
		host = m.valid(m.Bytes())
	} else {
		m.SkipRest(k)
	}
	port, _ := strconv.ParseInt(m.environValue(&m.Reader), 10, 64) // http.client takes text as well
	standard, _ := strconv.ParseInt(m.environValue(&m.Reader), 10, 64)
	if port == 0 {
		port = standard
	}
	for size -= 4; size > 0; size-- {
		m.Skip()
	}
	line, rest, _ := strings.Cut(view(head), "\r\n")
	method, target, _ := strings.Cut(line, " ")
	if version := strings.LastIndexByte(target, ' '); version >= 0 {
		target = target[:version]
	}
	address, url := view(host), target
	scheme := "http"
	if standard == 443 {
		scheme = "https"
	}
	if absolute, _, ok := strings.Cut(target, "://"); ok && (absolute == "http" || absolute == "https") {
		authority := target[len(absolute)+3:] // as proxies want it
		if end := strings.IndexAny(authority, "/?#"); end >= 0 {
			authority = authority[:end]
		}
		address, port = hostAndPort(authority[strings.LastIndexByte(authority, '@')+1:], absolute == "https")
	} else {
		shown := address
		if strings.Contains(address, ":") && address[0] != '[' {
			shown = "[" + address + "]"
		}
		if port != standard {
			shown += ":" + strconv.FormatInt(port, 10)
		}
		url = scheme + "://" + shown + target
	}
	m.headers = m.headers[:0]
	agent := ""
	for row := range strings.SplitSeq(unfold.Replace(rest), "\r\n") {
		name, value, ok := strings.Cut(row, ":")
		if !ok {
			continue
		}
		value = strings.TrimSpace(value)
		if strings.EqualFold(name, "user-agent") {
			agent = value
		}
		m.headers = append(m.headers, mask.Header{Name: name, Value: value})
	}
	m.method(method)
	m.text("url.full", url)
	m.text("server.address", address)
	m.int("server.port", port)
	m.text("user_agent.original", agent)
	m.requestHeaders()
}

// answer makes the attributes of the head of a response that http.client has read: (status, version times 10, headers).
// What the status says of the span is its status.
func (m *derivation) answer(size int) {
	number := func() (n int64) {
		if k := m.Next(); k == marshal.Int {
			return m.Int()
		} else {
			m.SkipRest(k)
		}
		return 0
	}
	status, version := number(), number()
	m.collectHeaders(m.Next())
	for size -= 3; size > 0; size-- {
		m.Skip()
	}
	if status != 0 {
		m.int("http.response.status_code", status)
	}
	switch version {
	case 10:
		m.text("network.protocol.version", "1.0")
	case 11:
		m.text("network.protocol.version", "1.1")
	}
	if status >= 400 {
		m.failed = true
		m.text("error.type", strconv.FormatInt(status, 10))
	}
	m.responseHeaders()
}

// responseHeaders writes what has been collected in m.headers.
func (m *derivation) responseHeaders() {
	m.response.note(m.headers)
	if len(m.headers) > 0 && m.may("http.response.headers") {
		m.headersAs("http.response.headers", mask.ResponseHeaders)
	}
}

// common makes attributes that a process has encoded once for many spans: data is a marshalled dict of them.
func (m *derivation) common(data []byte) {
	outer := m.Reader
	defer func() { m.Reader = outer }()
	m.Reset(data)
	if m.Next() != marshal.Dict {
		return
	}
	start := m.Pos()
	for k := m.Next(); k != marshal.End && k != marshal.Invalid; k = m.Next() {
		if key := m.key(k); key == "" || derives(key) || !m.may(key) {
			m.Skip()
		} else {
			m.attribute(key, start, false)
		}
	}
}

// aws makes the attributes of what botocore has answered: a dict of which one value tells of the response, and the others
// are its body.
func (m *derivation) aws() {
	const metadata = "ResponseMetadata"
	start, at, body := m.Pos(), -1, false
	message := ""
	for k := m.Next(); k != marshal.End && k != marshal.Invalid; k = m.Next() {
		switch key := m.key(k); key {
		case metadata:
			at = m.Pos()
			m.Skip()
		case "MessageId":
			message, body = m.environValue(&m.Reader), true
		default:
			body = true
			m.Skip()
		}
	}
	end := m.Pos()
	if at >= 0 {
		m.Seek(at)
		request := m.awsMetadata()
		if message == "" {
			message = request
		}
	}
	m.text("messageId", message)
	if body && m.may("http.response.body") {
		m.Seek(start)
		w := m.begin(mask.ResponseBodies)
		w.BeginObject()
		for k := m.Next(); k != marshal.End && k != marshal.Invalid; k = m.Next() {
			if key := m.key(k); key == metadata {
				m.Skip()
			} else {
				w.Key(key)
				m.dump(w, m.Next(), 1)
			}
		}
		w.End()
		m.finishDump("http.response.body")
	}
	m.Seek(end)
}

// awsMetadata makes the attributes that tell of the response, and gives the id of its request.
func (m *derivation) awsMetadata() (request string) {
	k := m.Next()
	if k != marshal.Dict {
		m.SkipRest(k)
		return ""
	}
	m.headers = m.headers[:0]
	for k := m.Next(); k != marshal.End && k != marshal.Invalid; k = m.Next() {
		switch m.key(k) {
		case "HTTPStatusCode":
			m.integer("http.response.status_code")
		case "RetryAttempts":
			m.integer("retry_attempts")
		case "RequestId":
			request = m.environValue(&m.Reader)
		case "HTTPHeaders":
			m.collectHeaders(m.Next())
		default:
			m.Skip()
		}
	}
	for _, h := range m.headers {
		if request == "" && (strings.EqualFold(h.Name, "x-amzn-requestid") || strings.EqualFold(h.Name, "x-amz-request-id")) {
			request = h.Value
		}
	}
	m.text("aws.request_id", request)
	m.responseHeaders()
	return request
}

// integer reads a number, and writes it.
func (m *derivation) integer(key string) {
	if k := m.Next(); k == marshal.Int {
		m.int(key, m.Int())
	} else {
		m.SkipRest(k)
	}
}

// unfold joins the rows of a header whose value goes on in the next one.
var unfold = strings.NewReplacer("\r\n ", " ", "\r\n\t", " ")

// payload makes the attribute of a body as it was on the wire: the parts that it came in, True after them when it was
// longer than that, and False when a library has unpacked it already. Only what is text is kept, unpacked if it travelled
// packed.
func (m *derivation) payload(key string, c mask.Category, w *wire, k marshal.Kind) {
	if k != marshal.List {
		m.SkipRest(k)
		return
	}
	var body []byte
	cut, plain := false, false
	for n := m.Len(); n > 0; n-- {
		switch k := m.Next(); {
		case k == marshal.Bytes && body == nil:
			body = m.Bytes()
		case k == marshal.Bytes:
			body = append(body, m.Bytes()...) // Bytes has no capacity beyond its end: this copies
		case k == marshal.Bool:
			if more := m.Bool(); more {
				cut = true
			} else {
				plain = true
			}
		default:
			m.SkipRest(k)
		}
	}
	if !w.text() {
		return
	}
	if !plain {
		body, cut = w.unpacked(body, cut, capture(m.profile.config))
	}
	if len(body) > 0 && m.may(key) {
		m.body(key, c, body, cut)
	}
}

// wire is how a body travels, as its message's headers say.
type wire struct{ contentType, encoding string }

// note takes what a message's headers say of its body. The strings are lent.
func (w *wire) note(headers []mask.Header) {
	for _, h := range headers {
		switch {
		case strings.EqualFold(h.Name, "content-type"):
			w.contentType = h.Value
		case strings.EqualFold(h.Name, "content-encoding"):
			w.encoding = strings.ToLower(strings.TrimSpace(h.Value))
		}
	}
}

var textual = []string{"json", "text/", "xml", "x-www-form-urlencoded", "graphql", "yaml"}

// text reports whether the body is one that people can read once it is unpacked. One without a type is taken for it.
func (w *wire) text() bool {
	kind, _, _ := strings.Cut(w.contentType, ";")
	if kind = strings.ToLower(strings.TrimSpace(kind)); kind == "" {
		return true
	}
	for _, part := range textual {
		if strings.Contains(kind, part) {
			return true
		}
	}
	return false
}

// unpacked undoes the content encoding, of which at most limit bytes come out; nothing when that is not possible.
func (w *wire) unpacked(body []byte, cut bool, limit int) ([]byte, bool) {
	switch w.encoding {
	case "", "identity":
		return body, cut
	case "gzip", "x-gzip", "deflate":
	default:
		return nil, false
	}
	for _, open := range []func(io.Reader) (io.Reader, error){
		func(r io.Reader) (io.Reader, error) {
			z, err := gzip.NewReader(r)
			if err == nil {
				z.Multistream(false)
			}
			return z, err
		},
		func(r io.Reader) (io.Reader, error) { return zlib.NewReader(r) },
		func(r io.Reader) (io.Reader, error) { return flate.NewReader(r), nil }, // as some send what they call deflate
	} {
		r, err := open(bytes.NewReader(body))
		if err != nil {
			continue
		}
		plain, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
		if err != nil && err != io.ErrUnexpectedEOF {
			continue
		}
		cut = cut || err != nil || len(plain) > limit
		return plain[:min(len(plain), limit)], cut
	}
	return nil, false
}

// hostAndPort takes a Host header apart; the port is the scheme's where none is named.
func hostAndPort(host string, secure bool) (string, int64) {
	name, port := host, ""
	if rest, ok := strings.CutPrefix(host, "["); ok {
		name, port, _ = strings.Cut(rest, "]")
		port = strings.TrimPrefix(port, ":")
	} else if strings.Count(host, ":") == 1 {
		name, port, _ = strings.Cut(host, ":")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err == nil {
		return name, int64(n)
	}
	if secure {
		return name, 443
	}
	return name, 80
}

// fromLatin1 returns the UTF-8 text whose bytes WSGI has made characters of.
func fromLatin1(s string) string {
	ascii := true
	for i := 0; i < len(s) && ascii; i++ {
		ascii = s[i] < utf8.RuneSelf
	}
	if ascii {
		return s
	}
	raw := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 0xFF {
			r = '?'
		}
		raw = append(raw, byte(r))
	}
	return strings.ToValidUTF8(string(raw), "\uFFFD")
}
