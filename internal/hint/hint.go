// Package hint finds what users can do about an error. Errors with a hint have a method Hint() string.
package hint

import "errors"

// Of returns the hint of the first error in err's chain that has one, and "" if none has.
func Of(err error) string {
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		return hinted.Hint()
	}
	return ""
}
