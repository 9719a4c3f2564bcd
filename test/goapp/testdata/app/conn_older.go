//go:build !go1.26

package main

import "net/http"

func overConn(address string) { get(http.DefaultClient, address) }
