package mask

import "strings"

// AppendURL appends a URL, or the part of one that begins with its path, with
// its user-info masked and its query and fragment masked by key.
func (m *Masker) AppendURL(dst []byte, url string) []byte {
	url = m.Redact(url)
	if strings.IndexByte(url, '?') < 0 && strings.IndexByte(url, '#') < 0 && !strings.Contains(url, "//") {
		return append(dst, url...) // a path
	}
	w := m.writer(QueryParameters, -1)
	defer m.release(w)
	return append(dst, w.urls(url, true, "")...)
}

// AppendQuery appends a query string, without its question mark, masked by key.
func (m *Masker) AppendQuery(dst []byte, query string) []byte {
	keys := m.matchers[QueryParameters]
	if keys.all {
		if query == "" {
			return dst
		}
		return append(dst, Mask...)
	}
	w := m.writer(QueryParameters, -1)
	defer m.release(w)
	return append(dst, w.form(m.Redact(query), keys)...)
}

// urls masks the URLs in s; whole says that s is nothing but one. What of their
// queries comes after one of ends is left alone.
func (w *Writer) urls(s string, whole bool, ends string) string {
	e := splice{s: s}
	end := 0
	for i := 0; i < len(s); {
		n := strings.Index(s[i:], "//")
		if n < 0 {
			break
		}
		i += n + 2
		if (n == 0 || s[i-3] != ':') && (i > 2 || !whole) { // a path or a comment
			continue
		}
		if i > end {
			end = urlEnd(s, i, whole)
		}
		if at := userInfo(s[i:end], end == len(s)); at >= 0 {
			e.replace(i, i+at, Mask)
			i += at
		}
	}
	s = e.text()
	e = splice{s: s}
	if whole {
		w.query(&e, 0, len(s))
		return e.text()
	}
	end = 0
	for i := 0; ; {
		n := strings.Index(s[i:], "://")
		if n < 0 {
			return e.text()
		}
		start := i + n + len("://")
		if start > end {
			end = urlEnd(s, start, false)
		}
		i = nextURL(s, start, end)
		query := i
		if n := strings.IndexAny(s[start:i], ends); n >= 0 {
			query = start + n
		}
		w.query(&e, start, query)
	}
}

// nextURL is where in the text up to end another URL begins, as in a list, or
// else end.
func nextURL(s string, i, end int) int {
	for {
		n := strings.Index(s[i:end], "://")
		if n < 0 {
			return end
		}
		scheme := i + n
		for scheme > i && (isAlphanumeric(s[scheme-1]) || strings.IndexByte("+-.", s[scheme-1]) >= 0) {
			scheme--
		}
		if scheme > i && strings.IndexByte(",;|", s[scheme-1]) >= 0 {
			return scheme
		}
		i += n + len("://")
	}
}

// urlEnd is where the URL ends at the latest that is part of a text, or whole.
func urlEnd(s string, i int, whole bool) int {
	if whole {
		return len(s)
	}
	for i < len(s) && s[i] > ' ' && strings.IndexByte("\"<>`", s[i]) < 0 {
		i++
	}
	return i
}

// userInfo is the length of the user-info that s, which follows "//", begins
// with, or negative. It also finds one with characters that should have been
// encoded, unless it looks like a host and its port. The text ends with s if
// last; it may have been cut before the "@".
func userInfo(s string, last bool) int {
	end := strings.IndexAny(s, "/?#")
	if end < 0 {
		end = len(s)
	} else {
		last = false
	}
	if at := strings.LastIndexByte(s[:end], '@'); at >= 0 {
		return at
	}
	colon := strings.IndexByte(s[:end], ':')
	if colon < 0 || s[0] == '[' || strings.Trim(s[colon+1:end], "0123456789") == "" {
		return -1
	}
	if last && !isHosts(s) {
		return end
	}
	return strings.LastIndexByte(s[:min(len(s), 256)], '@')
}

// isHosts says whether s is a list of hosts with their ports, as of a cluster,
// or is still to be filled in.
func isHosts(s string) bool {
	for host := range strings.SplitSeq(strings.TrimRight(s, ".,;:!)]}'"), ",") {
		_, port, _ := strings.Cut(host, ":")
		if strings.Trim(port, "0123456789:") != "" && port != "port" && strings.IndexByte("{$%<", port[0]) < 0 {
			return false
		}
	}
	return true
}

// query masks the query and the fragment of the URL between two places. The
// fragment may hold a route with a query of its own.
func (w *Writer) query(e *splice, from, to int) {
	keys := w.m.matchers[QueryParameters]
	n := strings.IndexAny(e.s[from:to], "?#")
	if n < 0 {
		return
	}
	for mark := from + n; mark < to; mark = from {
		start := mark + 1
		from = to // where the next part begins
		if n := strings.IndexByte(e.s[start:to], '#'); n >= 0 {
			from = start + n
		}
		if e.s[mark] == '#' {
			if n := strings.IndexAny(e.s[start:from], "?="); n >= 0 && e.s[start+n] == '?' {
				start += n + 1
			}
		}
		switch {
		case !keys.all:
			w.pairs(e, start, from, keys)
		case start < from:
			e.replace(start, from, Mask)
		}
	}
}
