//go:build integration

package cmd_test

import (
	"cmp"
	"os"
	"strings"
)

// testLabName returns the name of the labs of these tests, of which one is up at a time. Test runs in parallel need different
// names: see tools/integration.sh.
func testLabName() string { return cmp.Or(os.Getenv("DUALSTRAP_TEST_LAB"), "labtest") }

// hostName returns the full name of a lab's host: LAB-cp-1 for cp-1, with the lab's name for LAB.
func hostName(host string) string { return testLabName() + "-" + host }

// named replaces LAB in a text by the lab's name.
func named(text string) string { return strings.ReplaceAll(text, "LAB", testLabName()) }
