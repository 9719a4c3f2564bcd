// Package config turns the environment into a [Config]: it is the one place
// that knows the names, defaults and meaning of the environment variables.
//
// [Parse] is pure and never fails. A variable whose value cannot be used costs
// one [Message] that names it, shows its value unless that may hold a secret,
// and says what is used instead. An empty variable counts as unset, as the
// OpenTelemetry specification has it. Everything is driven by one table, from
// which docs/configuration.md is generated as well:
//
//	go test ./internal/config -update
package config
