// Package doctor finds out whether a command would be traced, and what stands in the way: in the command itself, in
// its interpreter or its build, in the configuration, on the way to the backend, or in the machine.
//
// It looks and asks, and never runs the command. The one process that it starts with tracing is the command's
// interpreter, with a line of the doctor's own to run. [Examine] is all of it; [Checks] lists what it looks at.
package doctor
