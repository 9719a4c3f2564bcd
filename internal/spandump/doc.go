// Package spandump writes spans to a file for people and tests to read: one
// JSON object a line, in the format that opentelemetry-python has for a span
// (ReadableSpan.to_json without indentation), as the original distribution
// does. What reads the original's dumps reads ours.
//
// The lines are rendered from encoded spans, so what is in them is what is
// sent, masked and limited alike. [ParseLine] reads them back, for those who
// show a dump.
package spandump
