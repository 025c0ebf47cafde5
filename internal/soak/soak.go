// Package soak sets how long tests go on that repeat random events, such as killing a run at a random moment. make test
// runs a few rounds of each, make soak many.
package soak

import (
	"os"
	"strconv"
	"testing"
)

// variable makes tests run many rounds; its value is the seed of their random numbers.
const variable = "DUALSTRAP_SOAK"

// Rounds returns how many rounds a test runs: few, or many in make soak.
func Rounds(few, many int) int {
	if os.Getenv(variable) == "" {
		return few
	}
	return many
}

// Seed returns the seed of a test's random numbers: its own, or the one that make soak was given. The test fails if that
// is not a number, because a series with an unknown seed cannot be repeated.
func Seed(tb testing.TB, own uint64) uint64 {
	tb.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return own
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		tb.Fatalf("%s is not a seed: %v", variable, err)
	}
	return seed
}
