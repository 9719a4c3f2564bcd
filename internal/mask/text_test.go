package mask

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
)

// TestTextBodies has bodies that are neither JSON nor forms. What is to be masked
// reads Zq7Xv9; each body is also cut at every place.
func TestTextBodies(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"XML", `<a><user>joe</user><password hint="Zq7Xv9">Zq7Xv9</password><b/></a>`, `<a><user>joe</user><password hint="****">****</password><b/></a>`},
		{"namespaces", `<s:Authorization>Zq7Xv9</s:Authorization><x>1</x>`, `<s:Authorization>****</s:Authorization><x>1</x>`},
		{"what is below", `<credentials><a>Zq7Xv9</a><credentials>Zq7Xv9</credentials>Zq7Xv9</credentials><b>c</b>`, `<credentials>****</credentials><b>c</b>`},
		{"CDATA and comments", `<password><![CDATA[Zq7Xv9</password>Zq7Xv9]]><!-- </password> -->Zq7Xv9</password><b>c</b>`, `<password>****</password><b>c</b>`},
		{"within CDATA", `<data><![CDATA[<password>Zq7Xv9</password>]]></data>`, `<data><![CDATA[<password>****</password>]]></data>`},
		{"no content", `<password/><a key="">b</a><password></password>`, `<password/><a key="">b</a><password></password>`},
		{"attributes", `<a user='joe' api-key='Zq7Xv9' d:pwd = "Zq7>Xv9" token=Zq7Xv9 x>text</a>`, `<a user='joe' api-key='****' d:pwd = "****" token=****</a>`},
		{"named by an attribute", `<add key="ApiKey" value="Zq7Xv9"/><entry key="db.password">Zq7Xv9</entry><entry key="a">b</entry>`, `<add key="****" value="****"/><entry key="****">****</entry><entry key="****">b</entry>`},
		{"a form in HTML", `<form><input value="Zq7Xv9" type=hidden name="csrf_token"> <input type="password" value="Zq7Xv9"><p>text</p>`, `<form><input value="****" type=hidden name="csrf_token"> <input type="password" value="****"><p>text</p>`},
		{"meta", `<meta name="csrf-token" content="Zq7Xv9"><p id="keynote" class="x">text</p>`, `<meta name="csrf-token" content="****"><p id="keynote" class="****">text</p>`},
		{"a property list", "<dict><key>user</key><string>joe</string>\n<key>password</key>\n<string>Zq7Xv9</string><key>a</key><string>b</string></dict>",
			"<dict><key>****</key><string>joe</string>\n<key>****</key>\n<string>****</string><key>****</key><string>b</string></dict>"},
		{"XML-RPC", `<member><name>password</name><value><string>Zq7Xv9</string></value></member><member><name>a</name><value>b</value></member>`,
			`<member><name>password</name><value>****</value></member><member><name>a</name><value>b</value></member>`},
		{"rows in HTML", `<tr><td><b>Password:</b></td><td class=x>Zq7Xv9</td></tr><tr><td>a</td><td>b</td></tr>`, `<tr><td><b>Password:</b></td><td class=****>****</td></tr><tr><td>a</td><td>b</td></tr>`},
		{"text in HTML", `<p><b>Password:</b> Zq7Xv9</p><p>text</p>`, `<p><b>Password:</b> ****</p><p>text</p>`},
		{"a script in HTML", `<script>var x = {apiKey: "Zq7Xv9", a: "b"}</script>`, `<script>var x = {apiKey: "****", a: "b"}</script>`},
		{"escaped XML", `<a>&lt;password&gt;Zq7Xv9&lt;/password&gt;</a><b>c</b>`, `<a>&lt;password&gt;****&lt;/password&gt;</a><b>c</b>`},
		{"JSON in an attribute", `<a data-x="{&quot;apiKey&quot;:&#34;Zq7Xv9&quot;}">b</a>`, `<a data-x="{&quot;apiKey&quot;: &quot;****&quot;}">b</a>`},
		{"a link", `<a href="/reset?token=Zq7Xv9">b</a>`, `<a href="/reset?token=****">b</a>`},
		{"XML that ends early", `<a><user>joe</user><password>Zq7Xv9`, `<a><user>joe</user><password>****`},
		{"a quote without an end", `<a x="><password>Zq7Xv9</password>`, `<a x="><password>****</password>`},
		{"comparisons", `if a < b then c > d`, `if a < b then c > d`},

		{"CSV", "user,password,age\njoe,Zq7Xv9,7\n\"Ann \"\"B\"\", C\",\"Zq7Xv9,\nZq7Xv9\",8\n", "user,password,age\njoe,****,7\n\"Ann \"\"B\"\", C\",****,8\n"},
		{"quoted headers", "\"user\",\"password\"\n\"joe\",\"Zq7Xv9\"\n", "\"user\",\"password\"\n\"joe\",****\n"},
		{"semicolons", "user;API Key\r\njoe;Zq7Xv9\r\n", "user;API Key\r\njoe;****\r\n"},
		{"tabs", "user\tcookie\nj o e\tZq7Xv9\n", "user\tcookie\nj o e\t****\n"},
		{"a table of text", "| user | password |\n|---|---|\n| joe | Zq7Xv9 |\n", "| user | password |\n|---|****|\n| joe |****|\n"},
		{"too many cells", "user,password,age\njoe,Zq7Xv9,x,7\nann,Zq7Xv9,8", "user,password,age\njoe,****\nann,****,8"},
		{"a quote without an end in CSV", "user,password\n\"joe,Zq7Xv9\nann,Zq7Xv9\n", "user,password\n\"joe,****\nann,****\n"},
		{"one column", "token\nZq7Xv9\nZq7Xv9\n", "token\n****\n****\n"},
		{"lines before the header", "sep=,\nuser,password\njoe,Zq7Xv9\n", "sep=,\nuser,password\njoe,****\n"},
		{"no secrets in CSV", "user,age\njoe,7\n", "user,age\njoe,7\n"},

		{"lines", "user: joe\npassword: Zq7Xv9, Zq7Xv9\nage: 7\n", "user: joe\npassword: ****\nage: 7\n"},
		{"an environment", "export A=b\nexport API_KEY=Zq7Xv9; Zq7&x=Xv9\nDB=c\n", "export A=b\nexport API_KEY=****\nDB=c\n"},
		{"headers", "Host: a\r\nAuthorization:Bearer Zq7Xv9, Zq7Xv9\r\n Zq7Xv9\r\nAccept: b\r\n", "Host: a\r\nAuthorization:****\r\nAccept: b\r\n"},
		{"a key of many words", "- **Secret access key** (new): Zq7Xv9\n- Name: joe", "- **Secret access key** (new): ****\n- Name: joe"},
		{"YAML", "a: b\ncredentials:\n  - Zq7Xv9\n\n  - x: Zq7Xv9\ntokens:\n- Zq7Xv9\n- Zq7Xv9\nc: d\n", "a: b\ncredentials:\n  ****\ntokens:\n****\nc: d\n"},
		{"a block in YAML", "  key: |\n    Zq7Xv9\n\n    Zq7Xv9\n  a: b\n", "  key: ****\n  a: b\n"},
		{"quotes in YAML", "password: 'Zq7''Xv9' # why\nkey: \"Zq7\n  Xv9\"\na: b\n", "password: '****' # why\nkey: \"****\"\na: b\n"},
		{"null in YAML", "password:\nuser: joe\n", "password:\nuser: joe\n"},
		{"on the next line", "Your password:\n\n  Zq7Xv9\n\nBye", "Your password:\n\n  ****\n\nBye"},
		{"continued", "password = Zq7Xv9\\\nZq7Xv9\na = b\n", "password = ****\na = b\n"},
		{"sections", "[a]\nb = c\n[secrets]\nx = Zq7Xv9\nZq7Xv9\n[d]\ne = f\n", "[a]\nb = c\n[secrets]\n****\n[d]\ne = f\n"},
		{"sections that come first", "[secrets]\nx = Zq7Xv9\n[d]\ne = f\n", "[secrets]\n****\n[d]\ne = f\n"},
		{"strings in TOML", "password = \"\"\"\nZq7Xv9\nZq7Xv9\"\"\"\na = 1\n", "password = \"****\"\na = 1\n"},
		{"LDIF", "uid: joe\nuserPassword:: Zq7Xv9\n Zq7Xv9\ncn: x\n", "uid: joe\nuserPassword:: ****\ncn: x\n"},
		{"a private key", "a\n-----BEGIN RSA PRIVATE KEY-----\nZq7Xv9\nZq7Xv9\n-----END RSA PRIVATE KEY-----\nb\n", "a\n-----BEGIN RSA PRIVATE KEY-----****-----END RSA PRIVATE KEY-----\nb\n"},
		{"a log line", "10:30 INFO login token=Zq7Xv9 Zq7Xv9", "10:30 INFO login token=****"},
		{"quoted in a log line", "10:30 curl -H \"Authorization: Bearer Zq7Xv9\" http://a", "10:30 curl -H \"Authorization: ****\" http://a"},
		{"events", "event: a\ndata: {\"password\": \"Zq7Xv9\", \"b\": 1}\n\n", "event: a\ndata: {\"password\": \"****\", \"b\": 1}\n\n"},
		{"no keys", "Dear all,\nthis is a text: nothing else, = really.\n", "Dear all,\nthis is a text: nothing else, = really.\n"},

		{"lines of JSON", "{\"a\":1,\"password\":\"Zq7Xv9\"}\n{\"password\":\"Zq7Xv9\"}\n", "{\"a\": 1, \"password\": \"****\"}\n{\"password\": \"****\"}"},
		{"lines of JSON, one broken", "{\"a\":1}\n{\"password\":\"Zq7Xv9\"\n{\"password\":\"Zq7Xv9\"}\n", "{\"a\": 1}\n{\"password\": \"****\"\n{\"password\":\"****\"}\n"},

		{"a multipart form with XML in it", "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n<a><password>Zq7Xv9</password></a>\r\n--b\r\nContent-Disposition: form-data; name=\"a\\\"password\"\r\n\r\nZq7Xv9\r\n--b--",
			"--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n<a><password>****</password></a>\r\n--b\r\nContent-Disposition: form-data; name=\"a\\\"password\"\r\n\r\n****\r\n--b--"},
		{"other multipart bodies", "--b\nContent-Type: application/json\n\n{\"password\": \"Zq7Xv9\"}\n--b\nContent-Type: text/csv\n\na,password\nb,Zq7Xv9\n--b--",
			"--b\nContent-Type: application/json\n\n{\"password\": \"****\"}\n--b\nContent-Type: text/csv\n\na,password\nb,****\n--b--"},

		{"UTF-16", utf16LE("<a><password>Zq7Xv9</password></a>"), "<a><password>****</password></a>"},
		{"Latin-1", "<a><password>Zq7\xc9Xv9 Zq7Xv9</password>\xe9</a>", "<a><password>****</password>\ufffd</a>"},
		{"MessagePack", "\x82\xa4user\xa3joe\xa8password\xa6Zq7Xv9", "0x82a475736572a36a6f65a870617373776f7264****"},
		{"BSON", "\x1f\x00\x00\x00\x02password\x00\x07\x00\x00\x00Zq7Xv9\x00\x00", "0x1f0000000270617373776f7264****"},
	}
	m := defaultMasker()
	for _, test := range tests {
		if got := string(m.AppendBody(nil, RequestBodies, []byte(test.in), false, 2048)); got != test.want {
			t.Errorf("%s:\n  in %q\n got %q\nwant %q", test.name, test.in, got, test.want)
		}
		for n := range test.in {
			if got := string(m.AppendBody(nil, RequestBodies, []byte(test.in[:n]), true, 2048)); strings.Contains(got, "Zq7") || strings.Contains(got, "Xv9") {
				t.Errorf("%s, cut:\n  in %q\n got %q", test.name, test.in[:n], got)
			}
		}
	}
}

func utf16LE(s string) string {
	b := []byte("\xff\xfe")
	for _, unit := range utf16.Encode([]rune(s)) {
		b = append(b, byte(unit), byte(unit>>8))
	}
	return string(b)
}

// FuzzNoSecretSurvivesInText makes bodies of all the kinds of text, in which
// secrets stand below keys that match.
func FuzzNoSecretSurvivesInText(f *testing.F) {
	for kind := range byte(8) {
		f.Add([]byte{kind, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, uint16(0), int16(-1))
		f.Add([]byte{kind, 7, 5, 3, 1, 0, 2, 4, 6, 8, 9, 7, 5, 3, 1, 2, 2, 2}, uint16(60), int16(100))
	}
	m, _ := New(config.Masking{}, nil)
	f.Fuzz(func(t *testing.T, data []byte, cut uint16, limit int16) {
		c := &choices{data: data}
		body := c.text(0)
		if len(body) > 1<<16 {
			t.Skip()
		}
		truncated := cut > 0 && int(cut) < len(body)
		if truncated {
			body = body[:cut]
		}
		for _, body := range []string{body, "\ufeff" + body, "\r\n" + body, utf16LE(body), body + "\xe9"} {
			out := string(m.AppendBody(nil, ResponseBodies, []byte(body), truncated, int(limit)))
			if digits, ok := strings.CutPrefix(out, "0x"); ok {
				raw, _ := hex.DecodeString(digits[:len(digits)&^1])
				out += string(raw)
			}
			if leaks(out) {
				t.Errorf("truncated %v, limit %d\n in %q\nout %q", truncated, limit, body, out)
			}
		}
	})
}

// text makes a text of some kind.
func (c *choices) text(depth int) string {
	if depth > 2 {
		return "text"
	}
	switch c.next(8) {
	case 0:
		return c.pick("<?xml version='1.0'?>", "<!DOCTYPE html>\n", "") + c.element(depth)
	case 1:
		return c.table()
	case 2, 3:
		return c.lines()
	case 4:
		boundary := fmt.Sprint("--b", depth)
		text := boundary + "\r\nContent-Type: text/plain\r\n\r\n" + c.text(depth+1) + "\r\n" + boundary
		text += "\r\nContent-Disposition: form-data; name=" + c.pick(`"password"`, "password", `"x\"password"`) + "\r\n\r\n" + planted + "\r\n" + boundary
		return text + "\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n" + c.text(depth+1) + "\r\n" + boundary + "--\r\n"
	case 5:
		return "<a x=\"1\">" + escapeEntities(c.text(depth+1)) + "</a>"
	case 6:
		lines := ""
		for range c.next(4) + 1 {
			lines += "{" + c.quote(c.key()) + ": " + c.quote(planted) + c.pick("}", "", ", oops}") + "\n"
		}
		return lines
	}
	return "a text\n" + c.pick("", "\n") + c.lines()
}

func (c *choices) pick(list ...string) string { return list[c.next(len(list))] }

func (c *choices) key() string {
	return c.pick("password", "Api_Key", "x-client-SECRET", "access_token", "Cookie", "authorization", "user.pwd")
}

func (c *choices) element(depth int) string {
	if depth > 4 {
		return "x"
	}
	q := `"`
	name := c.pick("a", "ns:b", "p", "Td")
	open := "<" + name + c.pick("", " x='1'", "\n y = \"<b>\"", " z") + ">"
	inside := c.pick(planted, "<![CDATA["+planted+"]]>", "<x>"+planted+"</x><x/>"+planted, "<!-- "+planted+" -->", " <x y='"+strings.ReplaceAll(planted, "'", "")+"'/> ")
	switch c.next(8) {
	case 0:
		key := c.key()
		return "<" + key + ">" + inside + "</" + key + ">"
	case 1:
		return "<soap:" + c.key() + " x='1'>" + inside + "</b>" + c.element(depth+1)
	case 2:
		return "<x " + c.pick("a=1 ", "") + c.key() + c.pick("=", " = ") + q + planted + q + c.pick("/>", ">", " b='1'/>")
	case 3:
		return "<input value=" + q + planted + q + " name=" + c.pick(c.key(), q+c.key()+q) + ">"
	case 4:
		return "<entry " + c.pick("key", "name", "Name") + "='" + c.key() + "'>" + inside + "</entry>"
	case 5:
		tag := c.pick("key", "name", "td", "Key")
		return "<" + tag + ">" + c.pick("", "<b>", "<b x='y'> ") + c.key() + c.pick("", "</b>") + "</" + tag + ">" + c.pick("", "\n ", "text") + "<string>" + inside + "</string>"
	case 6:
		return open + c.element(depth+1) + c.element(depth+1) + "</" + name + ">"
	}
	return open + "text &amp; <!-- comment -->" + c.element(depth+1) + "</" + name + ">"
}

func (c *choices) table() string {
	d := c.pick(",", ";", "\t", "|")
	newline := c.pick("\n", "\r\n")
	columns := c.next(3) + 1
	secret := c.next(columns)
	var b strings.Builder
	for row := range c.next(4) + 2 {
		for column := range columns {
			cell := c.pick("a", "7", "", `"x"`, `"a""b"`, `"a`+d+`b"`, `"a`+newline+`b"`)
			switch {
			case column == secret && row == 0:
				cell = c.pick("", `"`) + c.key()
				if cell[0] == '"' {
					cell += `"`
				}
			case row == 0:
				cell = fmt.Sprint("n", column)
			case column == secret:
				cell = c.pick(planted, `"`+planted+`"`, `"`+planted+d+planted+`"`, `"`+planted+newline+`""`+planted+`"`)
			}
			if column > 0 {
				b.WriteString(d)
			}
			b.WriteString(cell)
		}
		b.WriteString(newline)
	}
	return b.String()
}

func (c *choices) lines() string {
	newline := c.pick("\n", "\r\n")
	var b strings.Builder
	for range c.next(5) + 1 {
		in := c.pick("", "  ", "\t")
		quote := c.pick("", `"`, "**")
		key := c.pick("", "export ", "- ", "# ", "My ") + quote + c.key() + quote
		switch c.next(9) {
		case 0:
			b.WriteString(in + key + c.pick(": ", ":", " : ", " := ") + c.pick(planted, "Bearer "+planted+", "+planted, "'"+strings.ReplaceAll(planted, "'", "''")+"'"))
		case 1:
			b.WriteString(in + key + c.pick("=", " = ", "= ") + c.pick(planted, planted+" "+planted, planted+"; "+planted+"&"+planted))
		case 2:
			b.WriteString(in + key + ":" + c.pick("", " |", " >-", " x") + newline + in + "  " + planted + newline + c.pick("", newline) + in + "    " + planted)
		case 3:
			b.WriteString(in + key + ":" + newline + in + "- " + planted + newline + in + "- a: " + planted)
		case 4:
			b.WriteString("[" + c.key() + "]" + newline + "a = " + planted + newline + planted + newline + "[next]")
		case 5:
			b.WriteString("-----BEGIN RSA PRIVATE KEY-----" + newline + planted + newline + planted + newline + "-----END RSA PRIVATE KEY-----")
		case 6:
			b.WriteString(in + "12:30:07 INFO it is " + c.key() + c.pick("=", ": ", ":") + planted + " " + planted)
		case 7:
			b.WriteString(in + "name" + c.pick(": ", "=") + "joe")
		case 8:
			b.WriteString(in + key + " = " + planted + "\\" + newline + planted)
		}
		b.WriteString(newline)
	}
	return b.String()
}
