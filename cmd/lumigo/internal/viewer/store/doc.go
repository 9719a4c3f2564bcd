// Package store keeps the latest traces, and finds them again.
//
// What arrives is appended to segments, files of frames, and stays there as it came. In memory is an index: a few
// words for each span, enough for lists, waterfalls and maps; what else there is of a span is read from its
// segment. When the segments exceed their cap, or the index its own, the oldest segment goes, and with it what it
// has of each trace.
//
// A [Store] opens where it was left, however it was left. Without a directory, or when the disk fails, it keeps
// less, in memory.
package store
