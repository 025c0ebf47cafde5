package build

// Error is why a bundle cannot be built, and what to do about it.
type Error struct {
	What, HintText string
	Err            error
}

// Error implements error.
func (e *Error) Error() string { return e.What }

// Hint says what to do.
func (e *Error) Hint() string { return e.HintText }

// Unwrap gives the cause, if it is one of its own.
func (e *Error) Unwrap() error { return e.Err }
