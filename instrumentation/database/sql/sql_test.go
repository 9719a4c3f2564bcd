package databasesql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/internal/tracertest"
	"github.com/lumigo-io/opentelemetry-distro/internal/untraced"
)

type someDriver struct{ driver.Driver }

func TestStatement(t *testing.T) {
	if statement(context.Background(), someDriver{}, "SELECT 1", nil) != nil {
		t.Error("a statement is traced without a tracer")
	}
	spans := tracertest.Activate(t)
	if statement(untraced.Context(context.Background()), someDriver{}, "SELECT 1", nil) != nil {
		t.Error("a statement of our own is traced")
	}
	statement(context.Background(), someDriver{}, "UPDATE t SET password = :p, n = :n", []any{sql.Named("p", "geheim"), sql.Named("n", 3)})(errors.New("no"))
	in, out := "in", "not read"
	statement(context.Background(), &someDriver{}, "CALL p(?, ?, ?)", []any{sql.Out{Dest: &in, In: true}, sql.Out{Dest: &out}, sql.Named("x", sql.Out{Dest: &out})})(nil)
	var text string
	for _, s := range spans() {
		text += s.Line
	}
	for _, want := range []string{`"name": "UPDATE"`, `"db.system.name": "other_sql"`, `[{\"p\": \"****\"}, {\"n\": 3}]`, `[\"in\", \"(out)\", {\"x\": \"(out)\"}]`, `"exception.message": "no"`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

type sqlState string

func (s sqlState) Error() string    { return "state " + string(s) }
func (s sqlState) SQLState() string { return string(s) }

// Statements of other libraries than database/sql.
func TestOtherStatements(t *testing.T) {
	ctx := context.Background()
	s := &Statement{System: "postgresql", Host: "db", Port: 5432, Database: "shop", Operation: "BATCH", Text: "select 1;\nselect 2", Batch: 2}
	if s.Start(ctx, "pgx") != nil {
		t.Error("a statement is traced without a tracer")
	}
	tracertest.Activate(t, "LUMIGO_DISABLE_INSTRUMENTATION=pgx")
	if s.Start(ctx, "pgx") != nil {
		t.Error("a statement is traced though that is disabled")
	}
	spans := tracertest.Activate(t)
	if s.Start(Untraced(ctx), "pgx") != nil {
		t.Error("a statement that is traced already is traced again")
	}
	s.Start(ctx, "pgx")(sqlState("23505"))
	var text string
	for _, s := range spans() {
		text += s.Line
	}
	for _, want := range []string{`"name": "BATCH"`, `"db.system.name": "postgresql"`, `"db.namespace": "shop"`, `"server.address": "db"`, `"server.port": 5432`,
		`"db.operation.batch.size": 2`, `"db.response.status_code": "23505"`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

func TestOperations(t *testing.T) {
	for text, want := range map[string]string{
		"select 1":                       "SELECT",
		"  -- why\n/* and */ (Select 1)": "SELECT",
		"WITH x AS (SELECT 1) SELECT *":  "WITH",
		"":                               "",
		"-- nothing":                     "",
		strings.Repeat("x", 99):          "",
		"/* never ended":                 "",
	} {
		if got := operationOf(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

func TestSystems(t *testing.T) {
	if got := systemOf(nil); got != "other_sql" {
		t.Errorf("no driver: %q", got)
	}
	if got := systemOf(reflect.TypeOf(&someDriver{})); got != "other_sql" {
		t.Errorf("an unknown one: %q", got)
	}
}
