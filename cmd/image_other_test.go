//go:build !integration

package cmd_test

// makeImage does nothing: only integration tests create hosts.
func makeImage() error { return nil }
