//go:build lumigo_woven

package runtime

import (
	"runtime"

	"github.com/lumigo-io/opentelemetry-distro/internal/tracer"
)

func init() {
	tracer.SetLocal(runtime.LumigoCurrent, runtime.LumigoSetCurrent)
	tracer.Panicking = func() (uintptr, any, bool) {
		token, value, goexit, panicking := runtime.LumigoPanicking()
		if goexit {
			value = tracer.Goexit
		}
		return token, value, panicking
	}
	t := tracer.Active()
	if t == nil {
		return
	}
	runtime.LumigoAtExit(func() { tracer.Exit("") })
	runtime.LumigoCrash = func() { tracer.Exit("panicked") }
	if runtime.LumigoWatchesDeath() {
		t.Watch(tracer.Death{Watch: runtime.LumigoWatchDeath, Await: runtime.LumigoAwaitDeath, Die: runtime.LumigoDie})
	}
}
