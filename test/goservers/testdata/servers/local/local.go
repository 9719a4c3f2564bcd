// Package local has what the servers here have in common: an address that the test learns, and a call without a
// context, as most programs have one somewhere.
package local

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
)

var base string

// Listen listens at a free port, and says where.
func Listen() net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	Say("http://" + l.Addr().String())
	return l
}

// Free is an address that nobody listens at, for servers that insist on listening themselves.
func Free() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer l.Close()
	return l.Addr().String()
}

// Say tells the test the address of the server. It answers from now on, if with delay.
func Say(url string) {
	base = url
	fmt.Println("listening at", url)
}

// Ask is what the server at url answers, of this one if url is only a path.
func Ask(url string) string {
	if url[0] == '/' {
		url = base + url
	}
	resp, err := http.Get(url)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return fmt.Sprintln(resp.StatusCode, string(body), err)
}
