package mask

import (
	"strings"
	"testing"
)

// TestHostileInputTakesLinearTime asserts nothing about time: were any of this
// quadratic, it would not end before the test's deadline.
func TestHostileInputTakesLinearTime(t *testing.T) {
	m := defaultMasker("t_0123456789abcdef01234")
	units := []string{
		`"`, `\"`, `"\"`, `'`, `a"`, `{`, `[`, `(`, `{"a":`, `{"key":`, `["`, `a=1;`, `a={;`, `a={&`, `a=%7B;`, `://a:b/`, `//`, `http://a:b://`,
		`?a=b#`, `$a$`, `$`, `[a`, `(a,`, `case `, `end `, `x'`, "`", `/*`, `--`, `\`, `\u`, `\\`, ` `, `{"a":"{\"b\":`, `password`, `password:`, `key `,
		`a":`, `'a':'`, `"[\"`, `a:@`, `://a:b@`, `%`, `password=(`, `{'a`, `{'password':{'`, `a.`, `a in ((`, `%(`, "\xff",
		"--x\r\ncontent-disposition: form-data; name=a\r\n\r\n", "t_0123456789abcdef0123",
		"<", "<a>", "<a ", "<a b='", `<a b="`, "<a b=c ", "</a>", "<password>", "<td>", "<td>password", "<key>key</key>", "<!--", "<![CDATA[", "&lt;", "&amp;lt;a", "<a>&lt;\n", "<p>\n",
		"key:<", "password:\n", "password:\n\n", "password\n", "- ", "[key]\n", "[a]\n", "-----BEGIN ", "-----BEGIN KEY-----", "key|", "key,a\n", "key,a\n\"", ",\"\"", "a:\\\n", " \n", "\n",
		"key='", "key='\n", "key={", "key={\n", "key: {'", "(key)=(", "(key)=(\n", "--key ", "--key '", "'--key', ", "cookie=", "key=a(", "key=(\n",
		"[SQL: ", "[SQL: ]\n", "[SQL: x=?]\n[parameters: (", "(1),", "\nLINE 1: ", "Duplicate entry '", "' for key '", "key\n input_value=", "  File \"\n",
		"(values (", "(values (1)) d (key) ", "(key) values ? ", "1 as key ", "1::a as key,", "set_config('key',", "identified by a ", "'a=b' ", "'[SQL: ", "as (",
		"a=b:?", "a=b%3A;", "a=b:&", "a=b://c?",
		"a://b:c", "a://b:c,", "key=b'", "key: Bearer ", "=", "==", ":=", "key=",
	}
	for _, unit := range units {
		repeated := strings.Repeat(unit, 50_000/len(unit))
		for _, prefix := range []string{"<a>", "a,key\n", "a\n"} {
			m.AppendBody(nil, General, []byte(prefix+repeated), true, -1)
		}
		for _, prefix := range []string{"", `{"a":"`, "https://", "[x ", "[SQL: key=?]\n[parameters: ["} {
			text := prefix + repeated
			w := m.NewWriter(General, -1)
			w.String(text)
			m.AppendBody(nil, General, []byte(text), true, -1)
			m.AppendURL(nil, text)
			m.AppendQuery(nil, text)
			m.AppendSQL(nil, text)
			m.SQLParameterNames(text, 2)
			m.Message(text)
			m.Trace(text)
		}
	}
}
