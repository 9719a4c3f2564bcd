//go:build tools

package tools

import (
	_ "github.com/DataDog/orchestrion"

	_ "example.com/orchestrated/tracing/databasesql" // integration
	_ "example.com/orchestrated/tracing/nethttp"     // integration
)
