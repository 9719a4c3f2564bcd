package bubble

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"
)

// The first statement of the process is in a bubble, where there is such a thing.
func TestStatement(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		db := sql.OpenDB(connector{})
		if _, err := db.ExecContext(context.Background(), "DELETE FROM orders"); err != nil {
			t.Error(err)
		}
		db.Close()
	})
}

type connector struct{}

func (c connector) Connect(context.Context) (driver.Conn, error) { return conn{}, nil }
func (c connector) Driver() driver.Driver                        { return nil }

type conn struct{}

func (conn) Prepare(string) (driver.Stmt, error) { return nil, errors.New("not prepared") }
func (conn) Begin() (driver.Tx, error)           { return nil, errors.New("no transactions") }
func (conn) Close() error                        { return nil }
func (conn) ExecContext(context.Context, string, []driver.NamedValue) (driver.Result, error) {
	return driver.RowsAffected(1), nil
}
