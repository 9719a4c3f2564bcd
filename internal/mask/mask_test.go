package mask

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
	"github.com/lumigo-io/opentelemetry-distro/internal/diag"
)

const token = "t_0123456789abcdef01234"

// set is a masking variable that is set.
func set(text string) config.Patterns {
	return config.Patterns{Name: "LUMIGO_SECRET_MASKING_REGEX_X", Text: text, IsSet: true}
}

func TestSettings(t *testing.T) {
	const input = `{"password": 1, "mine": 2, "other": 3}`
	const byDefault = `{"password": "****", "mine": 2, "other": 3}`
	tests := []struct {
		name              string
		general, specific config.Patterns
		want              string // of the specific category
		warning           string // part of the one warning; empty means none
	}{
		{name: "nothing is set", want: byDefault},
		{name: "a list replaces the defaults", general: set(`["mi", "x"]`), want: `{"password": 1, "mine": "****", "other": 3}`},
		{name: "patterns match at the start, in any case", general: set(`["THER", "OTH"]`), want: `{"password": 1, "mine": 2, "other": "****"}`},
		{name: "an empty list masks nothing", general: set(`[]`), want: input},
		{name: "an empty pattern masks everything", general: set(`[""]`), want: `{"password": "****", "mine": "****", "other": "****"}`},
		{name: "all, in any case", general: set(" aLL\n"), want: `****`},
		{name: "a category's list comes first", general: set(`["x"]`), specific: set(`["mine"]`), want: `{"password": 1, "mine": "****", "other": 3}`},
		{name: "a category's empty list says nothing", general: set(`["other"]`), specific: set(`[]`), want: `{"password": 1, "mine": 2, "other": "****"}`},
		{name: "a category's all", specific: set(`ALL`), want: `****`},
		{name: "a category can be exempt from all", general: set(`all`), specific: set(`["mine"]`), want: `{"password": 1, "mine": "****", "other": 3}`},
		{name: "not JSON", general: set(`.*mine.*`), want: byDefault, warning: `".*mine.*" is not a JSON array`},
		{name: "not an array", general: set(`{"a": 1}`), want: byDefault, warning: `not an array of strings`},
		{name: "not strings", general: set(`["mine", 1]`), want: byDefault, warning: `not an array of strings`},
		{name: "null in it", general: set(`[null]`), want: byDefault, warning: `not an array of strings`},
		{name: "a category that is not valid adds the defaults", general: set(`["mine"]`), specific: set(`x`), want: `{"password": "****", "mine": "****", "other": 3}`, warning: `"x" is not a JSON array`},
		{name: "a category that is not valid stays under all", general: set(`all`), specific: set(`x`), want: `****`, warning: `"x" is not a JSON array`},
		{name: "a look-around is left out", general: set(`["(?!x)y", "mine"]`), want: `{"password": "****", "mine": "****", "other": 3}`, warning: `"(?!x)y"`},
		{name: "a bad expression", general: set(`["(ad"]`), want: byDefault, warning: `"(ad"`},
	}
	for _, test := range tests {
		m, warnings := New(config.Masking{General: test.general, ResponseBodies: test.specific}, nil)
		if test.specific.IsSet && !test.general.IsSet {
			if got := string(m.AppendBody(nil, RequestBodies, []byte(input), false, -1)); got != byDefault {
				t.Errorf("%s: another category: got %s", test.name, got)
			}
		}
		if got := string(m.AppendBody(nil, ResponseBodies, []byte(input), false, -1)); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
		switch {
		case test.warning == "" && len(warnings) > 0:
			t.Errorf("%s: unexpected %v", test.name, warnings)
		case test.warning != "" && (len(warnings) != 1 || warnings[0].Level != diag.Warning || !strings.Contains(warnings[0].Text, test.warning) || !strings.Contains(warnings[0].Text, "LUMIGO_SECRET_MASKING_REGEX_X")):
			t.Errorf("%s: got %q, want one warning with %q", test.name, warnings, test.warning)
		}
	}
}

func TestEveryCategoryHasItsVariable(t *testing.T) {
	m, warnings := New(config.Masking{
		General: set(`["c0"]`), Environment: set(`["c1"]`), RequestHeaders: set(`["c2"]`), ResponseHeaders: set(`["c3"]`),
		RequestBodies: set(`["c4"]`), ResponseBodies: set(`["c5"]`), QueryParameters: set(`["c6"]`),
	}, nil)
	if warnings != nil {
		t.Fatal(warnings)
	}
	for c := General; c < categories; c++ {
		for i := General; i < categories; i++ {
			if got, want := m.Matches(c, fmt.Sprint("c", int(i))), c == i; got != want {
				t.Errorf("category %d, pattern of %d: got %v, want %v", c, i, got, want)
			}
		}
	}
}

func TestPlainPatternsMatchAsTheirExpressionsDo(t *testing.T) {
	m := defaultMasker().matchers[General]
	for _, key := range []string{
		"", "key", "MonKey", "a.b.key", "signature", "X-Signature", "Cookie", "cookie2", "my-cookie", "passé", "clé", "\u212aey", "pa\u017f\u017f",
		"a\nkey", "key\n", strings.Repeat("x", 200) + "KEY", strings.Repeat("é", 200) + "key", "\xffkey", "dsn", "PGPASSFILE", "name",
	} {
		if got, want := m.decide(key), m.whole.MatchString(key); got != want {
			t.Errorf("%q: got %v, the expression says %v", key, got, want)
		}
		if got, want := m.matches(key), m.decide(key); got != want {
			t.Errorf("%q: got %v at first, want %v", key, got, want)
		}
		if got, want := m.matches(key), m.decide(key); got != want {
			t.Errorf("%q: got %v from the cache, want %v", key, got, want)
		}
	}
}

func TestVerdictsConcurrentSafe(t *testing.T) {
	m := defaultMasker()
	var wait sync.WaitGroup
	for g := range 4 {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for i := range 5000 { // more keys than there are places
				key := fmt.Sprint("key", (i*7+g)%3000)
				if m.Matches(General, "name"+key[3:]) || !m.Matches(General, key) {
					t.Errorf("wrong verdict on %s", key)
					return
				}
			}
		}()
	}
	wait.Wait()
}

func TestVerdictsOutliveTheTextTheyCameFrom(t *testing.T) {
	m := defaultMasker()
	body := []byte(`{"abcdef": 1}`)
	m.AppendBody(nil, General, body, false, -1)
	copy(body, `{"passwd": 1}`)
	v := &m.matchers[General].verdicts
	for i := range v.slots {
		for j := range v.slots[i] {
			if known := v.slots[i][j].Load(); known != nil && known.matches != strings.Contains(known.key, "pass") {
				t.Errorf("the verdict on %q is %v", known.key, known.matches)
			}
		}
	}
}

func TestJSONDeepInStrings(t *testing.T) {
	text := `{"password": "hunter2"}`
	for depth := 1; depth < 12; depth++ {
		b, _ := json.Marshal(map[string]string{"a": text})
		text = string(b)
		out := string(defaultMasker().AppendBody(nil, General, []byte(text), false, -1))
		if strings.Contains(out, "hunter2") || !strings.Contains(out, Mask) {
			t.Errorf("depth %d: %s", depth, out)
		}
		if whole := !strings.Contains(out, "password"); whole != (depth > maxLevel) {
			t.Errorf("depth %d: masked as a whole: %v", depth, whole)
		}
	}
}

// TestExemptKeys has the keys below which the original masks nothing, and we do.
func TestExemptKeys(t *testing.T) {
	const in = `{"lumigo_execution_tags_no_scrub": {"password": 1}, "manualTraces": [{"key": 2}], "key": 3}`
	original, _ := New(config.Masking{Compatible: true}, nil)
	for m, want := range map[*Masker]string{
		original:        `{"lumigo_execution_tags_no_scrub": {"password": 1}, "manualTraces": [{"key": 2}], "key": "****"}`,
		defaultMasker(): `{"lumigo_execution_tags_no_scrub": {"password": "****"}, "manualTraces": [{"key": "****"}], "key": "****"}`,
	} {
		w := m.NewWriter(General, -1)
		write(t, w, []byte(in))
		if got := string(w.AppendTo(nil)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestTheTokenIsMaskedAnywhere(t *testing.T) {
	everywhere, _ := New(config.Masking{General: set(`[]`)}, []string{token, "", "ab"})
	escaped := strings.Replace(token, "_", `\u005f`, 1)
	outputs := map[string]string{
		"text body":       string(everywhere.AppendBody(nil, RequestBodies, []byte("my token: "+token+"!"), false, -1)),
		"JSON body":       string(everywhere.AppendBody(nil, RequestBodies, []byte(`{"a": "x`+token+`y", "`+token+`": 1}`), false, -1)),
		"escaped in JSON": string(everywhere.AppendBody(nil, RequestBodies, []byte(`{"a": "`+escaped+`", "b": "[\"`+strings.Replace(escaped, `\`, `\\`, 1)+`\"]"}`), false, -1)),
		"binary body":     string(everywhere.AppendBody(nil, RequestBodies, []byte("\xff"+token), false, -1)),
		"cut in the body": string(everywhere.AppendBody(nil, RequestBodies, []byte("x "+token[:20]), true, -1)),
		"cut in JSON":     string(everywhere.AppendBody(nil, RequestBodies, []byte(`{"a": "`+token[:20]), true, -1)),
		"cut and escaped": string(everywhere.AppendBody(nil, RequestBodies, []byte(`{"a": "`+escaped[:24]), true, -1)),
		"header":          string(everywhere.AppendHeaders(nil, RequestHeaders, []Header{{"authorization", "LumigoToken " + token}}, -1)),
		"environment":     string(everywhere.AppendEnvironment(nil, []string{"LUMIGO_TRACER_TOKEN=" + token}, -1)),
		"url":             string(everywhere.AppendURL(nil, "https://host/"+token+"?a="+token)),
		"query":           string(everywhere.AppendQuery(nil, "a="+token)),
		"sql":             string(everywhere.AppendSQL(nil, "SELECT '"+token+"'")),
	}
	for what, out := range outputs {
		if strings.Contains(out, token[:10]) || strings.Contains(out, fmt.Sprintf("%x", token)[:36]) {
			t.Errorf("%s: %s", what, out)
		}
		if !strings.Contains(out, Mask) && what != "binary body" {
			t.Errorf("%s: not masked: %s", what, out)
		}
	}
	if got := string(everywhere.AppendBody(nil, General, []byte("abc"), false, -1)); got != "abc" {
		t.Errorf("a short secret tears holes: %s", got)
	}
	if got := string(everywhere.AppendEnvironment(nil, []string{"A=ab", "B=abc"}, -1)); got != `{"A": "****", "B": "abc"}` {
		t.Errorf("a short secret as a whole value: %s", got)
	}
}

func TestAppendBody(t *testing.T) {
	tests := []struct {
		name, in, want string
		truncated      bool
		limit          int // 0 means 2048
	}{
		{name: "JSON", in: `{"a":"b","password":{"c":1}}`, want: `{"a": "b", "password": "****"}`},
		{name: "an array", in: ` [ {"key":1}, 2 ]`, want: `[{"key": "****"}, 2]`},
		{name: "deep", in: `{"a":[[{"b":{"api_key":"x","c":[1.0,1e3,-0,true,null]}}]]}`, want: `{"a": [[{"b": {"api_key": "****", "c": [1.0, 1000.0, 0, true, null]}}]]}`},
		{name: "keys with escapes", in: `{"p\u0061ssword":"x","\u0070\u0061\u0073\u0073":"y","a\/b":1}`, want: `{"password": "****", "pass": "****", "a/b": 1}`},
		{name: "a key that comes twice", in: `{"password":1,"a":2,"password":3}`, want: `{"password": "****", "a": 2, "password": "****"}`},
		{name: "cut in a secret", in: `{"a":"b","password":"hunt`, truncated: true, want: `{"a": "b", "password": "****"`},
		{name: "cut in a value", in: `{"a":"hel`, truncated: true, want: `{"a": "hel`},
		{name: "cut in a key", in: `{"a":1,"pass`, truncated: true, want: `{"a": 1`},
		{name: "cut in an escape", in: `{"a":"\u00`, truncated: true, want: `{"a": "`},
		{name: "cut in a character", in: "{\"a\":\"\xc3", truncated: true, want: `{"a": "`},
		{name: "cut in JSON in a string", in: `{"a":"{\"password\":\"hunt`, truncated: true, want: `{"a": "{\"password\": \"****\"`},
		{name: "JSON in a string of JSON in a string", in: `{"a":"{\"b\":\"{\\\"key\\\":1}\"}"}`, want: `{"a": "{\"b\": \"{\\\"key\\\": \\\"****\\\"}\"}"}`},
		{name: "a string without secrets is not touched", in: `{"a":"{\"b\":  1}"}`, want: `{"a": "{\"b\":  1}"}`},
		{name: "a form in a string", in: `{"body":"a=1&password=x"}`, want: `{"body": "a=1&password=****"}`},
		{name: "several documents", in: "{\"a\":1}\n{\"key\":2}\n", want: "{\"a\": 1}\n{\"key\": \"****\"}"},
		{name: "a byte order mark", in: "\ufeff{\"key\":2}", want: `{"key": "****"}`},
		{name: "UTF-16", in: "\xff\xfe{\x00\"\x00k\x00e\x00y\x00\"\x00:\x001\x00}\x00", want: `{"key": "****"}`},
		{name: "UTF-16, high byte first", in: "\x00{\x00\"\x00k\x00e\x00y\x00\"\x00:\x001\x00}", want: `{"key": "****"}`},
		{name: "not quite UTF-8", in: "{\"a\":\"\xe9\",\"password\":\"s\xe9cret\"}", want: `{"a": "\ufffd", "password": "****"}`},
		{name: "lone surrogates", in: `{"a":"\ud800 \ud83d\ude00"}`, want: `{"a": "\ud800 \ud83d\ude00"}`},
		{name: "Python's text for a dictionary", in: `{'password': 'x', 'a': {'token': ('y', 'z')}}`, want: `{'password': '****', 'a': {'token': ****}}`},
		{name: "escapes in a string with escapes", in: `{"a": "x\t{\"p\\u0061ss\": 12345} \t"}`, want: `{"a": "x\t{\"p\\u0061ss\": ****} \t"}`},
		{name: "JavaScript", in: `{password: x, a: b, "key": [1, 2], c: d}`, want: `{password: ****, a: b, "key": ****, c: d}`},
		{name: "broken behind a secret", in: `{"password":"x", "a" "b", "key": "y"}`, want: `{"password": "****", "a" "b", "key": "****"}`},
		{name: "broken in a secret", in: `{"a":1,"password":oops x, "b": "y"}`, want: `{"a": 1,"password":****, "b": "y"}`},
		{name: "broken deep in a secret", in: `{"password":{"x":1, y: hunter2}, "b": c}`, want: `{"password":****, "b": c}`},
		{name: "a key in what is quoted", in: `{a: 'password: x', b: 'c'}`, want: `{a: 'password: ****', b: 'c'}`},
		{name: "text with JSON in it", in: `POST {"password": "x"} failed`, want: `POST {"password": "****"} failed`},
		{name: "a log line", in: `[INFO] key missing`, want: `[INFO] key missing`},
		{name: "a form", in: `a=1&password=x+y&b=2`, want: `a=1&password=****&b=2`},
		{name: "as between cookies", in: `theme=dark; password=x`, want: `theme=dark; password=****`},
		{name: "a form, encoded names", in: `a=1&p%41ss=x&my+key=y`, want: `a=1&p%41ss=****&my+key=****`},
		{name: "a form with JSON in it", in: `payload=%7B%22password%22%3A%22x%22%7D&a=1`, want: `payload=%7B%22password%22%3A+%22****%22%7D&a=1`},
		{name: "a form, cut", in: `a=1&password=hun`, truncated: true, want: `a=1&password=****`},
		{name: "a multipart form", in: "--b\r\nContent-Disposition: form-data; name=\"user\"\r\n\r\njoe\r\n--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nhunter2\r\n--b--\r\n",
			want: "--b\r\nContent-Disposition: form-data; name=\"user\"\r\n\r\njoe\r\n--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\n****\r\n--b--\r\n"},
		{name: "text", in: "it's a value = key day\n", want: "it's a value = key day\n"},
		{name: "base64 is no form", in: `monkey==`, want: `monkey==`},
		{name: "binary", in: "\xff\x01a\x00", want: `0xff016100`},
		{name: "binary, limited", in: "\xff\x01a\x00", limit: 3, want: `0xff0`},
		{name: "limited in characters", in: "ééé", limit: 2, want: "éé"},
		{name: "limited", in: `{"a":"bcdef"}`, limit: 8, want: `{"a": "b`},
		{name: "a list of numbers is not cut early", in: `{"a":[1,2,3,4,5]}`, limit: 25, want: `{"a": [1, 2, 3, 4, 5]}`},
		{name: "empty", in: ``, want: ``},
	}
	m := defaultMasker()
	for _, test := range tests {
		if test.limit == 0 {
			test.limit = 2048
		}
		if got := string(m.AppendBody([]byte("> "), RequestBodies, []byte(test.in), test.truncated, test.limit)); got != "> "+test.want {
			t.Errorf("%s:\n  in %q\n got %q\nwant %q", test.name, test.in, got, "> "+test.want)
		}
	}
}

func TestAppendURL(t *testing.T) {
	tests := []struct{ in, want string }{
		{`https://host:8080/a?b=1#c`, `https://host:8080/a?b=1#c`},
		{`https://host/a?b=1&api_key=x&c=2#d`, `https://host/a?b=1&api_key=****&c=2#d`},
		{`https://joe:pw@host/a`, `https://****@host/a`},
		{`https://joe:p w@host/a b`, `https://****@host/a b`},
		{`http://[::1]:80/@joe`, `http://[::1]:80/@joe`},
		{`https://token@host/a`, `https://****@host/a`},
		{`postgres://joe:p/w?x@host/a`, `postgres://****@host/a`},
		{`https://host/@joe`, `https://host/@joe`},
		{`/a?token=x`, `/a?token=****`},
		{`/a//b?password=x&c=d e`, `/a//b?password=****&c=d e`},
		{`https://host/#access_token=x&b=1`, `https://host/#access_token=****&b=1`},
		{`https://host/#/route?token=x`, `https://host/#/route?token=****`},
		{`https://host/?next=https://a:b@c/?key=x`, `https://host/?next=https://****@c/?key=****`},
		{`https://host/?X-Amz-Credential=x&X-Amz-Security-Token=y&a[password]=z`, `https://host/?X-Amz-Credential=****&X-Amz-Security-Token=****&a[password]=****`},
		{`http://es:9200/i/_search?q=password:hunter2`, `http://es:9200/i/_search?q=password:****`},
		{`/_search?q=user%3Ajoe+AND+%28token%3Aswordfish+OR+pin_key%3A%22x+y%22%29&size=1`, `/_search?q=user%3Ajoe+AND+%28token%3A****+OR+pin_key%3A%22****%22%29&size=1`},
		{`/_search?q=user:joe+AND+a:b&t=10:30&u=12%3A30`, `/_search?q=user:joe+AND+a:b&t=10:30&u=12%3A30`},
		{`/a?next=https%3A%2F%2Fjoe%3Ahunter2%40h%2Fb%3Ftoken%3Dx`, `/a?next=https%3A%2F%2F****%40h%2Fb%3Ftoken%3D****`},
		{`postgres://joe:hunt`, `postgres://****`}, // cut before its "@"
		{`redis://:hunt`, `redis://****`},
		{`https://h:80?a=postgres://joe:hunt`, `https://h:80?a=postgres://****`},
		{`mongodb://a:1,b:2`, `mongodb://a:1,b:2`},
		{`http://h:80`, `http://h:80`},
		{`http://h:`, `http://h:`},
		{`http://::1`, `http://::1`},
		{`http://${HOST}:${PORT}`, `http://${HOST}:${PORT}`},
		{``, ``},
	}
	m := defaultMasker()
	for _, test := range tests {
		if got := string(m.AppendURL(nil, test.in)); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.in, got, test.want)
		}
	}
	if got := string(m.AppendQuery(nil, "a=1&key=2")); got != "a=1&key=****" {
		t.Errorf("query: %s", got)
	}
	all, _ := New(config.Masking{QueryParameters: set("all")}, nil)
	if got := string(all.AppendURL(nil, "https://a:b@c/d?e=f#g")); got != "https://****@c/d?****#****" {
		t.Errorf("all: %s", got)
	}
}

func TestAppendHeaders(t *testing.T) {
	m := defaultMasker()
	headers := []Header{{"Accept", "a"}, {"Set-Cookie", "x=1"}, {"X", "y"}, {"accept", "b"}, {"set-cookie", "z=2"}, {"ACCEPT", "c"}, {"Location", "https://h/?token=x"}}
	want := `{"Accept": "a, b, c", "Set-Cookie": "****", "X": "y", "Location": "https://h/?token=****"}`
	if got := string(m.AppendHeaders(nil, ResponseHeaders, headers, 2048)); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	for n := len(headers); n < 100; n++ { // so many that they are looked up
		headers = append(headers, Header{fmt.Sprint("h", n), "v"})
	}
	if got := string(m.AppendHeaders(nil, ResponseHeaders, headers, -1)); !strings.HasPrefix(got, want[:len(want)-1]+`, "h7": "v"`) {
		t.Errorf("many: %s", got)
	}
	if got, want := string(m.AppendHeaders(nil, ResponseHeaders, headers, 10)), `{"Accept":...[too long]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAppendEnvironment(t *testing.T) {
	environ := []string{"A=b", "EMPTY=", "secret=value", "EQ=a=b", "broken", "=C:=D", "URL=amqp://u:p@h1,amqp://u:p@h2?key=x"}
	const want = `{"A": "b", "EMPTY": "", "secret": "****", "EQ": "a=b", "URL": "amqp://****@h1,amqp://****@h2?key=****"}`
	if got := string(defaultMasker().AppendEnvironment(nil, environ, 2048)); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestWriterValues(t *testing.T) {
	tests := []struct {
		name  string
		write func(w *Writer)
		want  string
	}{
		{"integers", func(w *Writer) { w.Int(-5) }, `-5`},
		{"an integer of any size", func(w *Writer) { w.Number("123456789012345678901234567890") }, `123456789012345678901234567890`},
		{"bytes that are text", func(w *Writer) { w.Bytes([]byte("a")) }, `"a"`},
		{"bytes that are not", func(w *Writer) { w.Bytes([]byte{0xff, 0xfe, 'a', 0}) }, `"b'\\xff\\xfea\\x00'"`},
		{"bytes that are JSON", func(w *Writer) { w.Bytes([]byte(`{"password": "abc"}`)) }, `{"password": "****"}`},
		{"bytes that are JSON, but for one", func(w *Writer) { w.Bytes([]byte("{\"password\": \"s\xe9cret\"}")) }, `{"password": "****"}`},
		{"the token as a key", func(w *Writer) { w.BeginObject(); w.Key("x" + token); w.Int(1); w.End() }, `{"x****": 1}`},
		{"not HTML", func(w *Writer) { w.String("é</>&") }, `"\u00e9</>&"`},
		{"a masked object", func(w *Writer) {
			w.BeginObject()
			w.Key("key")
			w.BeginArray()
			w.BeginObject()
			w.Key("a")
			w.Int(1)
			w.End()
			w.Null()
			w.End()
			w.Key("a")
			w.Bool(true)
			w.End()
		}, `{"key": "****", "a": true}`},
		{"nothing", func(w *Writer) {}, ``},
	}
	m := defaultMasker(token)
	w := m.NewWriter(General, 2048)
	for _, test := range tests {
		w.Reset(General, 2048)
		test.write(w)
		if got := string(w.AppendTo(nil)); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}

// TestBudget has the original's examples of values that are left out.
func TestBudget(t *testing.T) {
	tests := []struct {
		in    string
		limit int
		want  string
	}{
		{`{"a":"b"}`, 10, `{"a": "b"}...[too long]`},
		{`{"a":"b"}`, 11, `{"a": "b"}`},
		{`{"null": 1}`, 1, `{...[too long]`},
		{`{"key":"b"}`, 3, `{"k...[too long]`},
		{`{"a": [1, 2, 3, 4]}`, 30, `{"a": [1, 2, 3]}...[too long]`}, // 11 each
		{`{"a": [1, 2, 3, 4], "b": {"c": 1}}`, 30, `{"a": [1, 2, 3]}...[too long]`},
		{`{"a": [1, 2, 3], "key": 1, "b": 2}`, 36, `{"a": [1, 2, 3], "key": "****"}...[too long]`},
		{`[{"a": [1, 2]}, {"a": [1, 2]}]`, 40, `[{"a": [1, 2]}, {"a": [1, 2]}]`},
		{`[1, 2, 3, 4, 5, 6, 7]`, 30, `[1, 2, 3, 4, 5, 6, 7]`},
		{`"x"`, 0, `...[too long]`},
	}
	m := defaultMasker()
	for _, test := range tests {
		w := m.NewWriter(General, test.limit)
		write(t, w, []byte(test.in))
		if got := string(w.AppendTo(nil)); got != test.want {
			t.Errorf("%s, limit %d: got %s, want %s", test.in, test.limit, got, test.want)
		}
	}
}
