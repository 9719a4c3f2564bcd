// Package greeter says what is greeted.
package greeter

import lumigo "github.com/lumigo-io/opentelemetry-distro"

// Greeted is told of whom.
func Greeted(name string) { lumigo.Say("greeted " + name) }
