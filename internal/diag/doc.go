// Package diag writes the distribution's own log lines, one line each, on the
// writer it is given (stderr, in practice):
//
//	#LUMIGO# - 2026-01-02 15:04:05,000 - WARNING - text
//
// The layout is the original distribution's, because operators and tests
// search for it. A line never holds a secret that was given to
// [Logger.Redact], and never a line break of its own.
//
// There is no global logger, and no structured logging: a message is one
// sentence for a person.
package diag
