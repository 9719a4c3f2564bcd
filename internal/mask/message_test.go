package mask

import (
	"slices"
	"strings"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
)

func TestMessages(t *testing.T) {
	m := defaultMasker()
	for _, test := range []struct{ name, in, want string }{
		{"user-info", "could not connect to postgres://user:hunter2@db/x: refused", "could not connect to postgres://****@db/x: refused"},
		{"user-info that is cut", "could not connect to postgres://user:hunt", "could not connect to postgres://****"},
		{"query of a URL", "403 for url: https://h/a?token=hunter2&b=1", "403 for url: https://h/a?token=****&b=1"},
		{"query of a URL in brackets", "HTTPError('for https://h/a?token=hunter2'), (https://h/b('c')?key=hunter2)", "HTTPError('for https://h/a?token=****'), (https://h/b('c')?key=****)"},
		{"pair", "Invalid password=hunter2 for joe", "Invalid password=**** for joe"},
		{"pair of a word", "Invalid password=swordfish, user=joe", "Invalid password=****, user=joe"},
		{"pair in quotes", `login(user='joe', password='hun\'ter 2') failed`, `login(user='joe', password='****') failed`},
		{"bytes", `login(password=b'hunter2') failed`, `login(password=b'****') failed`},
		{"connection", "connection to host=db user=joe password=hunter2 failed", "connection to host=db user=joe password=**** failed"},
		{"with colon", "bad password: hunter2", "bad password: ****"},
		{"with colon, in quotes", "bad password: 'hunter 2'", "bad password: '****'"},
		{"among others", "bad {user: 'joe', password: 'swordfish'} {key: 'a'} {key:'b'}", "bad {user: 'joe', password: '****'} {key: '****'} {key:'****'}"},
		{"with a reason", "password=swordfish: wrong", "password=****: wrong"},
		{"with colon, no blank", "no hits for password:hunter2 AND a:b", "no hits for password:**** AND a:b"},
		{"long word", "bad token: abcdefghijklmnopqrstuvwxyz", "bad token: ****"},
		{"symbols", "bad password: p@ssword", "bad password: ****"},
		{"scheme", "sent Authorization: Bearer abc, again", "sent Authorization: ****, again"},
		{"digest", "sent Authorization: Digest username=\"a\"\nover", "sent Authorization: ****\"a\"\nover"},
		{"cookies", "sent Cookie: a=b; c=d\nover", "sent Cookie: ****\nover"},
		{"Python dict", `bad row {'name': 'joe', 'password': 'hunter2', "token": None, 'key': 12, 'secret': SecretStr('a b')}`,
			`bad row {'name': 'joe', 'password': '****', "token": None, 'key': ****, 'secret': SecretStr('****')}`},
		{"JSON", `bad body {"name": "joe", "credentials": {"a": [1, "}"]}, "b": 1}`, `bad body {"name": "joe", "credentials": ****, "b": 1}`},
		{"JSON in a string", `bad body "{\"password\": \"hunter2\", \"a\": 1}"`, `bad body "{\"password\": \"****\", \"a\": 1}"`},
		{"JSON over lines", "bad {\n  \"credentials\": {\n    \"a\": 1\n  },\n  \"b\": 2\n}", "bad {\n  \"credentials\": ****,\n  \"b\": 2\n}"},
		{"quote without end", "password='hunter2\nnext", "password='****\nnext"},
		{"bracket without end", "credentials={'a': 1\nnext", "credentials=****\nnext"},
		{"command as list", `Command '['mysql', '-u', 'joe', '--password', 'hunter2', '--host=db']' returned non-zero exit status 1.`,
			`Command '['mysql', '-u', 'joe', '--password', '****', '--host=db']' returned non-zero exit status 1.`},
		{"command", "exit status 1: mysql --password hunter2 --user joe", "exit status 1: mysql --password **** --user joe"},
		{"command with =", "exit status 1: mysql --db-password=swordfish db", "exit status 1: mysql --db-password=**** db"},
		{"PostgreSQL names columns", "duplicate key value violates unique constraint \"u_token\"\nDETAIL:  Key (id, token)=(1, hun(ter2) already exists.",
			"duplicate key value violates unique constraint \"u_token\"\nDETAIL:  Key (id, token)=(****) already exists."},
		{"PostgreSQL quotes the statement", "syntax error at or near \"x\"\nLINE 1: SELECT 1 FROM u WHERE password IN ('hunter2') x\n   ^",
			"syntax error at or near \"x\"\nLINE 1: SELECT 1 FROM u WHERE password IN ('****') x\n   ^"},
		{"MySQL names the key after it", `(1062, "Duplicate entry 'hunter2' for key 'users.token'")`, `(1062, "Duplicate entry '****' for key 'users.token'")`},
		{"SQLAlchemy", "no\n[SQL: INSERT INTO u (name, password) VALUES (?, ?)]\n[parameters: ('joe, (x)', 'hunter2')]\n(Background on this error at: https://sqlalche.me/e/20/gkpj)",
			"no\n[SQL: INSERT INTO u (name, password) VALUES (?, ?)]\n[parameters: ('joe, (x)', '****')]\n(Background on this error at: https://sqlalche.me/e/20/gkpj)"},
		{"SQLAlchemy, many", "no\n[SQL: UPDATE u SET password=%s WHERE id=%s]\n[parameters: [('a', 1), ('b', 2)  ... displaying 3 of 9 total bound parameter sets ...  ('c', 3)]]",
			"no\n[SQL: UPDATE u SET password=%s WHERE id=%s]\n[parameters: [('****', 1), ('****', 2)  ... displaying 3 of 9 total bound parameter sets ...  ('****', 3)]]"},
		{"SQLAlchemy, by name", "no\n[SQL: SELECT 1 FROM u WHERE password = 'x' AND a = %(a)s]\n[parameters: {'a': 1, 'password_1': 'hunter2'}]",
			"no\n[SQL: SELECT 1 FROM u WHERE password = '****' AND a = %(a)s]\n[parameters: {'a': 1, 'password_1': '****'}]"},
		{"pydantic", "1 validation error for Login\nuser.password\n  String should have at least 9 characters [type=string_too_short, input_value='hunter2', input_type=str]",
			"1 validation error for Login\nuser.password\n  String should have at least 9 characters [type=string_too_short, input_value=****, input_type=str]"},
		{"PEM", "cannot read\n-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n!", "cannot read\n-----BEGIN PRIVATE KEY-----****-----END PRIVATE KEY-----\n!"},
	} {
		if got := m.Message(test.in); got != test.want {
			t.Errorf("%s:\n got %q\nwant %q", test.name, got, test.want)
		}
		if got := m.Trace("Traceback (most recent call last):\n  File \"a.py\", line 1, in <module>\n    f()\n" + test.in); !strings.HasSuffix(got, test.want) {
			t.Errorf("%s, in a stack trace:\n got %q\nwant %q", test.name, got, test.want)
		}
	}
}

func TestMessagesThatStay(t *testing.T) {
	m := defaultMasker()
	for _, s := range []string{
		"", "no", "KeyError: 'password'", "ExpiredSignatureError: Signature has expired", "app.TokenError: 'x1'",
		"failed to parse private key: x509: malformed certificate 7", "invalid token: unexpected EOF", "get secret: permission denied", "idtoken: ES256 not supported", "unsupported key: option.WithImpersonatedCredentials", "short password: ab1",
		"password: required", "unknown key: 'colour'", `invalid token: "end of file"`, "must be of the form key=value", "OAuth token: Token Empty", "got cookies: none", "max tokens: 4096", "token: NotFound", "bad key: user_id", "api_key: client-id.",
		"open /etc/token.json: no such file", "open /run/db_password:7: denied", "/app/token.go:1234567 +0x1d",
		"cannot read key: /etc/ssl/private/key-1.pem", `C:\keys\token: 123456`,
		"use --password to set it", `add_argument("--password", "-p")`, "use --token, or --key", "password=None token=null key=true", "key=", "key:", "token:\n123456", "a::token::b1",
		"KeyError('password')", "unexpected keyword argument 'token'", "Signature verification failed", "the key is 1234567",
		"WHERE password=? AND token=$1 AND key=%s", "missing keys: ['a1', 'b2']", "https://h:8080/a/b?c=d", "see http://h:8080.", "tcp://a:1,b:2",
		"Key (email)=(joe@example.com) already exists.", "Duplicate entry 'joe' for key 'users.name'", "Duplicate entry 'joe' for",
		"SELECT a FROM b WHERE c = 'd'", `call to key(a="b")`, "password=get_password()", "2026-11-25 10:30:00,123 ok",
		"n\n  bad [type=t, input_value='x', input_type=str]", "password mismatch", "token != abc123", "expected ':' after key",
		"access denied for user 'joe'@'h' (using password: YES)", "goroutine 1 [running]:\nmain.(*Key).Token(0xc000012345, {0x1, 0x2})\n\t/app/key.go:17 +0x1d\n",
		"[SQL: SELECT a FROM b WHERE c = ?]\n[parameters: ('d',)]", "[SQL: ", "[SQL: x]\n[parameters: (", "[SQL: x]\n[parameters: [",
	} {
		if got := m.Message(s); got != s {
			t.Errorf("%q has become %q", s, got)
		}
		if got := m.Trace(s); got != s {
			t.Errorf("%q has become %q as a stack trace", s, got)
		}
	}
}

func TestTraces(t *testing.T) {
	m := defaultMasker()
	for _, test := range []struct{ name, in, want string }{
		{"lines of source", `Traceback (most recent call last):
  File "/app/token.py", line 12, in login
    token = get_token(key=1234567, secret=secret1)
            ^^^^^^^^^^^
  File "/app/b.py", line 3, in get_token
    connect("postgres://joe:hunter2@db/x", password="hunter2", key=f"{key}")
  File "/app/c.py", line 4, in dump
    run(["dump", "--password", "hunter2", f"--token={secret1}"])  # --password hunter2
  [Previous line repeated 990 more times]
app.InvalidToken: token=swordfish

The above exception was the direct cause of the following exception:

  + Exception Group Traceback (most recent call last):
  |   File "c.py", line 1, in <module>
  |     password: str = hunter2
  | ExceptionGroup: password=hunter2
`, `Traceback (most recent call last):
  File "/app/token.py", line 12, in login
    token = get_token(key=1234567, secret=secret1)
            ^^^^^^^^^^^
  File "/app/b.py", line 3, in get_token
    connect("postgres://****@db/x", password="****", key=f"{key}")
  File "/app/c.py", line 4, in dump
    run(["dump", "--password", "****", f"--token={secret1}"])  # --password hunter2
  [Previous line repeated 990 more times]
app.InvalidToken: token=****

The above exception was the direct cause of the following exception:

  + Exception Group Traceback (most recent call last):
  |   File "c.py", line 1, in <module>
  |     password: str = hunter2
  | ExceptionGroup: password=****
`},
	} {
		if got := m.Trace(test.in); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.name, got, test.want)
		}
	}
}

func TestMessagesByOtherPatterns(t *testing.T) {
	for _, test := range []struct{ setting, in, want string }{
		{"all", "password=hunter2 at postgres://joe:hunter2@db", "****"},
		{"all", "", ""},
		{`["card"]`, "password=hunter2 card=1234 mycard=5 postgres://joe:hunter2@db", "password=hunter2 card=**** mycard=5 postgres://****@db"},
		{"[]", "password=hunter2 postgres://joe:hunter2@db", "password=hunter2 postgres://****@db"},
	} {
		c, _ := config.Parse([]string{"LUMIGO_SECRET_MASKING_REGEX=" + test.setting})
		m, _ := New(c.Masking, nil)
		for _, mask := range []func(string) string{m.Message, m.Trace} {
			if got := mask(test.in); got != test.want {
				t.Errorf("%s: %q has become %q, want %q", test.setting, test.in, got, test.want)
			}
		}
	}
	m := defaultMasker(benchmarkToken)
	if got, want := m.Message("sent "+benchmarkToken), "sent ****"; got != want {
		t.Errorf("the token: %q", got)
	}
}

func TestLinks(t *testing.T) {
	m := defaultMasker()
	for in, want := range map[string]string{
		"from amqp://joe:hunter2@a to amqp://b/?key=x": "from amqp://****@a to amqp://b/?key=****",
		"password=hunter2": "password=hunter2",
	} {
		if got := m.Links(in); got != want {
			t.Errorf("%q has become %q, want %q", in, got, want)
		}
	}
}

func TestArguments(t *testing.T) {
	m := defaultMasker()
	for _, test := range []struct{ in, want string }{
		{"mysql --password hunter2 -u joe", "mysql --password **** -u joe"},
		{"mysql --password=swordfish db", "mysql --password=**** db"},
		{"x -token --password -v", "x -token --password -v"},
		{"x password hunter2 postgres://joe:hunter2@db --key-file=a b", "x password hunter2 postgres://****@db --key-file=**** b"},
		{"x", "x"},
	} {
		list := strings.Fields(test.in)
		masked := m.Arguments(list)
		if got := strings.Join(list, " "); got != test.want || masked != (got != test.in) {
			t.Errorf("%q has become %q, masked %t; want %q", test.in, got, masked, test.want)
		}
	}
	all, _ := New(config.Masking{General: config.Patterns{Text: "all", IsSet: true}}, nil)
	if list := []string{"a", "b"}; !all.Arguments(list) || !slices.Equal(list, []string{Mask, Mask}) {
		t.Errorf("all: %q", list)
	}
}
