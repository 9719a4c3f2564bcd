// Package viewer tests the page of `lumigo view` as people use it: a real viewer, started by the real lumigo binary,
// gets spans as exporters send them, and a real Chromium shows them, driven by its keyboard and mouse.
//
// Tests skip, and say so, unless LUMIGO_TEST_BROWSER=1 is set, and where there is no Chromium (Debian's package chromium;
// LUMIGO_TEST_CHROMIUM names another one). These variables change what runs:
//
//	LUMIGO_TEST_STRICT=1           a test that would be skipped fails
//	LUMIGO_TEST_SCREENSHOTS=DIR    pictures of each view are kept in DIR: wide and narrow, light and dark
package viewer
