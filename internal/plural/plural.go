// Package plural writes numbers with what they count, for people.
package plural

import "strconv"

// Of writes a number with its noun, whose plural ends in s: 1 error, 2 errors.
func Of(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
