//go:build !integration

package cmd_test

// makeImage makes nothing: these tests make no hosts.
func makeImage() error { return nil }
