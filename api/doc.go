// Package api is dualstrap's contract with its users: the manifests it reads and the results it prints.
//
// Data flows in one direction. [Parse] strictly decodes documents into [Manifests], which still hold the author's
// text. [Resolve] parses every address, fills in defaults, applies every rule, and returns a [Config], with which
// the rest of the program works. The allocator turns the Config into a [Plan]. A mistake does not end the run: it
// becomes a [Problem] with its position in the file, and all problems are reported in one run.
//
// The package does no I/O.
package api
