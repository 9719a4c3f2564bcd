package mask

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
)

// vector is one case that the original's own code has answered.
type vector struct {
	Input   json.RawMessage
	MaxSize *int `json:"max_size"`
	Env     map[string]string
	Output  *string // nil where the original raises an exception
	Note    string
}

func vectors(t *testing.T) []vector {
	t.Helper()
	text, err := os.ReadFile("testdata/masking-vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var vs []vector
	if err := json.Unmarshal(text, &vs); err != nil {
		t.Fatal(err)
	}
	if len(vs) < 60 {
		t.Fatalf("only %d vectors", len(vs))
	}
	return vs
}

// write walks through a JSON text in the order of its keys.
func write(t *testing.T, w *Writer, text []byte) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	isKey := []bool{false} // whether a key comes next, for each open container
	for d.More() || len(isKey) > 1 {
		token, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		top := &isKey[len(isKey)-1]
		if key, ok := token.(string); ok && *top {
			w.Key(key)
			*top = false
			continue
		}
		switch token := token.(type) {
		case json.Delim:
			switch token {
			case '{':
				w.BeginObject()
				isKey = append(isKey, true)
			case '[':
				w.BeginArray()
				isKey = append(isKey, false)
			default:
				w.End()
				isKey = isKey[:len(isKey)-1]
				if len(isKey) > 1 && objectOpen(w) {
					isKey[len(isKey)-1] = true
				}
			}
			continue
		case string:
			w.String(token)
		case json.Number:
			if i, err := token.Int64(); err == nil {
				w.Int(i)
			} else {
				f, _ := token.Float64()
				w.Float(f)
			}
		case bool:
			w.Bool(token)
		case nil:
			w.Null()
		}
		if objectOpen(w) {
			*top = true
		}
	}
}

func objectOpen(w *Writer) bool { return len(w.stack) > 0 && w.top() == object }

func settingsOf(env map[string]string, compatible bool) config.Masking {
	s := config.Masking{Compatible: compatible}
	if text, ok := env["LUMIGO_SECRET_MASKING_REGEX"]; ok {
		s.General = config.Patterns{Name: "LUMIGO_SECRET_MASKING_REGEX", Text: text, IsSet: compatible || text != ""}
	}
	return s
}

func TestOriginalVectorsInCompatibleMode(t *testing.T) {
	for _, v := range vectors(t) {
		m, warnings := New(settingsOf(v.Env, true), nil)
		limit := 2048
		if v.MaxSize != nil {
			limit = *v.MaxSize
		}
		w := m.NewWriter(General, limit)
		write(t, w, v.Input)
		got := string(w.AppendTo(nil))
		switch {
		case v.Output == nil:
			if len(warnings) != 1 {
				t.Errorf("%s %v (%s): the original raises, we give %d warnings, want 1", v.Input, v.Env, v.Note, len(warnings))
			}
		case len(warnings) != 0:
			t.Errorf("%v: %v", v.Env, warnings)
		case got != *v.Output:
			t.Errorf("%.200s %v\n got %s\nwant %s", v.Input, v.Env, got, *v.Output)
		}
	}
}
