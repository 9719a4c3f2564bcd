package main

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
)

// A ledger is a small database in memory, so that the shop needs nothing but Go. It understands three statements,
// whose values are all parameters; a table is there once something has been inserted, and numbers its rows in a
// column id.
type ledger struct {
	mu     sync.Mutex
	tables map[string][]row
}

type row map[string]driver.Value

func init() { sql.Register("ledger", &ledger{tables: map[string][]row{}}) }

var (
	insertion = regexp.MustCompile(`^INSERT INTO (\w+) \(([\w, ]+)\) VALUES \([?, ]+\)$`)
	update    = regexp.MustCompile(`^UPDATE (\w+) SET (\w+) = \? WHERE (\w+) = \?$`)
	selection = regexp.MustCompile(`^SELECT ([\w, ]+) FROM (\w+) WHERE (\w+) = \?$`)
)

func (l *ledger) Open(string) (driver.Conn, error) { return connection{l}, nil }

type connection struct{ *ledger }

func (c connection) Prepare(query string) (driver.Stmt, error) {
	if !insertion.MatchString(query) && !update.MatchString(query) && !selection.MatchString(query) {
		return nil, fmt.Errorf("the ledger does not understand %q", query)
	}
	return statement{c.ledger, query}, nil
}

func (c connection) Begin() (driver.Tx, error) {
	return nil, errors.New("the ledger has no transactions")
}

func (c connection) Close() error { return nil }

type statement struct {
	*ledger
	query string
}

func (s statement) NumInput() int { return strings.Count(s.query, "?") }
func (s statement) Close() error  { return nil }

func (s statement) Exec(args []driver.Value) (driver.Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := insertion.FindStringSubmatch(s.query); m != nil {
		id := int64(len(s.tables[m[1]]) + 1)
		r := row{"id": id}
		for i, column := range strings.Split(m[2], ", ") {
			r[column] = args[i]
		}
		s.tables[m[1]] = append(s.tables[m[1]], r)
		return result{id, 1}, nil
	}
	if m := update.FindStringSubmatch(s.query); m != nil {
		changed := int64(0)
		for _, r := range s.tables[m[1]] {
			if r[m[3]] == args[1] {
				r[m[2]] = args[0]
				changed++
			}
		}
		return result{0, changed}, nil
	}
	return nil, errors.New("the ledger cannot execute a selection")
}

type result struct{ id, changed int64 }

func (r result) LastInsertId() (int64, error) { return r.id, nil }
func (r result) RowsAffected() (int64, error) { return r.changed, nil }

func (s statement) Query(args []driver.Value) (driver.Rows, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := selection.FindStringSubmatch(s.query)
	if m == nil {
		return nil, errors.New("the ledger can select, and nothing else")
	}
	found := &rows{columns: strings.Split(m[1], ", ")}
	for _, r := range s.tables[m[2]] {
		if r[m[3]] == args[0] {
			values := make([]driver.Value, len(found.columns))
			for i, column := range found.columns {
				values[i] = r[column]
			}
			found.values = append(found.values, values)
		}
	}
	return found, nil
}

type rows struct {
	columns []string
	values  [][]driver.Value
}

func (r *rows) Columns() []string { return r.columns }
func (r *rows) Close() error      { return nil }

func (r *rows) Next(to []driver.Value) error {
	if len(r.values) == 0 {
		return io.EOF
	}
	copy(to, r.values[0])
	r.values = r.values[1:]
	return nil
}
