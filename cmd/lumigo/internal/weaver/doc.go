// Package weaver builds Go programs that trace themselves, and leaves the building to the go command.
//
// The go command can read files from other places than their own (its -overlay flag). So a woven build is the
// user's own command with one more flag, and the weaver only has to write what the overlay shows:
//
//   - woven copies of some files of the standard library and of modules, in which functions begin with a call of a
//     hook, on the line of their opening brace, so that every line keeps its number (splice.go);
//   - with them, one added file for each such package, which declares the hooks;
//   - one added file in each main package, and in the external test of each package with tests, which imports the
//     integrations of the packages that it uses (plan.go);
//   - a copy of the user's go.mod that says where these integrations are, and by which other way the woven modules of
//     the module cache are reached, where the go command overlays nothing (module.go).
//
// Nothing of the user's is changed, and nothing is in the environment that programs could see. The module that is
// brought in requires no other, so no version changes; its go.mod has an old go line and each of its files asks
// for the Go that it needs by a build constraint, so the go line of the user's module stays what it is, too.
//
// A plan for a build is kept in the cache with a fingerprint of all that it came from (cache.go), and a new one is
// tried before it is used: integrations that do not compile are left out. If anything else about it fails, the plain
// go command runs (weaver.go).
package weaver
