// Package pythonenv prepares what tests and benchmarks of Python programs need: it finds the CPython
// interpreters of this machine, makes virtual environments with pinned packages, and builds the lumigo
// binary and its wheel from this repository.
//
// Virtual environments are made once and kept in the user's cache directory, keyed by the interpreter and
// the pins, so the first run is slow and the others are not; deleting [CacheDir] is always safe. The binary
// and the wheel are built anew once in every test process, into a directory that [Cleanup] removes.
package pythonenv
