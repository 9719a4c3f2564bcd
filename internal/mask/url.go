package mask

import "strings"

// AppendURL appends a URL, or the part of one that begins with its path, with
// its user-info masked and its query and fragment masked by key.
func (m *Masker) AppendURL(dst []byte, url string) []byte {
	w := m.writer(QueryParameters, -1)
	defer m.release(w)
	return append(dst, w.urls(m.redact(url), true)...)
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
	return append(dst, w.form(m.redact(query), keys)...)
}

// urls masks the URLs in s; whole says that s is nothing but one.
func (w *Writer) urls(s string, whole bool) string {
	e := splice{s: s}
	stop := 0 // where the text ends that has no blank in it
	for i := 0; i < len(s); {
		n := strings.Index(s[i:], "//")
		start := i + n
		if n < 0 || whole && strings.ContainsAny(s[i:start], "?#") {
			if whole {
				w.query(&e, i, len(s))
			}
			break
		}
		authority := start + 2
		if start > 0 && s[start-1] != ':' || start == 0 && !whole { // a path or a comment
			i = authority
			continue
		}
		if authority > stop {
			stop = len(s)
			if !whole {
				stop = urlEnd(s, authority)
			}
		}
		end := stop
		host := authority
		if at := userInfo(s[authority:end]); at >= 0 {
			e.replace(authority, authority+at, Mask)
			host += at
		}
		if !whole { // another URL may be in this one, or follow without a blank
			if n := strings.Index(s[host:end], "://"); n >= 0 && strings.IndexByte(s[host:host+n], '?') < 0 {
				end = host + n
			}
		}
		w.query(&e, host, end)
		i = end
	}
	return e.text()
}

// urlEnd is where the URL ends that is part of a text.
func urlEnd(s string, i int) int {
	for i < len(s) && s[i] > ' ' && strings.IndexByte("\"<>`", s[i]) < 0 {
		i++
	}
	return i
}

// userInfo is the length of the user-info that s, which follows "//", begins
// with, or negative. It also finds one with characters that should have been
// encoded, unless it looks like a host and its port.
func userInfo(s string) int {
	end := strings.IndexAny(s, "/?#")
	if end < 0 {
		end = len(s)
	}
	if at := strings.LastIndexByte(s[:end], '@'); at >= 0 {
		return at
	}
	colon := strings.IndexByte(s[:end], ':')
	if colon < 0 || s[0] == '[' || strings.Trim(s[colon+1:end], "0123456789") == "" {
		return -1
	}
	return strings.LastIndexByte(s[:min(len(s), 256)], '@')
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
