// Package cli implements what the commands share: streams, exit codes, output formats, reading manifests, and opening
// sessions on hosts.
package cli
