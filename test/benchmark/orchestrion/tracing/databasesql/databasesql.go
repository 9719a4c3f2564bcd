// Package databasesql traces database/sql; orchestrion.yml says where.
package databasesql

import (
	"database/sql"

	_ "example.com/orchestrated/tracing"

	"github.com/XSAM/otelsql"
)

// Open opens a database whose statements are traced.
func Open(driver, source string) (*sql.DB, error) { return otelsql.Open(driver, source) }
