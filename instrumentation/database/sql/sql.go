// Package databasesql traces the statements that programs run with database/sql, whatever the driver.
//
// A span lasts until the database has answered, not until the last row is read.
package databasesql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"reflect"
	"strings"
	"sync"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
	"github.com/lumigo-io/opentelemetry-distro/internal/semconv"
	"github.com/lumigo-io/opentelemetry-distro/internal/tracer"
	"github.com/lumigo-io/opentelemetry-distro/internal/untraced"
)

var scope = sync.OnceValue(func() *otlp.Scope { return tracer.Active().Scope("lumigo_opentelemetry.database/sql") })

// statement starts a span; it returns nil if there is none.
func statement(ctx context.Context, d driver.Driver, text string, args []any) (done func(error)) {
	t := tracer.Active()
	if t == nil || ctx == nil || untraced.Is(ctx) {
		return nil
	}
	defer guard(t)
	system := systemOf(reflect.TypeOf(d))
	if system == "" {
		if !tracer.Elsewhere() {
			return nil
		}
		system = systemOf(within(d))
	}
	return start(ctx, t, scope(), &Statement{System: system, Text: text, Args: args})
}

// Statement is one that is run by other means than database/sql's, of which integrations of other libraries tell.
type Statement struct {
	System    string // as db.system.name has it
	Host      string // of the server, or the directory of its socket; "" if that is not known
	Port      int
	Database  string
	Operation string // "" to take it from the text
	Text      string
	Args      []any // named ones as sql.NamedArg
	Batch     int   // how many statements it is, 0 for one
}

// Start starts a span, as the instrumentation of this id. It returns what to call with the outcome, nil if the statement
// is not traced.
func (s *Statement) Start(ctx context.Context, id string) (done func(error)) {
	t := tracer.Active()
	if t == nil || ctx == nil || t.Disabled(id) || untraced.Is(ctx) {
		return nil
	}
	defer guard(t)
	return start(ctx, t, t.Scope("lumigo_opentelemetry."+id), s)
}

// Untraced returns a context for statements that are traced already.
func Untraced(ctx context.Context) context.Context { return untraced.Context(ctx) }

func start(ctx context.Context, t *tracer.Tracer, scope *otlp.Scope, s *Statement) (done func(error)) {
	operation := s.Operation
	if operation == "" {
		operation = operationOf(s.Text)
	}
	name := operation
	if name == "" {
		name = s.System
	}
	span := t.Start(tracer.Start{Name: name, Kind: otlp.KindClient, Scope: scope, Convention: semconv.Database, Parent: tracer.FromContext(ctx)})
	if span.Recording() {
		span.Known("db.system.name", s.System)
		if operation != "" {
			span.Known("db.operation.name", operation)
		}
		if s.Database != "" {
			span.Text("db.namespace", s.Database)
		}
		if s.Host != "" {
			span.Text("server.address", s.Host)
			span.Int("server.port", int64(s.Port))
		}
		if s.Batch > 0 {
			span.Int("db.operation.batch.size", int64(s.Batch))
		}
		span.Text("db.query.text", s.Text)
		span.Parameters("db.statement.parameters", s.Text, len(s.Args), func(i int) (string, any) { return parameter(s.Args[i]) })
	}
	return func(err error) {
		defer span.End()
		switch value, panicking := span.Panicking(); {
		case panicking:
			span.Panicked(value, "")
		case err != nil && err != driver.ErrSkip:
			span.Fail(err)
			var state interface{ SQLState() string } // as errors of PostgreSQL's drivers have it
			if errors.As(err, &state) {
				span.Text("db.response.status_code", state.SQLState())
			}
		}
	}
}

// guard keeps our own mistakes from the application. It is deferred.
func guard(t *tracer.Tracer) {
	if fault := recover(); fault != nil {
		t.Log().Debugf("An exception occurred in lumigo's code: database/sql: %v", fault)
	}
}

func parameter(v any) (name string, value any) {
	if named, ok := v.(sql.NamedArg); ok {
		name, v = named.Name, named.Value
	}
	if out, ok := v.(sql.Out); ok {
		if !out.In {
			return name, "(out)"
		}
		v = out.Dest
	}
	return name, v
}

// operationOf is the first word of a statement.
func operationOf(text string) string {
	for {
		text = strings.TrimLeft(text, " \t\r\n(;")
		if rest, ok := strings.CutPrefix(text, "--"); ok {
			_, text, _ = strings.Cut(rest, "\n")
		} else if rest, ok := strings.CutPrefix(text, "/*"); ok {
			_, text, _ = strings.Cut(rest, "*/")
		} else {
			break
		}
	}
	for i := range len(text) {
		if c := text[i] | 0x20; c < 'a' || c > 'z' {
			text = text[:i]
			break
		}
	}
	if len(text) > 32 {
		return ""
	}
	return strings.ToUpper(text)
}

// systems are the databases by what stands in the import paths of their drivers. The first that fits counts; "" is
// for what traces the statements already.
var systems = []struct{ part, system string }{
	{"otelsql", ""}, {"instrumentedsql", ""},
	{"sqlite", "sqlite"}, {"go-libsql", "sqlite"}, {"duckdb", "duckdb"},
	{"lib/pq", "postgresql"}, {"jackc/pgx", "postgresql"}, {"pgdriver", "postgresql"},
	{"mssql", "microsoft.sql_server"}, {"sqlserver", "microsoft.sql_server"},
	{"mariadb", "mariadb"}, {"mysql", "mysql"},
	{"clickhouse", "clickhouse"}, {"snowflake", "snowflake"}, {"godror", "oracle.db"}, {"go-ora", "oracle.db"}, {"oci8", "oracle.db"},
	{"spanner", "gcp.spanner"}, {"cockroach", "cockroachdb"}, {"go-hdb", "sap.hana"}, {"trino", "trino"}, {"go_ibm_db", "ibm.db2"},
	{"firebird", "firebirdsql"}, {"vertica", "vertica"}, {"databricks", "databricks"}, {"ydb", "ydb"},
}

// within finds the type of the driver that one which traces statements passes them on to; nil if it does not show.
func within(d driver.Driver) reflect.Type {
	v := reflect.Indirect(reflect.ValueOf(d))
	if v.Kind() != reflect.Struct {
		return nil
	}
	for i := range v.NumField() {
		if f := v.Field(i); f.Type() == reflect.TypeFor[driver.Driver]() && !f.IsNil() {
			return f.Elem().Type()
		}
	}
	return nil
}

var known sync.Map // reflect.Type -> string

func systemOf(t reflect.Type) string {
	if t == nil {
		return "other_sql"
	}
	if s, ok := known.Load(t); ok {
		return s.(string)
	}
	elem := t
	for elem.Kind() == reflect.Pointer {
		elem = elem.Elem()
	}
	system := "other_sql"
	path := strings.ToLower(elem.PkgPath())
	for _, s := range systems {
		if strings.Contains(path, s.part) {
			system = s.system
			break
		}
	}
	known.Store(t, system)
	return system
}
