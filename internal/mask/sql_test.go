package mask

import (
	"slices"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
)

func defaultMasker(secrets ...string) *Masker {
	m, _ := New(config.Masking{}, secrets)
	return m
}

func TestAppendSQL(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"compared", `SELECT * FROM users WHERE name = 'joe' AND password = 'x'`, `SELECT * FROM users WHERE name = 'joe' AND password = '****'`},
		{"compared with its table's name", `SELECT 1 FROM u WHERE u.api_key='x' AND u.id=5`, `SELECT 1 FROM u WHERE u.api_key='****' AND u.id=5`},
		{"a table is no column", `DELETE FROM api_keys WHERE id = 5`, `DELETE FROM api_keys WHERE id = 5`},
		{"a table before a dot is no column", `SELECT * FROM keys WHERE keys.id = 5`, `SELECT * FROM keys WHERE keys.id = 5`},
		{"the other way round", `SELECT 1 WHERE 'x' = u.password AND 'y' = name`, `SELECT 1 WHERE '****' = u.password AND 'y' = name`},
		{"not equal, in every spelling", `password <> 'x' OR password != 'y' OR password <=> 'z' OR 1 = 2`, `password <> '****' OR password != '****' OR password <=> '****' OR 1 = 2`},
		{"like", `WHERE password NOT LIKE 'x%' AND name LIKE 'j%'`, `WHERE password NOT LIKE '****' AND name LIKE 'j%'`},
		{"in a list", `WHERE token IN ('a', 'b', 3) AND id IN (1, 2)`, `WHERE token IN ('****', '****', '****') AND id IN (1, 2)`},
		{"between", `WHERE pass_no BETWEEN 10 AND 20 AND id = 3`, `WHERE pass_no BETWEEN '****' AND '****' AND id = 3`},
		{"set", `UPDATE users SET name='joe', password='x', age=3 WHERE id=7`, `UPDATE users SET name='joe', password='****', age=3 WHERE id=7`},
		{"set to an expression", `UPDATE u SET password = crypt('x', gen_salt('bf', 8)) || 'y', a = 'b'`, `UPDATE u SET password = crypt('****', gen_salt('****', '****')) || '****', a = 'b'`},
		{"set by case", `UPDATE u SET password = CASE WHEN a = 1 THEN 'x' ELSE 'y' END, b = 'c'`, `UPDATE u SET password = CASE WHEN a = '****' THEN '****' ELSE '****' END, b = 'c'`},
		{"inserted", `INSERT INTO users (name, password) VALUES ('joe', 'x'), ('ann', 'it''s')`, `INSERT INTO users (name, password) VALUES ('joe', '****'), ('ann', '****')`},
		{"inserted by an expression", `INSERT INTO u (a, password, b) VALUES (f('p','q'), md5(concat('x','y')), 'z')`, `INSERT INTO u (a, password, b) VALUES (f('p','q'), md5(concat('****','****')), 'z')`},
		{"inserted from a select", `INSERT INTO u (a, password) SELECT 'p', 'q' FROM t WHERE c = 'd'`, `INSERT INTO u (a, password) SELECT 'p', '****' FROM t WHERE c = 'd'`},
		{"inserted, quoted names", "INSERT INTO `u` (`name`, `pass word`) VALUES (\"joe\", \"x\")", "INSERT INTO `u` (`name`, `pass word`) VALUES (\"joe\", \"****\")"},
		{"inserted, names in brackets", `INSERT INTO [u] ([name], [password]) VALUES (N'joe', N'x')`, `INSERT INTO [u] ([name], [password]) VALUES (N'joe', N'****')`},
		{"inserted, or else updated", `INSERT INTO u (id, token) VALUES (1, 'x') ON DUPLICATE KEY UPDATE token = 'x', n = 2`, `INSERT INTO u (id, token) VALUES (1, '****') ON DUPLICATE KEY UPDATE token = '****', n = 2`},
		{"on conflict", `INSERT INTO u (id, token) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET token = 'x' WHERE u.id = 4`, `INSERT INTO u (id, token) VALUES (1, '****') ON CONFLICT (id) DO UPDATE SET token = '****' WHERE u.id = 4`},
		{"a row is compared", `WHERE (name, password) = ('joe', 'x') AND (id, token) IN ((1, 'y'), (2, 'z'))`, `WHERE (name, password) = ('joe', '****') AND (id, token) IN ((1, '****'), (2, '****'))`},
		{"in a function", `WHERE lower(password) = 'x' AND lower(name) = 'y'`, `WHERE lower(password) = '****' AND lower(name) = 'y'`},
		{"in a subselect", `WHERE id = (SELECT id FROM u WHERE token = 'x') AND n = 'y'`, `WHERE id = (SELECT id FROM u WHERE token = '****') AND n = 'y'`},
		{"part of a JSON column", `WHERE data->>'password' = 'x' AND data->'a' = '1'`, `WHERE data->>'password' = '****' AND data->'a' = '1'`},
		{"JSON in a literal", `INSERT INTO t VALUES (1, '{"a": "it''s", "password": "x"}')`, `INSERT INTO t VALUES (1, '{"a": "it''s", "password": "****"}')`},
		{"escaped by a backslash", `WHERE password = 'a\'b' AND c = 'd'`, `WHERE password = '****' AND c = 'd'`},
		{"a backslash that escapes nothing", `WHERE path = 'C:\' AND password = 'x'`, `WHERE path = 'C:\' AND password = '****'`},
		{"prefixed, dollars, hexadecimal", `SET password = E'x', token = $$y'z$$, secret = $a$q$a$, api_key = 0xFF, n = $1`, `SET password = E'****', token = '****', secret = '****', api_key = '****', n = $1`},
		{"cut short in a literal", `UPDATE u SET password = 'secr`, `UPDATE u SET password = '****'`},
		{"comments", "SELECT /* it's */ 1 -- don't\nWHERE password = 'x' # can't\nAND a = 'b'", "SELECT /* it's */ 1 -- don't\nWHERE password = '****' # can't\nAND a = 'b'"},
		{"a user is created", `CREATE USER 'joe'@'%' IDENTIFIED BY 'x'`, `CREATE USER 'joe'@'%' IDENTIFIED BY '****'`},
		{"a role is created", `CREATE ROLE joe WITH LOGIN ENCRYPTED PASSWORD 'x' VALID UNTIL 'infinity'`, `CREATE ROLE joe WITH LOGIN ENCRYPTED PASSWORD '****' VALID UNTIL 'infinity'`},
		{"a password is set", `SET PASSWORD FOR 'joe'@'%' = PASSWORD('x')`, `SET PASSWORD FOR '****'@'****' = PASSWORD('****')`},
		{"text in double quotes", `WHERE password = "x" AND name = "y"`, `WHERE password = "****" AND name = "y"`},
		{"a cast", `WHERE password = 'x'::text AND n = '4'::int`, `WHERE password = '****'::text AND n = '4'::int`},
		{"limits are no values of a column", `SELECT * FROM t ORDER BY api_key LIMIT 10`, `SELECT * FROM t ORDER BY api_key LIMIT 10`},
		{"next statement", `SET @password = 'x'; SELECT 'y'`, `SET @password = '****'; SELECT 'y'`},
		{"placeholders stay", `UPDATE u SET password = %s, a = ?, b = :b WHERE token = %(token)s`, `UPDATE u SET password = %s, a = ?, b = :b WHERE token = %(token)s`},
		{"texts of other kinds", `ALTER USER joe PASSWORD E'x'; ALTER LOGIN joe WITH PASSWORD N'x'`, `ALTER USER joe PASSWORD E'****'; ALTER LOGIN joe WITH PASSWORD N'****'`},
		{"without quotes", `ALTER USER joe IDENTIFIED BY hunter2 ACCOUNT UNLOCK`, `ALTER USER joe IDENTIFIED BY '****' ACCOUNT UNLOCK`},
		{"in quotes of names", `CREATE USER joe IDENTIFIED BY "x"`, `CREATE USER joe IDENTIFIED BY "****"`},
		{"as a hash", `CREATE USER joe IDENTIFIED BY VALUES 'x'; CREATE USER joe IDENTIFIED BY RANDOM PASSWORD`, `CREATE USER joe IDENTIFIED BY VALUES '****'; CREATE USER joe IDENTIFIED BY RANDOM PASSWORD`},
		{"the one before", `ALTER USER joe IDENTIFIED BY 'x' REPLACE 'y'`, `ALTER USER joe IDENTIFIED BY '****' REPLACE '****'`},
		{"called", `SELECT 'x' AS password, 'y' AS name, 'z'::text AS token`, `SELECT '****' AS password, 'y' AS name, '****'::text AS token`},
		{"a setting", `SELECT set_config('app.secret', 'x', false), set_config('app.name', 'y', false)`, `SELECT set_config('app.secret', '****', false), set_config('app.name', 'y', false)`},
		{"rows and then columns", `UPDATE t SET a = d.b FROM (VALUES (1, lower('x'), 'y'), (2, NULL, 'z')) AS d (id, password, n) WHERE d.n = 'n'`,
			`UPDATE t SET a = d.b FROM (VALUES (1, lower('****'), 'y'), (2, NULL, 'z')) AS d (id, password, n) WHERE d.n = 'n'`},
		{"rows and then other columns", `SELECT * FROM (VALUES (1, 'x')) d (a, b)`, `SELECT * FROM (VALUES (1, 'x')) d (a, b)`},
		{"columns and then rows", `WITH d (a, password) AS (VALUES (1, 'x')) SELECT 'y'`, `WITH d (a, password) AS (VALUES (1, '****')) SELECT 'y'`},
		{"a query in brackets", `INSERT INTO t (a, password) (SELECT 1, 'x')`, `INSERT INTO t (a, password) (SELECT 1, '****')`},
		{"texts with keys", `SELECT dblink_connect('host=h password=it''s user=joe'), 'postgres://joe:x@h/y', 'a=b', 'token: x1234567'`,
			`SELECT dblink_connect('host=h password=**** user=joe'), 'postgres://****@h/y', 'a=b', 'token: x1234567'`},
		{"not SQL", `it's {a: "b`, `it's {a: "b`},
		{"empty", ``, ``},
	}
	m := defaultMasker()
	for _, test := range tests {
		if got := string(m.AppendSQL(nil, test.in)); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.name, got, test.want)
		}
	}
}

func TestSQLParameterNames(t *testing.T) {
	tests := []struct {
		text string
		want []string
	}{
		{`SELECT * FROM u WHERE name = %s AND password = %s LIMIT %s`, []string{"name", "password", ""}},
		{`INSERT INTO u (name, password) VALUES (?, md5(?))`, []string{"name", "password"}},
		{`INSERT INTO u (name, password) VALUES (?, ?), (?, ?)`, []string{"name", "password", "name", "password"}},
		{`UPDATE u SET password = $2 WHERE "id" = $1`, []string{"id", "password"}},
		{`UPDATE u SET password = :2 WHERE id = :1`, []string{"id", "password"}},
		{`SELECT 1 WHERE id IN (?, ?) AND ? = token`, []string{"id", "id", "token"}},
		{`SELECT ?`, []string{""}},
		{`SELECT * FROM u WHERE password = ?`, []string{"password", "password"}}, // two parameters: which is it?
		{`SELECT * FROM u WHERE id = ?`, []string{"id", ""}},
		{`ALTER USER joe PASSWORD %s`, []string{"PASSWORD"}},
		{`INSERT INTO u (name, password) VALUES %s`, []string{"password"}},
		{`INSERT INTO u (name, email) VALUES %s`, []string{""}},
		{`SELECT ? AS name, ? AS password`, []string{"", "password"}},
		{`SELECT set_config('app.secret', %s, false)`, []string{"app.secret"}},
		{`UPDATE t SET a = d.b FROM (VALUES (?, ?)) d (id, password)`, []string{"", "password"}},
		{`nonsense`, []string{}},
	}
	m := defaultMasker()
	for _, test := range tests {
		if got := m.SQLParameterNames(test.text, len(test.want)); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q", test.text, got, test.want)
		}
	}
}

func TestSQLNamedParameters(t *testing.T) {
	m := defaultMasker()
	text := `UPDATE u SET password = :new, name = :name WHERE token = %(t)s AND id = @id`
	if got, want := m.SQLNamedParameters(text), []string{"new", "t"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
