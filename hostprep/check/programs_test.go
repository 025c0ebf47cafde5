package check

import (
	"slices"
	"testing"

	"github.com/dualstrap/dualstrap/hostprep/osfamily"
)

// TestProgramsAreProbed verifies that the probe looks for every program, and that its package is known.
func TestProgramsAreProbed(t *testing.T) {
	t.Parallel()
	known := osfamily.Programs()
	for _, program := range programs() {
		if !slices.Contains(known, program.Name) {
			t.Errorf("the table of package osfamily lacks %s", program.Name)
		}
	}
}
