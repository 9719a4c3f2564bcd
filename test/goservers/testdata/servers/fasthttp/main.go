// Command fasthttp is a server with fasthttp and nothing above it, which calls itself by fasthttp's client.
package main

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	"example.com/servers/local"
	"github.com/valyala/fasthttp"
)

func main() {
	l := local.Listen()
	base := "http://" + l.Addr().String()
	late := fasthttp.TimeoutHandler(func(*fasthttp.RequestCtx) { select {} }, 10*time.Millisecond, "too late")
	packed := fasthttp.CompressHandler(func(ctx *fasthttp.RequestCtx) {
		ctx.SetContentType("text/plain")
		io.WriteString(ctx, strings.Repeat("hello ", 1000))
	})
	server := &fasthttp.Server{Handler: func(ctx *fasthttp.RequestCtx) {
		switch string(ctx.Path()) {
		case "/hello":
			io.WriteString(ctx, "hello")
		case "/ask":
			req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
			defer fasthttp.ReleaseRequest(req)
			defer fasthttp.ReleaseResponse(resp)
			req.SetRequestURI(base + "/echo")
			req.Header.SetMethod("POST")
			req.Header.Set("X-Own", "1")
			req.SetBodyString("asked")
			err := fasthttp.Do(req, resp)
			fmt.Fprintf(ctx, "%d %s %v\n%s", resp.StatusCode(), resp.Body(), err, req.Header.String()) // what was set here, and no more
		case "/refused":
			_, _, err := fasthttp.Get(nil, "http://127.0.0.1:1/")
			fmt.Fprint(ctx, err)
		case "/echo":
			ctx.SetStatusCode(201)
			ctx.SetContentTypeBytes(ctx.Request.Header.ContentType())
			ctx.Write(ctx.PostBody())
		case "/form":
			form, err := ctx.MultipartForm()
			if err == nil {
				fmt.Fprint(ctx, form.Value)
			}
		case "/stream":
			ctx.SetBodyStreamWriter(func(w *bufio.Writer) {
				for i := range 3 {
					fmt.Fprintln(w, "tick", i)
					w.Flush()
				}
			})
		case "/gzip":
			packed(ctx)
		case "/late":
			late(ctx)
		case "/upgrade":
			ctx.SetStatusCode(101)
			ctx.Response.Header.Set("Connection", "Upgrade")
			ctx.Response.Header.Set("Upgrade", "echo")
			ctx.Hijack(func(c net.Conn) {
				p := make([]byte, 4)
				io.ReadFull(c, p)
				c.Write(p)
			})
		case "/goroutine": // one of a pool, so that only the context tells what it works for
			done := make(chan string)
			jobs <- func() {
				req, _ := http.NewRequestWithContext(ctx, "GET", base+"/hello", nil)
				resp, err := http.DefaultClient.Do(req)
				if err != nil {
					done <- err.Error()
					return
				}
				defer resp.Body.Close()
				body, _ := io.ReadAll(resp.Body)
				done <- string(body)
			}
			io.WriteString(ctx, <-done)
		default:
			ctx.Error("not here", 404)
		}
	}}
	go func() {
		for job := range jobs {
			job()
		}
	}()
	log.Fatal(server.Serve(l))
}

var jobs = make(chan func())
