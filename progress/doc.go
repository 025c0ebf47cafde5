// Package progress tells a person what is going on: on a terminal by lines that are redrawn in place,
// elsewhere by a plain line when a step begins and one when it ends.
package progress
