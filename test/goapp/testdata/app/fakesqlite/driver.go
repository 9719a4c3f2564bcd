// Package fakesqlite is a database that answers everything, and refuses what has FAIL in it.
package fakesqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"strings"
)

func init() { sql.Register("fakesqlite", Driver{}) }

type Driver struct{}

func (Driver) Open(string) (driver.Conn, error) { return &conn{}, nil }

type conn struct{}

func (*conn) Prepare(query string) (driver.Stmt, error) { return &stmt{query}, nil }
func (*conn) Close() error                              { return nil }
func (*conn) Begin() (driver.Tx, error)                 { return tx{}, nil }

func (*conn) QueryContext(_ context.Context, query string, _ []driver.NamedValue) (driver.Rows, error) {
	if strings.Contains(query, "FAIL") {
		return nil, errors.New("no such table: FAIL")
	}
	return &rows{}, nil
}

type tx struct{}

func (tx) Commit() error   { return nil }
func (tx) Rollback() error { return nil }

type stmt struct{ query string }

func (*stmt) Close() error                               { return nil }
func (*stmt) NumInput() int                              { return -1 }
func (*stmt) Exec([]driver.Value) (driver.Result, error) { return driver.RowsAffected(1), nil }
func (*stmt) Query([]driver.Value) (driver.Rows, error)  { return &rows{}, nil }

type rows struct{ n int }

func (*rows) Columns() []string { return []string{"n"} }
func (*rows) Close() error      { return nil }
func (r *rows) Next(dest []driver.Value) error {
	if r.n++; r.n > 1 {
		return io.EOF
	}
	dest[0] = int64(42)
	return nil
}
