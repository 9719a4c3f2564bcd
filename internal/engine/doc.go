// Package engine receives the spans of other processes over a unix socket and
// takes them all the way: masked, encoded, dumped, exported, counted.
//
// [Listen] makes an [Engine], whose [Engine.Environment] tells processes where
// it is. [Engine.Serve] works until [Engine.Close], which reads every
// connection to its end, flushes, and returns the account of every span in a
// [Summary]. The protocol is docs/protocol.md.
//
// Whatever bytes arrive, memory is bounded, other connections are unharmed, and
// one warning is logged for each kind of trouble, however often it happens.
// Frames are decoded by a fixed number of workers that own all buffers; an idle
// connection costs a file descriptor and no wake-up.
//
// It works on Linux only, for SOCK_SEQPACKET and the sender's pid that the
// kernel puts on every message; elsewhere Listen returns an error.
package engine
