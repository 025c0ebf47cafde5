//go:build integration

package cmd_test

import (
	"cmp"
	"os"
	"strings"
)

// testLabName returns the name of all labs of these tests, which are up one after the other. Test runs beside each other
// have others.
func testLabName() string { return cmp.Or(os.Getenv("DUALSTRAP_TEST_LAB"), "labtest") }

// hostName returns the name of a lab's host, as in LAB-cp-1.
func hostName(host string) string { return testLabName() + "-" + host }

// named returns a text with the lab's name for LAB.
func named(text string) string { return strings.ReplaceAll(text, "LAB", testLabName()) }
