package main

import (
	"runtime"
	"runtime/debug"
)

// beThrifty makes this process a small guest beside an application, whatever the machine's size and whatever
// GOGC, GOMEMLIMIT and GOMAXPROCS say: if they are set, they are meant for the application.
func beThrifty() {
	runtime.GOMAXPROCS(min(runtime.NumCPU(), 4))
	debug.SetGCPercent(50)
	debug.SetMemoryLimit(128 << 20)
}
