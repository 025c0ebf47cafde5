package proof_test

import (
	"testing"
	"testing/synctest"

	"github.com/dualstrap/dualstrap/provision/proof/prooftest"
)

// sabotage breaks a network in one place.
type sabotage struct {
	name   string
	change func(*prooftest.Network)
	// found are the results that do not pass, in the form of expectFindings. All others pass.
	found string
}

// expectFound proves a network after each sabotage.
func expectFound(t *testing.T, table []sabotage) {
	t.Helper()
	for _, tt := range table {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := prooftest.New(t)
				tt.change(n)
				report := prove(t, n)
				expectResults(t, report, allResults())
				expectFindings(t, report, tt.found)
			})
		})
	}
}
