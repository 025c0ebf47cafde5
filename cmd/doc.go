// Package cmd is dualstrap's command line: one file per command. A command reads flags, calls
// package provision, and prints the result; nothing else is decided here.
package cmd
