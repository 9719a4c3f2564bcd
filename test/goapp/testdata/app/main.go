// Command app is an ordinary server that knows nothing of tracing. It asks itself what its arguments say, prints the
// answers, and ends as the last argument says.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	_ "example.com/app/fakesqlite"
)

var hanging = make(chan struct{}) // closed by the only request that never ends

var odd = []any{"lonely"}

var (
	db   *sql.DB
	base string
)

func main() {
	byDefault := slog.Default() // which writes to the standard logger
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stdout, nil)))
	log.SetOutput(io.Discard)
	db, _ = sql.Open("fakesqlite", "x")
	mux := http.NewServeMux()
	mux.HandleFunc("POST /orders/{id}", order)
	mux.HandleFunc("/inner", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "inner") })
	mux.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) { panic(errors.New("boom")) })
	mux.HandleFunc("/abort", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	mux.HandleFunc("/goexit", func(http.ResponseWriter, *http.Request) { runtime.Goexit() })
	mux.HandleFunc("/proxy", func(w http.ResponseWriter, r *http.Request) {
		target, _ := url.Parse(base)
		r.URL.Path = "/inner"
		httputil.NewSingleHostReverseProxy(target).ServeHTTP(w, r)
	})
	mux.HandleFunc("/empty", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/missing", http.NotFound)
	mux.HandleFunc("/teapot", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(503) })
	mux.HandleFunc("/hints", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</a.css>")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusAccepted)
		io.WriteString(w, "later")
	})
	mux.HandleFunc("/hang", func(w http.ResponseWriter, r *http.Request) {
		close(hanging)
		select {}
	})
	mux.HandleFunc("/hijack", func(w http.ResponseWriter, r *http.Request) {
		c, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello")
		rw.Flush()
		time.AfterFunc(50*time.Millisecond, func() { c.Close() }) // after the handler has returned
	})
	mux.HandleFunc("/log", func(w http.ResponseWriter, r *http.Request) { writeLog(w, byDefault) })
	mux.HandleFunc("/interfaces", func(w http.ResponseWriter, r *http.Request) {
		_, flusher := w.(http.Flusher)
		_, hijacker := w.(http.Hijacker)
		_, readerFrom := w.(io.ReaderFrom)
		_, pusher := w.(http.Pusher)
		_, stringWriter := w.(io.StringWriter)
		fmt.Fprintf(w, "%T %T %v %v %v %v %v", w, r.Body, flusher, hijacker, readerFrom, pusher, stringWriter)
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	base = "http://" + l.Addr().String()
	go http.Serve(l, mux)
	secure := httptest.NewUnstartedServer(mux)
	secure.EnableHTTP2 = true
	secure.StartTLS()
	h2 := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}}

	for _, arg := range os.Args[1:] {
		switch arg {
		case "order":
			post(http.DefaultClient, base, "")
		case "expect":
			post(http.DefaultClient, base, "100-continue")
		case "h2":
			post(h2, secure.URL, "")
		case "query":
			rows, err := db.Query("SELECT n FROM t WHERE password = ? AND a = ?", "geheim", 1)
			if err == nil {
				rows.Close()
			}
			db.Query("SELECT FAIL")
		case "statements":
			statements(context.Background())
		case "hijack":
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				panic(err)
			}
			fmt.Fprintf(c, "GET /hijack HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
			answer, _ := io.ReadAll(bufio.NewReader(c))
			fmt.Printf("%q\n", answer)
		case "h2/interfaces":
			get(h2, secure.URL+"/interfaces")
		case "conn":
			overConn(base + "/empty")
		case "hang":
			go get(http.DefaultClient, base+"/hang?token=geheim")
			<-hanging
		case "pause": // for what is done in the background
			time.Sleep(300 * time.Millisecond)
		case "log":
			writeLog(os.Stdout, byDefault)
		case "pid":
			fmt.Println("pid", os.Getpid())
		case "serve":
			fmt.Println("serving", base)
			select {}
		case "serve-notify":
			c := make(chan os.Signal, 1)
			signal.Notify(c, syscall.SIGTERM)
			fmt.Println("serving", base)
			<-c
			fmt.Println("bye")
		case "lock-in":
			lockIn(os.Args[2:])
		case "exits": // others exit as well, once they are told that this one has begun to
			go func() {
				io.Copy(io.Discard, os.Stdin)
				for range 64 {
					go os.Exit(4)
				}
			}()
			if len(os.Args) > 3 {
				panic("crash")
			}
			os.Exit(3)
		case "exit":
			os.Exit(3)
		case "fatal":
			log.Fatal("fatal")
		case "crash":
			panic("crash")
		case "terminate":
			syscall.Kill(os.Getpid(), syscall.SIGTERM)
			select {}
		case "kill":
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		case "fatal-error":
			new(sync.Mutex).Unlock()
		case "go-crash":
			go func() { var m map[string]int; m["x"] = 1 }()
			time.Sleep(time.Hour)
		default:
			if name, ok := strings.CutPrefix(arg, "wire/"); ok {
				wire(name)
				continue
			}
			get(http.DefaultClient, base+arg)
		}
	}
}

// writeLog writes lines in all the ways there are.
func writeLog(w io.Writer, byDefault *slog.Logger) {
	l := log.New(w, "app: ", log.Lshortfile|log.Lmsgprefix)
	l.Print("a line")
	l.Println("with", "a newline")
	l.Printf("two\nlines\r\n\n")
	l.Print()
	l.Print(`{"json":true}`)
	l.Print("own trace_id=1")
	l.Output(1, "from here")
	log.New(w, "bare ", 0).Print("of another logger")
	log.SetOutput(w)
	log.Print("of the standard logger")
	byDefault.Info("of slog's default handler", "id", 7)
	log.SetOutput(io.Discard)
	text := slog.NewTextHandler(w, &slog.HandlerOptions{AddSource: true, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		switch source, ok := a.Value.Any().(*slog.Source); {
		case ok:
			return slog.Int("line", source.Line)
		case a.Key == slog.TimeKey:
			return slog.Attr{}
		}
		return a
	}})
	slog.NewLogLogger(text, slog.LevelWarn).Print("by slog")
	slog.New(text).Info("own", "trace_id", "1")
	slog.New(text).LogAttrs(context.Background(), slog.LevelInfo, "own", slog.String("trace_id", "1"))
	slog.New(text).LogAttrs(context.Background(), slog.LevelInfo, "attributes", slog.Int("id", 7))
}

func get(c *http.Client, url string) {
	resp, err := c.Get(url)
	if err != nil {
		fmt.Println("error", strings.Contains(err.Error(), "EOF"))
		return
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	fmt.Println(resp.StatusCode, string(body), resp.Request.URL == nil, resp.Request.Header.Get("Traceparent"))
}

func post(c *http.Client, base, expect string) {
	req, _ := http.NewRequest("POST", base+"/orders/7?token=geheim", strings.NewReader(`{"password":"geheim","amount":3}`))
	req.Header.Set("Content-Type", "application/json")
	if expect != "" {
		req.Header.Set("Expect", expect)
	}
	resp, err := c.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	fmt.Println(resp.StatusCode, string(body), resp.Request == req, len(req.Header))
}

// statements runs one in each way there is.
func statements(ctx context.Context) {
	check := func(_ any, err error) {
		if err != nil {
			panic(err)
		}
	}
	query := func(rows *sql.Rows, err error) {
		check(rows, err)
		rows.Close()
	}
	query(db.Query("SELECT 1"))
	query(db.QueryContext(ctx, "SELECT 2"))
	check(db.Exec("SELECT 3"))
	check(db.ExecContext(ctx, "SELECT 4"))
	n := 0
	check(nil, db.QueryRow("SELECT 5").Scan(&n))
	tx, err := db.BeginTx(ctx, nil)
	check(tx, err)
	query(tx.Query("SELECT 6"))
	check(tx.Exec("SELECT 7"))
	c, err := db.Conn(ctx)
	check(c, err)
	query(c.QueryContext(ctx, "SELECT 8"))
	check(c.ExecContext(ctx, "SELECT 9"))
	check(nil, c.Close())
	for _, prepare := range []func(string) (*sql.Stmt, error){db.Prepare, tx.Prepare} {
		s, err := prepare("SELECT 10")
		check(s, err)
		query(s.Query())
		check(s.Exec())
		check(nil, s.QueryRowContext(ctx).Scan(&n))
		check(nil, s.Close())
	}
	check(nil, tx.Commit())
	fmt.Println(n)
}

// order passes no context to anything, and does some of its work in goroutines.
func order(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var group sync.WaitGroup
	group.Add(1)
	go func() {
		defer group.Done()
		resp, err := http.Get(base + "/inner")
		if err == nil {
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
	}()
	group.Wait()
	rows, err := db.Query("SELECT n FROM t WHERE id = ?", r.PathValue("id"))
	if err == nil {
		rows.Close()
	}
	if tx, err := db.Begin(); err == nil {
		tx.Exec("INSERT INTO t (id, password) VALUES (?, ?)", 7, "geheim")
		tx.Commit()
	}
	slog.Info("ordered", "id", r.PathValue("id"))
	slog.InfoContext(context.Background(), "odd", odd...)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Api-Key", "geheim")
	fmt.Fprintf(w, `{"ok":true,"length":%d}`, len(body))
}
