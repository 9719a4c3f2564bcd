// Lumigo traces Python and Go applications with no line of their code changed.
//
//	lumigo run -- python app.py
//
// Each subcommand has a file of its own here; `lumigo help` lists them.
package main
