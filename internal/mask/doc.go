// Package mask keeps secrets out of everything that the distro writes, sends
// or shows: it replaces the values whose keys look like secrets by ****.
//
// [New] builds a [Masker] from the masking variables. Its [Masker.NewWriter]
// dumps structured values in the original distro's format (Python's
// json.dumps), and its Append methods mask text: bodies, headers, URLs, SQL
// and the environment; [Masker.Message] masks prose. All of them take any input: what is cut short, invalid
// or hostile is masked as far as it can be read, in time linear to its length,
// and never makes them fail.
//
// A key matches when a pattern matches at its start, in any case, as with
// Python's re.match. The value is never looked at, except for what it carries
// inside (JSON, forms, URLs, XML, tables, lines of keys and values), for the
// tracer token, which is replaced wherever it stands, and in prose, where it has
// to look like a secret.
//
// What is masked beyond what the original masks, and what is not masked, is
// listed in docs/masking.md, which the tests of this package check.
package mask
