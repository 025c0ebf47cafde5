package render

import "testing"

// CompareGolden exports compareGolden to tests outside of the package.
func CompareGolden(tb testing.TB, name string, got []byte) {
	tb.Helper()
	compareGolden(tb, name, got)
}
