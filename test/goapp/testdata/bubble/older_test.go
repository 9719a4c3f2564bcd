//go:build !go1.25

package bubble

import "testing"

func inBubble(t *testing.T, f func(*testing.T)) { f(t) }
