// Package soak sets how long tests go on that repeat random events, such as killing a run at a random moment. make test
// runs a few rounds of each, make soak many.
package soak

import (
	"os"
	"strconv"
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

// Seed returns the seed of a test's random numbers: its own, or the one that make soak was given. It panics where that is
// not a number, because a series with an unknown seed cannot be repeated.
func Seed(own uint64) uint64 {
	text := os.Getenv(variable)
	if text == "" {
		return own
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		panic(variable + " is not a seed: " + err.Error()) //nolint:forbidigo // it ends a test, which has no other way
	}
	return seed
}
