//go:build lumigo_woven

package databasesql

import (
	"database/sql"

	"github.com/lumigo-io/opentelemetry-distro/internal/tracer"
)

func init() {
	if t := tracer.Active(); t != nil && !t.Disabled("database/sql") {
		sql.LumigoStatement = statement
	}
}
