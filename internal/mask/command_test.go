package mask

import (
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
)

func TestCommands(t *testing.T) {
	m, _ := New(config.Masking{}, nil)
	for _, row := range []struct {
		words  []string
		want   string
		secret bool
	}{
		{[]string{"SET", "greeting", "hello"}, "SET greeting hello", false},
		{[]string{"GET", "greeting"}, "GET greeting", false},
		{[]string{"SET", "user:password", "hunter2", "EX", "5"}, "SET user:password **** **** ****", true},
		{[]string{"GET", "user:password"}, "GET user:password", true},
		{[]string{"HSET", "user", "name", "ann", "password", "hunter2"}, "HSET user name ann password ****", true},
		{[]string{"SET", "user", `{"name": "ann", "password": "hunter2"}`}, `SET user {"name": "ann", "password": "****"}`, true},
		{[]string{"AUTH", "ann", "hunter2"}, "AUTH **** ****", false},
		{[]string{"hello", "3", "auth", "ann", "hunter2"}, "hello 3 auth **** ****", false},
		{[]string{"MIGRATE", "h", "1", "k", "0", "9", "AUTH2", "ann", "hunter2"}, "MIGRATE h 1 k 0 9 AUTH2 **** ****", false},
		{[]string{"ACL", "SETUSER", "ann", ">hunter2"}, "ACL SETUSER **** ****", false},
		{[]string{"CONFIG SET", "requirepass", "hunter2"}, "CONFIG SET requirepass ****", true},
		{[]string{"CONFIG", "SET", "masterauth", "hunter2"}, "CONFIG SET masterauth ****", true},
		{[]string{"ACL SETUSER", "ann", ">hunter2"}, "ACL SETUSER **** ****", false},
		{[]string{"acl genpass", "64"}, "acl genpass ****", true},
		{[]string{"EVAL", "return redis.call('SET', 'user:password', \"hunter2\") + redis.call('GET', 'a')", "0"},
			"EVAL return redis.call('SET', 'user:password', \"****\") + redis.call('GET', 'a') ****", true},
		{[]string{"EVAL", "-- don't\nredis.call('AUTH', 'hunter2')\nreturn 'a'", "0"}, "EVAL -- don't\nredis.call('AUTH', '****')\nreturn 'a' 0", false},
		{[]string{"EVAL", "redis.call('AUTH', 'hun"}, "EVAL redis.call('AUTH', '****", false},
		{[]string{"SCRIPT LOAD", "redis.call('AUTH', 'hunter2')"}, "SCRIPT LOAD redis.call('AUTH', '****')", false},
		{[]string{"FUNCTION", "LOAD", "REPLACE", "redis.call('AUTH', 'hunter2')"}, "FUNCTION LOAD REPLACE redis.call('AUTH', '****')", false},
		{[]string{"SET", "a", "x('AUTH', 'b')"}, "SET a x('AUTH', 'b')", false},
		{[]string{"SET", "blob", "\xc3\x28\x00"}, "SET blob 0xc32800", false},
		{nil, "", false},
	} {
		got, secret := m.AppendCommand(nil, row.words)
		if string(got) != row.want || secret != row.secret {
			t.Errorf("%q is shown as %q, secret %t; want %q, %t", row.words, got, secret, row.want, row.secret)
		}
	}
}
