// Package standardlibrary runs the standard library's own tests woven and traced. All must pass but those few that are
// about the very thing that tracing adds.
//
// It takes half a minute for what is woven and what is nearest to it, when the packages are compiled already.
// LUMIGO_TEST_FULL=1 adds the runtime itself and more of what stands on it, LUMIGO_TEST_TOOLCHAIN=go1.24.13 takes
// another toolchain.
package standardlibrary
