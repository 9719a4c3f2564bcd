package mask

import (
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
)

// choices turns the fuzzer's bytes into decisions.
type choices struct {
	data []byte
	used int
}

func (c *choices) next(n int) int {
	if c.used >= len(c.data) {
		return 0
	}
	c.used++
	return int(c.data[c.used-1]) % n
}

// planted is what must never come out, nor a part of it of this length.
const (
	planted       = "Zq7#Xv9-Wk3'Yj5"
	plantedNumber = "739173917391.73917391"
	telling       = 5
)

func leaks(out string) bool {
	for _, secret := range []string{planted, plantedNumber} {
		for i := 0; i+telling <= len(secret); i++ {
			if strings.Contains(out, secret[i:i+telling]) {
				return true
			}
		}
	}
	return false
}

var secretKeys = []string{"password", "Api_Key", "x-client-SECRET", "access_token", "Cookie", "authorization", "mot de passe, passé"}

// secret makes a value that must not be seen.
func (c *choices) secret(depth int) string {
	switch c.next(5) {
	case 0:
		return plantedNumber
	case 1:
		return `{"a": ` + quoteJSON(planted) + `, "b}": [` + plantedNumber + `, "]}` + "\\\"" + `"]}`
	case 2:
		return `[ "` + planted + `", {"x": "` + planted + `"} ]`
	case 3:
		return c.quote(`{"inner": "` + planted + `"}`)
	}
	return c.quote(planted)
}

// quote writes a JSON string, with escapes at random.
func (c *choices) quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		how := c.next(8)
		switch {
		case how == 1 && r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		case how == 2 && r < 0x10000:
			fmt.Fprintf(&b, `\u%04X`, r)
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ':
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func quoteJSON(s string) string {
	text, _ := json.Marshal(s)
	return string(text)
}

func (c *choices) blank() string {
	return []string{"", "", "", " ", "\n\t", "\r\n  "}[c.next(6)]
}

// value makes JSON in which secrets stand below keys that match.
func (c *choices) value(depth int) string {
	kind := c.next(9)
	if depth > 4 {
		kind %= 3
	}
	switch kind {
	case 0:
		return strconv.Itoa(c.next(90))
	case 1:
		return []string{"null", "true", "-1.5e3", `""`}[c.next(4)]
	case 2:
		return c.quote([]string{"hello", "{", "a\"b\\", "é\u2028\U0001f600", "[1, 2"}[c.next(5)])
	case 3, 4, 5:
		items := []string{}
		for n := c.next(4) + 1; n > 0; n-- {
			key, value := fmt.Sprint("k", c.next(9)), ""
			if key[1]%2 == 0 {
				key = secretKeys[c.next(len(secretKeys))]
				value = c.secret(depth)
			} else {
				key = "n" + key[1:]
				value = c.value(depth + 1)
			}
			items = append(items, c.blank()+c.quote(key)+c.blank()+":"+c.blank()+value+c.blank())
		}
		return "{" + strings.Join(items, ",") + "}"
	case 6:
		return "[" + c.blank() + c.value(depth+1) + c.blank() + "," + c.value(depth+1) + "]"
	case 7:
		return c.quote(c.blank() + c.value(depth+1))
	}
	return c.quote(c.form(depth + 1))
}

// form makes a form, with secrets likewise.
func (c *choices) form(depth int) string {
	pairs := []string{"a=1"}
	for n := c.next(3) + 1; n > 0; n-- {
		switch c.next(3) {
		case 0:
			pairs = append(pairs, url.QueryEscape(secretKeys[c.next(len(secretKeys))])+"="+strings.Replace(planted, "#", "%23", 1))
		case 1:
			pairs = append(pairs, "p%41ssword="+url.QueryEscape(planted))
		case 2:
			pairs = append(pairs, "payload="+url.QueryEscape(c.value(depth+1)))
		}
	}
	return strings.Join(pairs, "&")
}

func FuzzNoSecretSurvives(f *testing.F) {
	f.Add([]byte{3, 1, 0, 4, 4}, uint16(0), int16(-1))
	f.Add([]byte{7, 3, 3, 2, 0, 0, 0, 0, 0, 0, 0, 0, 1}, uint16(30), int16(100))
	f.Add([]byte{8, 1, 1, 2, 0, 4, 2, 0}, uint16(0), int16(2048))
	f.Add([]byte{6, 4, 2, 2, 4, 6, 4, 3}, uint16(77), int16(50))
	m, _ := New(config.Masking{}, nil)
	f.Fuzz(func(t *testing.T, data []byte, cut uint16, limit int16) {
		c := &choices{data: data}
		var body string
		switch c.next(4) {
		case 0:
			body = c.form(0)
		case 1:
			body = "[" + c.value(3) + "]" + c.blank() + "\n" + c.value(3)
		case 2:
			body = c.value(0)
		case 3:
			body = "--xyz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n" + c.value(2) + "\r\n--xyz\r\n" +
				"Content-Type: text/plain\r\nContent-Disposition: form-data; filename=\"x\"; name=\"user_password\"\r\n\r\n" + planted + "\r\n--xyz--\r\n"
		}
		if len(body) > 1<<16 { // escapes of escapes grow fast
			t.Skip()
		}
		truncated := cut > 0 && int(cut) < len(body)
		if truncated {
			body = body[:cut]
		}
		for _, bytes := range [][]byte{[]byte(body), append([]byte(body), 0xff), append([]byte("\ufeff"), body...)} {
			if out := string(m.AppendBody(nil, RequestBodies, bytes, truncated, int(limit))); leaks(out) {
				t.Errorf("body, truncated %v, limit %d\n in %q\nout %q", truncated, limit, bytes, out)
			}
		}
		w := m.NewWriter(General, int(limit))
		w.String(body)
		if out := string(w.AppendTo(nil)); leaks(out) {
			t.Errorf("string, limit %d\n in %q\nout %q", limit, body, out)
		}
		w.Reset(General, int(limit))
		w.BeginArray()
		w.BeginObject()
		w.Key("a")
		w.Bytes([]byte(body))
		w.Key("password")
		w.String(body)
		w.End()
		w.String(body + Suffix)
		w.End()
		if out := string(w.AppendTo(nil)); leaks(out) {
			t.Errorf("value, limit %d\n in %q\nout %q", limit, body, out)
		}
	})
}

func FuzzJSONKeepsItsMeaning(f *testing.F) {
	for _, text := range []string{
		`{"a": 1, "password": {"b": [1.5, null]}, "c": [true, "é\ud83d\ude00\ud800", -0.0, 1e300, 1E-7, 123456789012345678901234567890]}`,
		`{"": "", "a": {}, "b": [], "a": [[{"key": 1}]], "\u0070assword": "x", "p": "{\"password\": 1}"}`,
	} {
		f.Add(text)
	}
	m, _ := New(config.Masking{Compatible: true}, nil)
	f.Fuzz(func(t *testing.T, text string) {
		if !strings.HasPrefix(text, "{") || !json.Valid([]byte(text)) || !utf8.ValidString(text) {
			t.Skip() // of what is not UTF-8, Python knows lone surrogates, and Go does not
		}
		w := m.NewWriter(General, -1)
		w.String(text)
		out := w.AppendTo(nil)
		if strings.Contains(string(out), "Infinity") {
			t.Skip("a number too large for JSON, written as Python writes it")
		}
		want, got := maskedValue(t, m, []byte(text)), maskedValue(t, m, out)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("\n in %s\nout %s", text, out)
		}
		if len(out) > 0 && strings.IndexFunc(string(out), func(r rune) bool { return r < ' ' || r > '~' }) >= 0 {
			t.Errorf("not printable ASCII: %q", out)
		}
	})
}

// maskedValue decodes JSON and masks it the slow way.
func maskedValue(t *testing.T, m *Masker, text []byte) any {
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return maskValue(m, v)
}

func maskValue(m *Masker, v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			if m.Matches(General, k) {
				v[k] = Mask
			} else if !exemptKeys[k] {
				v[k] = maskValue(m, v[k])
			}
		}
	case []any:
		for i := range v {
			v[i] = maskValue(m, v[i])
		}
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			f, _ := v.Float64()
			return strconv.FormatFloat(f, 'g', -1, 64)
		}
		if v == "-0" {
			return json.Number("0")
		}
	}
	return v
}

func FuzzAnythingIsBounded(f *testing.F) {
	for _, text := range []string{
		`{"a": 1, "password": {"b": [1.5, null]}, "c": "{\"key\": \"\\u00`, "a=b&c=%7B%22", "https://a:b@c/?d=e#f", "\xff\xfe{\x00\"\x00",
		"SELECT 'a\\' FROM (b, c) = ('d'", "--x\r\ncontent-disposition: form-data; name=a\r\n\r\nb\r\n--x--", "{'a': [(b", "\xed\xa0\x80\"\\ud800\\",
	} {
		f.Add([]byte(text), true, int16(10))
		f.Add([]byte(text), false, int16(-1))
	}
	m, _ := New(config.Masking{}, []string{"t_0123456789abcdef01234"})
	original, _ := New(config.Masking{Compatible: true}, nil)
	f.Fuzz(func(t *testing.T, data []byte, truncated bool, limit int16) {
		most := int(limit)
		if limit < 0 {
			most = math.MaxInt - 100
		}
		check := func(what string, out []byte, most int) {
			if !utf8.Valid(out) && utf8.Valid(data) {
				t.Errorf("%s: not UTF-8: %q", what, out)
			}
			if n := utf8.RuneCount(out); n > most {
				t.Errorf("%s: %d characters, limit %d: %q", what, n, limit, out)
			}
		}
		body := m.AppendBody(nil, General, data, truncated, int(limit))
		check("body", body, most+len("0x"))
		if !utf8.Valid(body) {
			t.Errorf("body: not UTF-8: %q", body)
		}
		text := string(data)
		for _, m := range []*Masker{m, original} {
			w := m.NewWriter(General, int(limit))
			w.String(text)
			if out := w.AppendTo(nil); !m.compatible {
				check("string", out, most+len(Suffix))
			}
		}
		headers := []Header{{text, "a"}, {"b", text}, {"B", text}}
		check("headers", m.AppendHeaders(nil, RequestHeaders, headers, int(limit)), most+len(Suffix))
		check("environment", m.AppendEnvironment(nil, []string{text, "a=" + text}, int(limit)), most+len(Suffix))
		// These have no limit of their own, and add little.
		check("url", m.AppendURL(nil, text), 5*len(text)+5)
		check("query", m.AppendQuery(nil, text), 5*len(text)+5)
		check("sql", m.AppendSQL(nil, text), 7*len(text)+7)
		m.SQLParameterNames(text, 3)
	})
}

func FuzzURLsAndSQLGiveNothingAway(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8})
	f.Add([]byte{0, 0, 3, 1, 2, 2, 3, 1, 1, 1, 0, 4})
	m, _ := New(config.Masking{}, nil)
	f.Fuzz(func(t *testing.T, data []byte) {
		c := &choices{data: data}
		pick := func(list ...string) string { return list[c.next(len(list))] }

		link := pick("https", "postgres", "redis+tls") + "://" + pick("", "joe:"+url.QueryEscape(planted)+"@", planted[:3]+"7@") +
			pick("host", "host:80", "[::1]:80", "a,b:2") + pick("", "/", "/a//b", "/a@b") + "?" + c.form(2) +
			pick("", "&q=a+AND+"+pick("password", "my.api_key")+"%3A"+url.QueryEscape(planted)+"+b", "&q=password%3A%22"+url.QueryEscape(planted)+"%22", "&q=token:"+url.QueryEscape(planted)) + pick("", "#access_token="+url.QueryEscape(planted), "#a")
		if out := string(m.AppendURL(nil, link)); leaks(out) {
			t.Errorf("url\n in %q\nout %q", link, out)
		}
		if out := string(m.AppendEnvironment(nil, []string{"LINK=" + link, "LINKS=" + link + "," + link}, -1)); leaks(out) {
			t.Errorf("environment\n in %q\nout %q", link, out)
		}

		text := strings.ReplaceAll(planted, "'", "''")
		secret := func() string {
			return pick("'"+text+"'", plantedNumber, "E'"+text+"'", "$$"+planted+"$$", "lower('"+text+"')", "'"+text+"' || 'a'", "cast('"+text+"' as text)", "('"+text+"')",
				"case when 1 = 1 then '"+text+"' else 'b' end", "convert('"+text+"', 'x''y')", "-"+plantedNumber)
		}
		column := func() string {
			return pick("password", "u.api_key", `"access token"`, "`my_secret`", "[pwd]", "lower(password)", "data->>'token'", "u . `pwd`")
		}
		late := false // the column is named after the value, so that nothing may be cut off
		condition := func() string {
			switch c.next(7) {
			case 0:
				return column() + pick(" = ", "<>", " like ", " not like ", " >= ", " is not distinct from ") + secret()
			case 1:
				return column() + " in (" + secret() + ", " + secret() + ")"
			case 2:
				return "name = 'it''s' /* don't */"
			case 3:
				return column() + " between " + secret() + " and " + secret()
			case 4:
				return "(id, password) in ((1, " + secret() + "), (2, " + secret() + "))"
			case 5:
				late = true
				return "id in (select a from (values (1, " + secret() + "), (2, " + secret() + ")) " + pick("", "as ") + "d (id, password))"
			}
			return "id = (select id from t where " + column() + " = " + secret() + " limit 1)"
		}
		var sql string
		switch c.next(7) {
		case 5:
			late = true
			sql = "select " + pick("'"+text+"'", "N'"+text+"'", plantedNumber, "'"+text+"'::text") + " as " + pick("password", `"api_key"`) + ", set_config('app.token', " + secret() + ", false)"
		case 6:
			sql = "with d (a, password) as (values (1, " + secret() + ")) insert into t (a, password) (select 1, " + secret() + ")"
		case 0:
			sql = "select a, b from t where " + condition() + pick(" and ", " or ", " AND NOT ") + condition() + " order by a limit 10"
		case 1:
			sql = "insert into t (a, password, b) values (1, " + secret() + ", lower('x')), ('it''s', " + secret() + ", null)" +
				pick("", " on conflict (a) do update set password = "+secret(), " returning a")
		case 2:
			sql = "update t set a = 'b', password = " + secret() + ", api_key = " + secret() + " where " + condition()
		case 3:
			sql = pick("create user joe", "alter role joe with") + pick(" identified by ", " password ", " identified with 'p' by ", " identified by values ") + pick("", "E") + "'" + text + "'" + pick("", " valid until 'x'", " replace '"+text+"'")
		case 4:
			sql = "insert into t (password, a) select " + secret() + ", b from c where " + condition()
		}
		if c.next(2) == 1 {
			sql = sql + "; -- it's\n" + sql
		}
		if n := c.next(256); n > 0 && n < len(sql) && !late {
			sql = sql[:n]
		}
		if out := string(m.AppendSQL(nil, sql)); leaks(out) {
			t.Errorf("sql\n in %s\nout %s", sql, out)
		}
	})
}

func FuzzMessagesGiveNothingAway(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
	f.Add([]byte{9, 8, 3, 7, 2, 1, 6, 5, 0, 3, 11, 4})
	f.Add([]byte{13, 0, 1, 12, 1, 1, 14, 2, 2})
	m, _ := New(config.Masking{}, nil)
	const plain = "Zq7Xv9Wk3Yj5"
	f.Fuzz(func(t *testing.T, data []byte) {
		c := &choices{data: data}
		pick := func(list ...string) string { return list[c.next(len(list))] }
		quoted := func() string {
			return pick("'"+strings.ReplaceAll(planted, "'", `\'`)+"'", quoteJSON(planted), "b'"+plain+"'", "'"+plain+" "+plain+"'")
		}
		key := func() string { return pick("password", "db.password", "api_key", "X-Auth-Token", "secret") }
		part := func() string {
			switch c.next(15) {
			case 0:
				return key() + pick("=", " = ", ": ", " : ", " := ", "=>", " => ") + quoted()
			case 1:
				return key() + "=" + plain
			case 2:
				return key() + pick(": ", " = ", ":") + plain
			case 3:
				return pick("'", `"`) + "a" + pick("", "\n") + " {'" + key() + "': " + pick(quoted(), "["+quoted()+", 1]", "{'a': "+quoted()+"}", "Secret("+quoted()+")", plain) + "}"
			case 4:
				return `{\"` + key() + `\": \"` + plain + `\"}`
			case 5:
				return "postgres://joe:" + plain + pick("@h/a", "@h:5?a=b", "@h, b")
			case 6:
				return "https://h/a?" + key() + "=" + plain + pick("&a=b", "#a", "")
			case 7:
				return "--" + key() + pick(" ", "=") + plain
			case 8:
				return "['--" + key() + "', '" + plain + "']"
			case 9:
				return "Authorization: " + pick("Bearer ", "Basic ", "Token ") + plain
			case 10:
				return "Key (" + pick("", "id, ") + "password)=(" + pick("", "1, ") + planted + ") already exists."
			case 11:
				return "Duplicate entry '" + plain + "' for key 't." + pick("password", "token_UNIQUE") + "'"
			case 12:
				return "\n[SQL: INSERT INTO t (a, password) VALUES (?, ?)]\n[parameters: " + pick("("+quoted()[:0]+"'a(', '"+plain+"')", "[('a', '"+plain+"'), (')', '"+plain+"')]") + "]\n"
			case 13:
				return "\nLINE 1: SELECT 1 FROM t WHERE password " + pick("= ", "in (1, ") + "'" + plain + "'\n"
			}
			return "\na.password\n  bad [type=t, input_value='" + plain + "', input_type=str]\n"
		}
		text := pick("", "Traceback:\n  File \"a.py\", line 1, in f\n    x(\"p\")\nE: ")
		for n := c.next(4) + 1; n > 0; n-- {
			text += pick("bad ", "(", "no, ", "a: ", "\n", "1; ") + part() + pick(" over", ")", ", b", "\n", " token: no ")
		}
		for _, out := range []string{m.Message(text), m.Trace(text)} {
			if leaks(out) || strings.Contains(out, plain[:telling]) || strings.Contains(out, plain[len(plain)-telling:]) {
				t.Errorf("\n in %q\nout %q", text, out)
			}
		}
	})
}

func FuzzMessagesKeepTheirText(f *testing.F) {
	for _, text := range []string{
		"bad password=x: {'key': [1], \"token\": \"a\"} --secret b", "Traceback\n  File \"a\", line 1\n    key = 'x'\nE: key: a1", "[SQL: a=? b='c']\n[parameters: [('a', 1), (", "://a:b@c?key=d",
		"Key (key)=(a) already", "Duplicate entry 'a' for key 'key'", "key\n input_value=a", "-----BEGIN KEY-----a", "\nLINE 1: key = 1", `{\"key\": \"a\"}`, "Cookie: a", "key=b'\xff",
	} {
		f.Add(text)
	}
	m, _ := New(config.Masking{}, []string{"t_0123456789abcdef01234"})
	f.Fuzz(func(t *testing.T, text string) {
		for _, out := range []string{m.Message(text), m.Trace(text), m.Links(text)} {
			if !strings.ContainsAny(text, ":=") && !strings.Contains(text, "--") && !strings.Contains(text, "Duplicate entry") && out != text {
				t.Errorf("nothing is to be masked\n in %q\nout %q", text, out)
			}
			if len(out) > 7*len(text)+7 || utf8.ValidString(text) && !utf8.ValidString(out) {
				t.Errorf("\n in %q\nout %q", text, out)
			}
			// All that is left is of the text, in its order.
			left, rest := strings.NewReplacer("'****'", "", `"****"`, "", Mask, "").Replace(out), text
			for i := 0; i < len(left); i++ {
				n := strings.IndexByte(rest, left[i])
				if n < 0 {
					t.Fatalf("something was added at %d of %q\n in %q\nout %q", i, left, text, out)
				}
				rest = rest[n+1:]
			}
		}
		list := strings.Fields(text)
		m.Arguments(list)
	})
}

func FuzzCommandsGiveNothingAway(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4}, "a")
	f.Add([]byte{3, 1, 2, 0, 1, 1}, "-- it's\n")
	f.Add([]byte{5, 2, 1, 1, 0, 2}, "\\")
	m, _ := New(config.Masking{}, nil)
	f.Fuzz(func(t *testing.T, data []byte, text string) {
		m.AppendCommand(nil, []string{"EVAL", text, text})
		if text = strings.ReplaceAll(text, "\\", ""); strings.ContainsAny(text, "'\"-)\r\n") || len(text) > 1000 || leaks(text) {
			return // what is between is to be no code
		}
		c := &choices{data: data}
		pick := func(list ...string) string { return list[c.next(len(list))] }
		plain := planted[:telling+1]
		lua := pick("", "local a = 'b'\n", "-- it's\n") + "redis.call(" + pick("'AUTH', ", "\"set\", 'my:password', ", "'CONFIG', 'SET', 'masterauth', ") +
			pick("", "x, ") + text + "'" + plain + "'" + pick("", ", '"+plain+"')\nreturn 'a'", ")")
		var words []string
		switch c.next(7) {
		case 0:
			words = []string{pick("AUTH", "auth"), plain}
		case 1:
			words = []string{"HELLO", "3", "AUTH", text, plain}
		case 2:
			words = []string{"CONFIG", "SET", pick("requirepass", "masterauth", "tls-key-file-pass"), plain}
		case 3:
			words = []string{"CONFIG SET", pick("requirepass", "masterauth"), plain}
		case 4:
			words = []string{pick("ACL SETUSER", "acl setuser"), text, ">" + plain}
		case 5:
			words = []string{"ACL", "SETUSER", text, ">" + plain}
		case 6:
			words = append(strings.Split(pick("EVAL", "eval_ro", "SCRIPT LOAD", "SCRIPT|LOAD", "FUNCTION|LOAD", "FUNCTION|LOAD|REPLACE"), "|"), lua)
		}
		if out, _ := m.AppendCommand(nil, words); leaks(string(out)) {
			t.Errorf("\n in %q\nout %q", words, out)
		}
	})
}
