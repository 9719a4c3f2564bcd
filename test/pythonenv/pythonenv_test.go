package pythonenv

import "testing"

func TestVersionsAreOrderedByNumber(t *testing.T) {
	for _, row := range []struct {
		a, b string
		want int
	}{
		{"3.9.18", "3.10.1", -1},
		{"3.11.7", "3.11.7", 0},
		{"3.13.0", "3.7.16", 1},
	} {
		if got := compareVersions(row.a, row.b); got != row.want {
			t.Errorf("compareVersions(%q, %q) = %d, want %d", row.a, row.b, got, row.want)
		}
	}
}

func TestSupportedInterpreters(t *testing.T) {
	for _, row := range []struct {
		interpreter Interpreter
		want        bool
	}{
		{Interpreter{Major: 2, Minor: 7}, false},
		{Interpreter{Major: 3, Minor: 6}, false},
		{Interpreter{Major: 3, Minor: 7}, true},
		{Interpreter{Major: 3, Minor: 14}, true},
		{Interpreter{Major: 3, Minor: 15}, false},
	} {
		if got := row.interpreter.Supported(); got != row.want {
			t.Errorf("%s supported: got %t, want %t", row.interpreter, got, row.want)
		}
	}
}

func TestInterpretersAreFoundOldestFirst(t *testing.T) {
	all := Interpreters()
	t.Logf("found %v", all)
	for n := 1; n < len(all); n++ {
		if !all[n].AtLeast(all[n-1].Major, all[n-1].Minor+1) {
			t.Errorf("%v comes after %v", all[n], all[n-1])
		}
	}
}
