package tracer

import "strings"

// SetRoute names a span of an HTTP server by the patterns that its request has matched, as routers tell of them: each
// is told of before those of the routers below it, and perhaps once more after them.
func (id *Identity) SetRoute(pattern string) bool {
	return id.with(func(s *Span) { s.route = joinRoutes(s.route, pattern) })
}

// joinRoutes puts the pattern of a router below the route so far, if that leaves something open. Where a router below
// gets the request without the part of the path that has been matched, so is its pattern.
func joinRoutes(route, pattern string) string {
	if route == "" || route == pattern {
		return pattern
	}
	path := pathOf(route)
	above, open := prefix(path)
	if !open {
		return route
	}
	below := pathOf(pattern)
	outer, _ := prefix(below)
	switch {
	case !strings.HasPrefix(below, "/") || strings.Contains(path, outer+"/"):
		return route // it is known already
	case strings.HasPrefix(below, above+"/"):
		return pattern
	}
	return above + below
}

// pathOf is the pattern of a path alone, of one that may also name a method and a host.
func pathOf(pattern string) string { return pattern[max(0, strings.IndexByte(pattern, '/')):] }

// prefix is what a pattern of a path says of the beginning of paths, and whether it leaves open what follows.
func prefix(path string) (string, bool) {
	last := strings.LastIndexByte(path, '/')
	if last < 0 {
		return path, false
	}
	switch end := path[last+1:]; {
	case end == "", end == "*", strings.HasPrefix(end, "{") && strings.HasSuffix(end, "...}"):
		return path[:last], true
	}
	return path, false
}
