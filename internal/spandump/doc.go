// Package spandump writes spans to a file for people and tests to read: one
// JSON object a line, in the format that opentelemetry-python has for a span
// (ReadableSpan.to_json without indentation), as the original distribution
// does. What reads the original's dumps reads ours.
//
// Log records have a dump of their own, in the format of LogRecord.to_json.
//
// The lines are rendered from what is encoded, so what is in them is what is
// sent, masked and limited alike. [ParseLine] reads them back, for those who
// show a dump.
package spandump
