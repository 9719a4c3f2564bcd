// Command otelpgx is a server that keeps what it knows in PostgreSQL by pgx, and traces that by hand, while another
// tracer of pgx's logs it.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"

	"example.com/servers/local"
	"github.com/exaring/otelpgx"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/multitracer"
	"github.com/jackc/pgx/v5/tracelog"
)

func main() {
	config, err := pgx.ParseConfig(os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	logged := 0
	config.Tracer = multitracer.New(otelpgx.NewTracer(otelpgx.WithTrimSQLInSpanName(), otelpgx.WithDisableQuerySpanNamePrefix()), &tracelog.TraceLog{
		LogLevel: tracelog.LogLevelInfo,
		Logger:   tracelog.LoggerFunc(func(context.Context, tracelog.LogLevel, string, map[string]any) { logged++ }),
	})
	config.DefaultQueryExecMode = pgx.QueryExecModeExec // which prepares nothing
	db, err := pgx.ConnectConfig(context.Background(), config)
	if err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("GET /select", func(w http.ResponseWriter, r *http.Request) {
		n := 0
		err := db.QueryRow(r.Context(), "select 42").Scan(&n)
		fmt.Fprintln(w, n, err, logged)
	})
	http.HandleFunc("GET /batch", func(w http.ResponseWriter, r *http.Request) {
		b := new(pgx.Batch)
		b.Queue("select 1")
		err := db.SendBatch(r.Context(), b).Close()
		fmt.Fprintln(w, err, logged)
	})
	log.Fatal(http.Serve(local.Listen(), nil))
}
