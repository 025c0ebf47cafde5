package build

// Error reports why a bundle cannot be built, with a hint about the remedy.
type Error struct {
	What, HintText string
	// Err is the cause, or nil.
	Err error
}

// Error implements error.
func (e *Error) Error() string { return e.What }

// Hint returns the remedy.
func (e *Error) Hint() string { return e.HintText }

// Unwrap returns the cause, or nil.
func (e *Error) Unwrap() error { return e.Err }
