package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

// exchange is something that servers and clients of net/http can do. Both sides print all that they see of it.
type exchange struct {
	handler http.HandlerFunc
	client  func(e *ends)
}

// ends are a server whose only handler is that of an exchange, and clients for it.
type ends struct {
	url, secureURL string
	addr           string
	client, h2     *http.Client
	log            *bytes.Buffer // of the server
	done           chan struct{} // after each request
}

// wire does an exchange of a name.
func wire(name string) {
	x, ok := exchanges[name]
	if !ok {
		panic("no exchange " + name)
	}
	e := &ends{log: new(bytes.Buffer), done: make(chan struct{}, 10)}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() { e.done <- struct{}{} }()
		x.handler(w, r)
	})
	plain, secure := httptest.NewUnstartedServer(handler), httptest.NewUnstartedServer(handler)
	plain.Config.ErrorLog = log.New(e.log, "", 0)
	plain.Start()
	defer plain.Close()
	secure.EnableHTTP2 = true
	secure.Config.ErrorLog = plain.Config.ErrorLog
	secure.StartTLS()
	defer secure.Close()
	e.url, e.secureURL, e.addr = plain.URL, secure.URL, plain.Listener.Addr().String()
	e.client, e.h2 = plain.Client(), secure.Client()
	x.client(e)
}

var date = regexp.MustCompile(`Date: .*\r\n|127\.0\.0\.1:\d+`)

// raw sends bytes, and prints those that come back until the server closes the connection.
func (e *ends) raw(parts ...string) {
	c, err := net.Dial("tcp", e.addr)
	if err != nil {
		panic(err)
	}
	defer c.Close()
	for _, part := range parts {
		io.WriteString(c, part)
	}
	answer, _ := io.ReadAll(c)
	fmt.Printf("%q\n", date.ReplaceAll(answer, nil))
}

// both has a client of HTTP/1 and one of HTTP/2 do the same.
func both(do func(c *http.Client, url string)) func(*ends) {
	return func(e *ends) {
		do(e.client, e.url)
		do(e.h2, e.secureURL)
	}
}

func show(resp *http.Response, err error) {
	if err != nil {
		fmt.Println("error:", date.ReplaceAllString(err.Error(), ""))
		return
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	resp.Header.Del("Date")
	fmt.Println(resp.Proto, resp.Status, resp.ContentLength, resp.TransferEncoding, resp.Uncompressed, resp.Header, resp.Trailer, len(body), err)
	fmt.Printf("%q\n", body[:min(len(body), 200)])
}

const closing = " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"

var (
	flushed = make(chan struct{}) // by a client that has seen the first part
	handled = make(chan struct{}) // by a handler that has seen enough of the client
)

var exchanges = map[string]exchange{
	"flusher": {
		func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "first ")
			w.(http.Flusher).Flush()
			<-flushed
			io.WriteString(w, "second")
		},
		both(func(c *http.Client, url string) {
			resp, err := c.Get(url)
			if err != nil {
				panic(err)
			}
			first := make([]byte, 6)
			io.ReadFull(resp.Body, first)
			fmt.Printf("%q\n", first)
			flushed <- struct{}{}
			show(resp, nil)
		}),
	},
	"hijacker": {
		func(w http.ResponseWriter, r *http.Request) {
			c, rw, err := w.(http.Hijacker).Hijack()
			if err != nil {
				fmt.Println("not hijacked:", err)
				return
			}
			early := make([]byte, 5)
			io.ReadFull(rw, early)
			_, err = io.WriteString(w, "too late")
			fmt.Fprintf(rw, "%s, %T, %v, %v", early, c, err, err == http.ErrHijacked)
			rw.Flush()
			c.Close()
		},
		func(e *ends) {
			e.raw("GET /"+closing, "early")
			show(e.h2.Get(e.secureURL))
		},
	},
	"reader-from": {
		func(w http.ResponseWriter, r *http.Request) {
			f, err := os.Open(os.Args[0])
			if err != nil {
				panic(err)
			}
			defer f.Close()
			_, ok := w.(io.ReaderFrom)
			n, err := io.Copy(w, io.LimitReader(f, 1<<20))
			fmt.Println(ok, n, err)
			n, err = io.Copy(w, strings.NewReader("and text"))
			fmt.Println(n, err)
		},
		both(func(c *http.Client, url string) {
			resp, err := c.Get(url)
			if err != nil {
				panic(err)
			}
			n, err := io.Copy(io.Discard, resp.Body)
			fmt.Println(n, err)
		}),
	},
	"pusher": {
		func(w http.ResponseWriter, r *http.Request) {
			p, ok := w.(http.Pusher)
			if !ok {
				io.WriteString(w, "no pusher")
				return
			}
			if r.URL.Path == "/" {
				fmt.Println(p.Push("/pushed", nil))
			}
			io.WriteString(w, r.URL.Path)
		},
		func(e *ends) {
			show(e.client.Get(e.url))
			show(e.h2.Get(e.secureURL + "/")) // a client that takes none
			<-e.done
			<-e.done
			frames(strings.TrimPrefix(e.secureURL, "https://"))
		},
	},
	"trailers": {
		func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Trailer", "Announced")
			n, err := io.Copy(w, r.Body)
			w.Header().Set("Announced", fmt.Sprint(n, err, r.Trailer))
			w.Header().Set(http.TrailerPrefix+"Late", "yes")
		},
		both(func(c *http.Client, url string) {
			req, _ := http.NewRequest("POST", url, io.MultiReader(strings.NewReader("body"))) // of unknown length
			req.Trailer = http.Header{"Sum": {"4"}}
			show(c.Do(req))
		}),
	},
	"informational": {
		func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", "</a.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusProcessing)
			w.Header().Del("Link")
			n, err := io.Copy(io.Discard, r.Body) // which asks for it by 100 Continue
			fmt.Fprint(w, n, err)
		},
		func(e *ends) {
			e.raw("POST /"+strings.Replace(closing, "\r\n\r\n", "\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n", 1), "body")
			both(func(c *http.Client, url string) {
				trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
					fmt.Println(code, h)
					return nil
				}}
				req, _ := http.NewRequestWithContext(httptrace.WithClientTrace(context.Background(), trace), "GET", url, nil)
				show(c.Do(req))
			})(e)
		},
	},
	"websocket": {
		func(w http.ResponseWriter, r *http.Request) {
			sum := sha1.Sum([]byte(r.Header.Get("Sec-Websocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
			w.Header().Set("Ignored", "by a connection that is taken over")
			c, rw, err := http.NewResponseController(w).Hijack()
			if err != nil {
				panic(err)
			}
			defer c.Close()
			fmt.Fprintf(rw, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", base64.StdEncoding.EncodeToString(sum[:]))
			rw.Flush()
			for {
				frame := make([]byte, 6+5) // a header with its mask, and five letters
				if _, err := io.ReadFull(rw, frame); err != nil {
					fmt.Println("closed:", err)
					return
				}
				for i := range 5 {
					frame[6+i] ^= frame[2+i%4]
				}
				rw.Write(append([]byte{0x81, 5}, frame[6:]...))
				rw.Flush()
			}
		},
		func(e *ends) {
			req, _ := http.NewRequest("GET", e.url, nil)
			req.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}, "Sec-Websocket-Version": {"13"}}
			resp, err := e.client.Do(req)
			if err != nil {
				panic(err)
			}
			c, ok := resp.Body.(io.ReadWriteCloser)
			fmt.Printf("%v %v %v %T\n", resp.Status, resp.Header, ok, resp.Body)
			for _, word := range []string{"hello", "world"} {
				io.WriteString(c, "\x81\x85\x01\x02\x03\x04")
				for i := range word {
					c.Write([]byte{word[i] ^ byte(i%4+1)})
				}
				answer := make([]byte, 7)
				io.ReadFull(c, answer)
				fmt.Printf("%q\n", answer)
			}
			c.Close()
			<-e.done
		},
	},
	"response-controller": {
		func(w http.ResponseWriter, r *http.Request) {
			c := http.NewResponseController(w)
			fmt.Println(c.EnableFullDuplex(), c.SetWriteDeadline(time.Now().Add(time.Hour)), c.SetReadDeadline(time.Now().Add(time.Hour)))
			first := make([]byte, 5)
			_, err := io.ReadFull(r.Body, first)
			fmt.Fprintf(w, "%s %v", first, err)
			fmt.Println(c.Flush())
			fmt.Println(c.SetReadDeadline(time.Now().Add(-time.Second)))
			n, err := r.Body.Read(first)
			fmt.Println(n, errors.Is(err, os.ErrDeadlineExceeded))
			handled <- struct{}{}
		},
		both(func(c *http.Client, url string) {
			body, w := io.Pipe()
			defer w.Close()
			go io.WriteString(w, "hello")
			resp, err := c.Post(url, "text/plain", body)
			if err != nil {
				panic(err)
			}
			got := make([]byte, 11)
			n, err := io.ReadFull(resp.Body, got)
			fmt.Printf("%s %q %v\n", resp.Status, got[:n], err)
			<-handled
			resp.Body.Close()
		}),
	},
	"streams": { // of both sides at once
		func(w http.ResponseWriter, r *http.Request) {
			c := http.NewResponseController(w)
			if err := c.EnableFullDuplex(); err != nil && r.ProtoMajor == 1 {
				panic(err)
			}
			c.Flush()
			for lines := bufio.NewScanner(r.Body); lines.Scan(); c.Flush() {
				fmt.Fprintln(w, strings.ToUpper(lines.Text()))
			}
			_, err := r.Body.Read(make([]byte, 1))
			fmt.Println(err)
		},
		both(func(c *http.Client, url string) {
			body, w := io.Pipe()
			resp, err := c.Post(url, "text/plain", body)
			if err != nil {
				panic(err)
			}
			answers := bufio.NewReader(resp.Body)
			for i := range 20 {
				fmt.Fprintf(w, "line %d %s\n", i, strings.Repeat("x", 1<<i%5000))
				answer, err := answers.ReadString('\n')
				fmt.Println(len(answer), strings.HasPrefix(answer, fmt.Sprintf("LINE %d X", i)), err)
			}
			w.Close()
			show(resp, nil)
		}),
	},
	"panic": {
		func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/recovered" {
				defer func() {
					fault := recover()
					http.Error(w, fmt.Sprintf("%T %v", fault, fault), 500)
				}()
			}
			io.WriteString(w, "half") // which stays in the buffer
			panic(errors.New("boom"))
		},
		func(e *ends) {
			e.raw("GET /recovered" + closing)
			e.raw("GET /" + closing)
			fmt.Println(regexp.MustCompile(`http: panic serving .*`).FindString(date.ReplaceAllString(e.log.String(), "")))
			show(e.h2.Get(e.secureURL))
		},
	},
	"abort": {
		func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "half")
			http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		},
		func(e *ends) {
			e.raw("GET /" + closing)
			both(func(c *http.Client, url string) { show(c.Get(url)) })(e)
			fmt.Printf("log: %q\n", e.log.String())
		},
	},
	"goexit": {
		func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "half")
			http.NewResponseController(w).Flush()
			runtime.Goexit()
		},
		func(e *ends) {
			e.raw("GET /" + closing)
			both(func(c *http.Client, url string) { show(c.Get(url)) })(e)
		},
	},
	"statuses": {
		func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/none":
				w.WriteHeader(http.StatusNoContent)
				_, err := io.WriteString(w, "not allowed")
				fmt.Println(err)
			case "/short":
				w.Header().Set("Content-Length", "3")
				n, err := io.WriteString(w, "long")
				fmt.Println(n, err)
			case "/twice":
				w.WriteHeader(201)
				w.WriteHeader(202)
			case "/large":
				_, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 2))
				fmt.Printf("%T %v\n", err, err)
				http.Error(w, "too large", http.StatusRequestEntityTooLarge)
			case "/ranges":
				http.ServeContent(w, r, "a.txt", time.Unix(0, 0), strings.NewReader("0123456789"))
			default:
				w.Header().Set("Content-Type", "application/json")
				io.WriteString(w, `{"a": 1}`)
			}
		},
		func(e *ends) {
			for _, path := range []string{"/none", "/short", "/twice", "/"} {
				e.raw("GET " + path + closing)
			}
			e.raw("HEAD /" + closing)
			e.raw("POST /large" + strings.Replace(closing, "\r\n\r\n", "\r\nContent-Length: 4\r\n\r\n", 1) + "body")
			e.raw("GET /ranges" + strings.Replace(closing, "\r\n\r\n", "\r\nRange: bytes=2-4,6-\r\nIf-None-Match: x\r\n\r\n", 1)[:len(closing)-2] + "Range: bytes=2-4\r\n\r\n")
			fmt.Println(regexp.MustCompile(`\(\w+\.go:\d+\)`).ReplaceAllString(e.log.String(), ""))
		},
	},
}

// frames sends a request of HTTP/2 as a client that takes pushes, and prints the kinds of frames that come back.
func frames(addr string) {
	c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		panic(err)
	}
	defer c.Close()
	const settings, headers, data, push = 4, 1, 0, 5
	frame := func(kind, flags byte, stream uint32, payload string) []byte {
		b := binary.BigEndian.AppendUint32(nil, uint32(len(payload))<<8|uint32(kind))
		return append(binary.BigEndian.AppendUint32(append(b, flags), stream), payload...)
	}
	io.WriteString(c, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	c.Write(frame(settings, 0, 0, ""))
	c.Write(frame(headers, 1|4, 1, "\x82\x84\x87\x01\x01h")) // GET / https, authority h
	var seen []string
	for ended := 0; ended < 2; {
		var header [9]byte
		if _, err := io.ReadFull(c, header[:]); err != nil {
			fmt.Println(err)
			return
		}
		payload := make([]byte, binary.BigEndian.Uint32(header[:])>>8)
		io.ReadFull(c, payload)
		stream := binary.BigEndian.Uint32(header[5:])
		switch header[3] {
		case push:
			seen = append(seen, "a promise")
		case headers:
			seen = append(seen, fmt.Sprint("headers of ", stream))
		case data:
			seen = append(seen, fmt.Sprintf("data of %d: %s", stream, payload))
		}
		if header[3] <= headers && header[4]&1 != 0 {
			ended++
		}
	}
	slices.Sort(seen)
	fmt.Println(seen)
}
