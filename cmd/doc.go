// Package cmd implements dualstrap's command line. There is one file per command, named like it, and one for each thing
// that several commands share. A command parses its flags, calls another package, mostly provision, and prints the result;
// it makes no other decisions.
package cmd
