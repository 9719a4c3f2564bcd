package viewer

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"
)

// A foreign web page can make its visitor's browser send requests to 127.0.0.1. It must neither read traces nor
// write any:
//
//   - The Host must be this machine's. A page of evil.example whose name turns into 127.0.0.1 once it is loaded
//     (DNS rebinding) would be of the same origin as the viewer, but the browser says evil.example.
//   - An Origin, which browsers send along with whatever could change something or be read across origins, must be
//     the viewer's own; so must the site that Sec-Fetch-Site tells of.
//
// Programs send neither, and can do what the user can.

const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// answerTimeout is how long a client may take to read an answer. What follows traces sets its own.
const answerTimeout = 2 * time.Minute

// guard lets h answer what comes from this machine's programs and from the viewer's own page.
func (s *Server) guard(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer s.recover(w)
		header := w.Header()
		header.Set("Content-Security-Policy", contentSecurityPolicy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("X-Frame-Options", "DENY")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		isPage := !strings.HasPrefix(r.URL.Path, "/api/") && !strings.HasPrefix(r.URL.Path, "/v1/")
		if isPage {
			header.Set("Cache-Control", "no-cache")
		} else {
			header.Set("Cache-Control", "no-store")
		}
		http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerTimeout))
		if !s.hosts.has(r.Host) {
			refuse(w, http.StatusForbidden, fmt.Sprintf("the host %q is not this viewer's", r.Host), "use "+s.URL())
			return
		}
		if !isPage && isForeign(r) {
			refuse(w, http.StatusForbidden, fmt.Sprintf("web pages of another site (%q) may not use this viewer", r.Header.Get("Origin")), "open "+s.URL())
			return
		}
		h.ServeHTTP(w, r)
	})
}

// recover keeps a mistake of ours from being more than a failed request.
func (s *Server) recover(w http.ResponseWriter) {
	if r := recover(); r != nil {
		if r == http.ErrAbortHandler {
			panic(r)
		}
		s.options.Warn(fmt.Sprintf("internal error in the viewer: %v", r))
		refuse(w, http.StatusInternalServerError, "internal error in the viewer", "please report it")
	}
}

// isForeign reports whether a browser says that a page of another origin makes the request.
func isForeign(r *http.Request) bool {
	for _, origin := range r.Header.Values("Origin") {
		if origin != "http://"+r.Host {
			return true
		}
	}
	for _, site := range r.Header.Values("Sec-Fetch-Site") {
		if site != "same-origin" && site != "none" {
			return true
		}
	}
	return false
}

// hosts are the names under which a viewer may be reached, whatever the port: it may be forwarded.
type hosts struct {
	shown  string // host and port, for people
	listen string // the host that it listens on, in lower case
	any    bool   // it listens on all addresses: all of them are its own, and the machine's name
}

func hostsOf(listen string, address net.Addr) hosts {
	host, _, _ := net.SplitHostPort(listen)
	_, port, _ := net.SplitHostPort(address.String())
	h := hosts{listen: strings.ToLower(host)}
	ip, err := netip.ParseAddr(host)
	if h.any = host == "" || err == nil && ip.IsUnspecified(); h.any {
		host = "127.0.0.1"
	}
	h.shown = net.JoinHostPort(host, port)
	return h
}

func (h hosts) has(hostport string) bool {
	host := hostport
	if name, _, err := net.SplitHostPort(hostport); err == nil {
		host = name
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if host == "" {
		return false
	}
	if host == "localhost" || host == h.listen {
		return true
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.IsLoopback() || h.any
	}
	name, err := os.Hostname()
	return h.any && err == nil && host == strings.ToLower(name)
}

func isLoopback(address net.Addr) bool {
	tcp, ok := address.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// mostConnections bounds the connections, each of which takes memory and a descriptor.
const mostConnections = 256

// limitConnections makes further connections wait while there are too many.
func limitConnections(l net.Listener) net.Listener {
	return &limitedListener{l, make(chan struct{}, mostConnections)}
}

type limitedListener struct {
	net.Listener
	open chan struct{}
}

func (l *limitedListener) Accept() (net.Conn, error) {
	l.open <- struct{}{}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.open
		return nil, err
	}
	return &limitedConn{Conn: c, release: sync.OnceFunc(func() { <-l.open })}, nil
}

type limitedConn struct {
	net.Conn
	release func()
}

func (c *limitedConn) Close() error {
	defer c.release()
	return c.Conn.Close()
}
