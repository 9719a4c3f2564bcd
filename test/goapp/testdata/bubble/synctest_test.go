//go:build go1.25

package bubble

import (
	"testing"
	"testing/synctest"
)

func inBubble(t *testing.T, f func(*testing.T)) { synctest.Test(t, f) }
