package mask

import (
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestDifferencesAreAsDocumented runs each row of the table in docs/masking.md.
func TestDifferencesAreAsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/masking.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for _, line := range strings.Split(string(text), "\n") {
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if len(cells) != 5 {
			continue
		}
		for i, cell := range cells {
			cells[i] = strings.Trim(strings.TrimSpace(cell), "`")
		}
		kind, settings, input, original, ours := cells[0], cells[1], cells[2], cells[3], cells[4]
		if kind == "kind" || strings.HasPrefix(kind, "--") {
			continue
		}
		rows++
		for _, compatible := range []bool{true, false} {
			want := ours
			if compatible {
				want = original
				if kind != "dump" && kind != "environment" {
					if original != input { // nothing is masked there
						t.Errorf("the original leaves %s as it is, the table has %s", input, original)
					}
					continue
				}
			}
			limit := 2048
			env := map[string]string{}
			if n, ok := strings.CutPrefix(settings, "limit "); ok {
				limit, _ = strconv.Atoi(n)
			} else if name, value, ok := strings.Cut(settings, "="); ok {
				env[name] = value
			}
			m, warnings := New(settingsOf(env, compatible), nil)
			var got string
			switch kind {
			case "dump":
				if !json.Valid([]byte(input)) {
					t.Fatalf("not JSON: %s", input)
				}
				w := m.NewWriter(General, limit)
				write(t, w, []byte(input))
				got = string(w.AppendTo(nil))
			case "environment":
				got = string(m.AppendEnvironment(nil, strings.Fields(input), limit))
			case "body":
				got = string(m.AppendBody(nil, RequestBodies, []byte(input), false, limit))
			case "url":
				got = string(m.AppendURL(nil, input))
			case "sql":
				got = string(m.AppendSQL(nil, input))
			default:
				t.Fatalf("unknown kind %q", kind)
			}
			if compatible && original == "exception" {
				got = strings.Repeat("exception", len(warnings))
			}
			if got != want {
				t.Errorf("%s, compatible %v: %s\n got %s\nwant %s", kind, compatible, input, got, want)
			}
		}
		if original == ours {
			t.Errorf("%s: no difference", input)
		}
	}
	if rows < 20 {
		t.Errorf("only %d rows found", rows)
	}
	for _, p := range defaultPatterns {
		if !strings.Contains(string(text), "`"+p+"`") {
			t.Errorf("docs/masking.md does not list the default pattern %s", p)
		}
	}
}
