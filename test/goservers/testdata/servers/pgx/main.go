// Command pgx is a server that keeps what it knows in PostgreSQL, by pgx: its own pool, and by way of database/sql.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"

	"example.com/servers/local"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/jackc/pgx/v5/stdlib"
)

func main() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := pool.Exec(ctx, "drop table if exists users"); err != nil {
		log.Fatal(err)
	}
	if _, err := pool.Exec(ctx, "create table users (id int primary key, name text, password text)"); err != nil {
		log.Fatal(err)
	}
	db, err := sql.Open("pgx", os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	handle := func(path string, f func(ctx context.Context, w io.Writer) error) {
		http.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			err := f(r.Context(), w)
			fmt.Fprintf(w, "%T %v\n", err, err)
		})
	}
	handle("/insert", func(ctx context.Context, w io.Writer) error {
		tag, err := pool.Exec(ctx, "insert into users (id, name, password) values ($1, $2, $3)", 1, "ann", "geheim")
		fmt.Fprintln(w, tag)
		return err
	})
	handle("/again", func(ctx context.Context, _ io.Writer) error { // which is known only when the row is read
		return pool.QueryRow(ctx, "insert into users (id) values (1) returning id").Scan(new(int))
	})
	handle("/named", func(_ context.Context, w io.Writer) error { // without the request's context
		rows, err := pool.Query(context.Background(), "select name from users where password = @password", pgx.NamedArgs{"password": "geheim"})
		if err != nil {
			return err
		}
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		fmt.Fprintln(w, names)
		return err
	})
	handle("/none", func(ctx context.Context, _ io.Writer) error {
		return pool.QueryRow(ctx, "select name from users where id = $1", pgx.QueryExecModeExec, 7).Scan(new(string))
	})
	handle("/wrong", func(ctx context.Context, _ io.Writer) error {
		_, err := pool.Query(ctx, "select nothing from users")
		return err
	})
	handle("/batch", func(ctx context.Context, w io.Writer) error {
		b := new(pgx.Batch)
		b.Queue("insert into users (id, name) values (2, 'bob')")
		b.Queue("select count(*) from users")
		results := pool.SendBatch(ctx, b)
		results.Exec()
		n := 0
		err := results.QueryRow().Scan(&n)
		fmt.Fprintln(w, n, err)
		return results.Close()
	})
	handle("/copy", func(ctx context.Context, w io.Writer) error {
		n, err := pool.CopyFrom(ctx, pgx.Identifier{"users"}, []string{"id", "name"}, pgx.CopyFromRows([][]any{{3, "eve"}, {4, "joe"}}))
		fmt.Fprintln(w, n)
		return err
	})
	handle("/transaction", func(ctx context.Context, w io.Writer) error {
		return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, "update users set name = 'ann' where id = 1")
			return err
		})
	})
	handle("/sql", func(ctx context.Context, w io.Writer) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		name := ""
		err = tx.QueryRowContext(ctx, "select name from users where id = $1", 1).Scan(&name)
		fmt.Fprintln(w, name, err)
		return tx.Commit()
	})
	log.Fatal(http.Serve(local.Listen(), nil))
}
