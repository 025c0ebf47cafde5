package refusal

import "strings"

// Error reports that dualstrap refuses the operation, because it would damage a cluster or hosts of another one. Nothing was
// changed.
type Error struct {
	// Reasons lists everything that has to change before the operation is possible, as clauses without a period.
	Reasons []string
}

// Because returns an [Error] with these reasons.
func Because(reasons ...string) error { return &Error{Reasons: reasons} }

// IfAny returns an [Error] with the reasons, or nil without reasons.
func IfAny(reasons []string) error {
	if len(reasons) == 0 {
		return nil
	}
	return Because(reasons...)
}

// Error implements error.
func (e *Error) Error() string {
	return "refused, nothing was changed: " + strings.Join(e.Reasons, "; ")
}
