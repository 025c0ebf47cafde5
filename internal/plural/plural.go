// Package plural formats numbers together with the noun that they count.
package plural

import "strconv"

// Of returns a number with its noun, as in "1 error" and "2 errors". The plural must end in s.
func Of(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
