package ring

import lumigo "github.com/lumigo-io/opentelemetry-distro"

func made(n int) { lumigo.Say("a ring of " + string(rune('0'+n))) }
