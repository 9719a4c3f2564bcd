// Package e2e tests the distro as users meet it: real Python programs and servers, started by the real
// lumigo binary or with the real wheel, and a real OTLP receiver at the other end.
//
// Every test that cannot run on a machine is skipped with its reason, and the reasons are printed together
// at the end (go test shows that of a run that passed with -v). A first run makes virtual environments and
// takes minutes longer. These variables change what runs:
//
//	LUMIGO_TEST_FULL=1      the heavy combinations too: every server on every interpreter, a minute of outage, …
//	LUMIGO_TEST_STRICT=1    a test that would be skipped fails
//	LUMIGO_TEST_PYTHON=3.12 the interpreter for tests that need only one; 3.11 if there is one
//	LUMIGO_TEST_KEEP=1      keep each program's output and spans in the test log, also when it passed
//
// With -short only the main job and one interpreter are tested.
package e2e
