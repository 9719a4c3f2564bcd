// Package goapp tests what a woven Go application traces, and that it does what it does plain: one app in testdata,
// built both ways.
package goapp
