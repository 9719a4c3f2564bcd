package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lumigo-io/opentelemetry-distro/test/receiver"
)

// A node is a span with those below it, in the order in which they began.
type node struct {
	receiver.Span
	children []*node
}

func (n *node) title() string { return n.Kind + " " + n.Name }

// forest makes trees of spans.
func forest(spans []receiver.Span) []*node {
	top := &node{}
	above := []*node{top} // by depth
	receiver.Walk(spans, func(s receiver.Span, depth int) {
		n := &node{Span: s}
		above = append(above[:depth+1], n)
		above[depth].children = append(above[depth].children, n)
	})
	return top.children
}

// A comparison is what two tracers' spans of the same program differ in.
type comparison struct {
	pairs       int
	differences []string
	additions   map[string]bool // the attributes that ours have and upstream's have not
}

// compare pairs the spans that stand in the same place of both trees, and looks at what they say.
func (c *comparison) compare(theirs, ours []*node) {
	for {
		pairs := align(theirs, ours)
		lifted := false
		for _, n := range theirs {
			if len(n.children) > 0 && !slices.ContainsFunc(pairs, func(p pair) bool { return p.theirs == n }) {
				// What stands below a span of upstream's only may have its like among ours, one floor higher.
				c.add("upstream alone has %s", n.title())
				at := slices.Index(theirs, n)
				theirs = slices.Replace(slices.Clone(theirs), at, at+1, n.children...)
				lifted = true
				break
			}
		}
		if lifted {
			continue
		}
		for _, n := range theirs {
			if !slices.ContainsFunc(pairs, func(p pair) bool { return p.theirs == n }) {
				c.add("upstream alone has %s", n.title())
			}
		}
		for _, n := range ours {
			if !slices.ContainsFunc(pairs, func(p pair) bool { return p.ours == n }) {
				c.add("we alone have %s", n.title())
				c.requires(n.title(), n.Span)
				c.compare(nil, n.children)
			}
		}
		for _, p := range pairs {
			c.pairs++
			c.span(p.theirs.Span, p.ours.Span)
			c.compare(p.theirs.children, p.ours.children)
		}
		return
	}
}

func (c *comparison) add(format string, args ...any) {
	c.differences = append(c.differences, fmt.Sprintf(format, args...))
}

// successors are the stable names of former ones, whose values must still be the same.
var successors = map[string]string{
	"db.mongodb.collection": "db.collection.name",
	"db.name":               "db.namespace",
	"db.operation":          "db.operation.name",
	"db.statement":          "db.query.text",
	"db.system":             "db.system.name",
	"gen_ai.system":         "gen_ai.provider.name",
	"http.host":             "server.address",
	"http.method":           "http.request.method",
	"http.scheme":           "url.scheme",
	"http.status_code":      "http.response.status_code",
	"http.url":              "url.full",
	"http.user_agent":       "user_agent.original",
	"messaging.destination": "messaging.destination.name",
	"net.host.name":         "server.address",
	"net.peer.ip":           "network.peer.address",
	"net.peer.name":         "server.address",
}

// volatile are attributes that differ from run to run.
var volatile = []string{"network.peer.port", "client.port", "net.peer.port", "thread.id", "thread.name"}

// span compares two spans of the same kind.
func (c *comparison) span(theirs, ours receiver.Span) {
	title := theirs.Kind + " " + theirs.Name
	if theirs.Name != ours.Name {
		c.add("%s: the name is %s", title, ours.Name)
	}
	if theirs.Status != ours.Status {
		c.add("%s: the status is %s instead of %s", title, ours.Status, theirs.Status)
	}
	for _, key := range sorted(theirs.Attributes) {
		want, got := fmt.Sprint(theirs.Attributes[key]), ours.Attributes[key]
		switch {
		case slices.Contains(volatile, key):
		case got == nil:
			c.add("%s: %s is missing", title, key)
			now := successors[key]
			if got := fmt.Sprint(ours.Attributes[now]); now != "" && want != "" && theirs.Attributes[now] == nil && got != want {
				c.add("%s: %s is %.80s instead of %.80s in %s", title, now, got, want, key)
			}
		case fmt.Sprint(got) != want:
			c.add("%s: %s is %.80s instead of %.80s", title, key, fmt.Sprint(got), want)
		}
	}
	for key := range ours.Attributes {
		if theirs.Attributes[key] == nil && !slices.Contains(volatile, key) {
			c.additions[key] = true
		}
	}
	c.requires(title, ours)
}

// requires looks for what the conventions require of a span of ours.
func (c *comparison) requires(title string, ours receiver.Span) {
	for _, key := range required(ours) {
		if ours.Attributes[key] == nil {
			c.add("%s: %s is missing, which the conventions require", title, key)
		}
	}
}

// required are the attributes that the stable semantic conventions require of a span.
func required(s receiver.Span) []string {
	var keys []string
	switch {
	case s.Attributes["db.system.name"] != nil:
		if s.Attributes["db.query.text"] != nil && s.Attributes["db.system.name"] != "sqlite" { // which has no server
			keys = append(keys, "server.address")
		}
	case s.Attributes["messaging.system"] != nil:
		keys = append(keys, "messaging.operation.name")
	case s.Attributes["gen_ai.provider.name"] != nil:
		keys = append(keys, "gen_ai.operation.name", "gen_ai.request.model")
	case s.Attributes["http.request.method"] == nil:
		return nil
	case s.Kind == "CLIENT":
		keys = append(keys, "url.full", "server.address", "server.port")
	case s.Kind == "SERVER":
		keys = append(keys, "url.path", "url.scheme")
	}
	if s.Status == "ERROR" {
		keys = append(keys, "error.type")
	}
	return keys
}

type pair struct{ theirs, ours *node }

// align pairs as many as possible of two rows of spans, the most similar with one another, without a change of order.
func align(theirs, ours []*node) []pair {
	stated := func(n *node) bool { return first(n.Attributes, statements) != nil }
	// Where upstream shows statements, a span without one is not of a statement, but of a connection, say.
	shows := slices.ContainsFunc(theirs, stated)
	similarity := func(a, b *node) int {
		if shows && !stated(a) && stated(b) || first(a.Attributes, methods) != nil && first(b.Attributes, methods) == nil {
			return 0
		}
		return similarity(a, b)
	}
	best := make([][]int, len(theirs)+1) // of the rests from i and j on
	for i := range best {
		best[i] = make([]int, len(ours)+1)
	}
	for i := len(theirs) - 1; i >= 0; i-- {
		for j := len(ours) - 1; j >= 0; j-- {
			best[i][j] = max(best[i+1][j], best[i][j+1])
			if s := similarity(theirs[i], ours[j]); s > 0 {
				best[i][j] = max(best[i][j], s+best[i+1][j+1])
			}
		}
	}
	var pairs []pair
	for i, j := 0, 0; i < len(theirs) && j < len(ours); {
		s := similarity(theirs[i], ours[j])
		switch {
		case s > 0 && best[i][j] == s+best[i+1][j+1]:
			pairs = append(pairs, pair{theirs[i], ours[j]})
			i, j = i+1, j+1
		case best[i][j] == best[i+1][j]:
			i++
		default:
			j++
		}
	}
	return pairs
}

// similarity is 0 for spans that cannot be of the same thing.
func similarity(a, b *node) int {
	if a.Kind != b.Kind {
		return 0
	}
	alike := 1
	if operation(a.Name) == operation(b.Name) {
		alike += 2
	}
	if a.Name == b.Name {
		alike++
	}
	if a.Status == b.Status {
		alike++
	}
	for _, names := range telling {
		x, y := first(a.Attributes, names), first(b.Attributes, names)
		if x == nil || y == nil {
			continue
		}
		switch x, y := word(fmt.Sprint(x), "?"), word(fmt.Sprint(y), "?"); {
		case x == y:
			alike += 4
		case !strings.Contains(x, y) && !strings.Contains(y, x):
			alike--
		}
	}
	if d := first(a.Attributes, destinations); d != nil && d == first(b.Attributes, destinations) {
		alike += 4
	}
	if alike <= 1 { // in nothing but their kind
		return 0
	}
	return alike
}

// telling are attributes that tell one operation from another, under their stable and former names.
var telling = [][]string{
	{"url.full", "http.url"}, {"url.path", "http.target"}, statements, {"http.response.status_code", "http.status_code"},
}

var statements = []string{"db.query.text", "db.statement"}

var destinations = []string{"messaging.destination.name", "messaging.destination"} // which upstream has other words for, at times

var methods = []string{"http.request.method", "http.method"} // which requests by HTTP have

// first is the value of the first of these attributes that there is.
func first(attributes map[string]any, names []string) any {
	for _, name := range names {
		if value := attributes[name]; value != nil {
			return value
		}
	}
	return nil
}

// operation is what a name begins with, without the database or service that upstream puts before some.
func operation(name string) string {
	first := word(name, " ")
	return strings.ToLower(first[strings.LastIndexByte(first, '.')+1:])
}

// word is the text before a separator.
func word(text, separator string) string {
	before, _, _ := strings.Cut(text, separator)
	return before
}

func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
