package store

import (
	"math"
	"net"
	"net/url"
	"strconv"

	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

// A scanner reads of a span what the index needs. It is not safe for concurrent use.
type scanner struct {
	onKey func(key []byte) // is called with the key of every attribute

	httpStatus, port          int64
	database, namespace       string
	messaging, destination    string
	service, address, peerURL string
}

// scanned is what there is to know of a span before it has a place.
type scanned struct {
	otlp.SpanData
	attributes, events int
	httpStatus         int64
	peer               string
	fingerprint        uint64
}

func (c *scanner) scan(b []byte) (s scanned, err error) {
	*c = scanner{onKey: c.onKey}
	s.SpanData, s.attributes, s.events, err = otlp.ScanSpan(b, c.attribute)
	s.Start, s.End = clamp(s.Start), clamp(s.End)
	s.httpStatus, s.peer = c.httpStatus, c.peer(s.Kind)
	s.fingerprint = fingerprint(s.SpanID, s.ParentID, s.Start, s.End, shorten(s.Name))
	return s, err
}

// clamp keeps a time where its differences are small enough to count with.
func clamp(ns uint64) uint64 { return min(ns, math.MaxInt64) }

// attribute takes note of those by the semantic conventions, of today and of former days, that tell whom a span
// calls.
func (c *scanner) attribute(key []byte, value otlp.RawValue) {
	c.onKey(key)
	switch string(key) {
	case "http.response.status_code", "http.status_code":
		c.httpStatus = value.Int()
	case "db.system.name", "db.system":
		c.database = value.Text()
	case "db.namespace", "db.name":
		c.namespace = value.Text()
	case "messaging.system":
		c.messaging = value.Text()
	case "messaging.destination.name", "messaging.destination":
		c.destination = value.Text()
	case "peer.service", "service.peer.name":
		c.service = value.Text()
	case "server.address", "net.peer.name", "http.host":
		c.address = value.Text()
	case "server.port", "net.peer.port":
		c.port = value.Int()
	case "url.full", "http.url":
		c.peerURL = value.Text()
	}
}

// Kinds of peers.
const (
	PeerDatabase  = "database"
	PeerMessaging = "messaging"
	PeerExternal  = "external"
)

const peerSeparator = "\x00"

// peer says whom the span talks to, if it is one that talks to somebody: the kind and the name.
func (c *scanner) peer(kind otlp.Kind) string {
	if kind != otlp.KindClient && kind != otlp.KindProducer && kind != otlp.KindConsumer {
		return ""
	}
	named := func(system, name string) string {
		if name == "" || name == system {
			return system
		}
		return system + " " + name
	}
	switch {
	case c.database != "":
		return PeerDatabase + peerSeparator + named(c.database, c.namespace)
	case c.messaging != "":
		return PeerMessaging + peerSeparator + named(c.messaging, c.destination)
	case kind != otlp.KindClient:
		return ""
	case c.service != "":
		return PeerExternal + peerSeparator + c.service
	case c.address != "":
		if c.port > 0 && c.port != 80 && c.port != 443 {
			return PeerExternal + peerSeparator + net.JoinHostPort(c.address, strconv.FormatInt(c.port, 10))
		}
		return PeerExternal + peerSeparator + c.address
	case c.peerURL != "":
		if u, err := url.Parse(c.peerURL); err == nil && u.Host != "" {
			return PeerExternal + peerSeparator + u.Host
		}
	}
	return ""
}
