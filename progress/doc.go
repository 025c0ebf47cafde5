// Package progress shows which steps of some work are running. On a terminal it redraws a line for each step in place.
// Elsewhere, as in a log file, it prints one line when a step begins and one when it ends.
package progress
