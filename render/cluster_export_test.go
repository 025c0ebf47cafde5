package render

import "testing"

// CompareGolden is compareGolden for tests outside the package.
func CompareGolden(tb testing.TB, name string, got []byte) {
	tb.Helper()
	compareGolden(tb, name, got)
}
