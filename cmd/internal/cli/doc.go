// Package cli holds what the commands share: streams, exit codes, output formats and the reading of
// manifests.
package cli
