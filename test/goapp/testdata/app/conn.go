//go:build go1.26

package main

import (
	"context"
	"net/http"
	"net/url"
)

// overConn sends a request by a connection of its own.
func overConn(address string) {
	u, err := url.Parse(address)
	if err != nil {
		panic(err)
	}
	conn, err := new(http.Transport).NewClientConn(context.Background(), u.Scheme, u.Host)
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	request, err := http.NewRequest("GET", address, nil)
	if err != nil {
		panic(err)
	}
	response, err := conn.RoundTrip(request)
	if err != nil {
		panic(err)
	}
	defer response.Body.Close()
	if response.Request != request {
		panic("the response is to another request")
	}
}
