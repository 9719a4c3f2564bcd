package lumigo

import "embed"

//go:embed go.mod *.go internal/*/*.go instrumentation
var sources embed.FS

// Sources is this module's own source code. The command lumigo brings it along into the builds that it weaves, so
// that what they link is exactly what belongs to it, and nothing has to be downloaded. No one else needs it.
func Sources() embed.FS { return sources }
