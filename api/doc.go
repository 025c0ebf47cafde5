// Package api is dualstrap's contract: the manifests it reads and the results it prints.
//
// The way of the data: [Parse] decodes documents strictly into [Manifests], which still say what
// their author wrote; [Resolve] parses every address, fills in defaults, applies every rule, and
// gives a [Config], which the rest of the program works with; the allocator turns that into a
// [Plan]. What is wrong is never an early return but a [Problem] with its place in the file, and
// all problems are reported together.
//
// The package does no I/O.
package api
