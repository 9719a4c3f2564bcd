// Package lumigo stands for the tracer in the tests of the weaver.
package lumigo

import "os"

// Say tells the test what has been seen. It uses what the language of Go 1.24 has.
func Say(text string) {
	for range 1 {
		os.Stderr.WriteString("tracer: " + text + "\n")
	}
}

func init() { Say("here") }
