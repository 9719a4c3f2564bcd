// Package launcher runs a command with tracing, and stays its parent: it gives the command an environment
// in which Python interpreters trace themselves, serves them the engine, passes signals on, reaps what the
// kernel hands over to it, and ends with the command's own status once every span was sent or its time is up.
//
// [Run] is all of it. Whatever goes wrong with the tracing, the command runs; only a command that cannot
// be started is an error.
package launcher
