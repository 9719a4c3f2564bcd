package viewer

import (
	"bufio"
	"encoding/json"
	"net/http"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/cmd/lumigo/internal/viewer/store"
)

const (
	followPause   = 200 * time.Millisecond // in which changes of a trace are one
	heartbeat     = 15 * time.Second
	followTimeout = 30 * time.Second // that a client may take to read what it is sent
)

// lines writes NDJSON.
type lines struct {
	w *bufio.Writer
	e *json.Encoder
	c *http.ResponseController
}

func newLines(w http.ResponseWriter) *lines {
	w.Header().Set("Content-Type", "application/x-ndjson")
	b := bufio.NewWriterSize(w, 32<<10)
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	return &lines{b, e, http.NewResponseController(w)}
}

func (l *lines) write(value any) error { return l.e.Encode(value) }

func (l *lines) flush() error {
	if err := l.w.Flush(); err != nil {
		return err
	}
	return l.c.Flush()
}

// follow lists traces, and goes on with each that is new or changes, until the client goes. It keeps nothing for a
// client that reads slowly, but asks the store what has changed when the client is ready for more: so such a client
// gets fewer lines, and each is the latest.
func (s *Server) follow(w http.ResponseWriter, r *http.Request, query store.Query, limit int) {
	matcher := s.store.Matcher(query)
	seen, changed := s.store.Changes()
	found, err := s.store.Find(r.Context(), query, limit)
	if err != nil {
		return
	}
	lines := newLines(w)
	for i := len(found) - 1; i >= 0; i-- {
		lines.write(summaryOf(&found[i]))
	}
	lines.w.WriteByte('\n') // that was all so far
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		lines.c.SetWriteDeadline(time.Now().Add(followTimeout))
		if lines.flush() != nil {
			return
		}
		select {
		case <-changed:
			time.Sleep(followPause)
			since := seen
			seen, changed = s.store.Changes()
			for _, id := range s.store.ChangedSince(since) {
				lines.c.SetWriteDeadline(time.Now().Add(followTimeout))
				if sum, ok := matcher.Match(id); ok && lines.write(summaryOf(&sum)) != nil {
					return
				}
			}
		case <-beat.C:
			lines.w.WriteByte('\n')
		case <-r.Context().Done():
			return
		case <-s.closing:
			return
		}
	}
}
