// Package strictyaml strictly decodes YAML that people write by hand. It reports where the text is wrong
// and why, in words that they can act on. It knows nothing about the manifests it decodes.
//
// [Parse] splits a file into documents at its separator lines and parses each separately, so that a
// syntax error in one hides nothing in the others. [Document.Decode] fills a Go value according to its json
// tags. No problem ends the run: every problem has a line and column, all problems of a file
// are reported in one run, and where a syntax error is understood it is repaired in memory and parsing
// continues. [Document.Position] returns the position of a field for later checks.
//
// Strict means: unknown fields, duplicate keys, keys that are not text, merge keys, custom tags and
// values of the wrong type are errors. Time and memory are bounded for any input; see [Limits].
//
// # Repairs
//
// The package diagnoses syntax errors line by line, because the YAML parser reports them in terms of its
// grammar, and often at a later line. In
//
//	5    services
//	6      cidrBlocks:
//	7      - 172.16.0.0/20
//
// the parser stops in line 6 because "services cidrBlocks" is not a key. The lines around it show
// a lone word in line 5 with an indented block below. The package inserts the colon and parses the text again, at
// most 20 times. Repairs preserve lines and columns, so that later problems point at the author's text.
// A document with a mistake that has no safe repair is not decoded.
//
// # Secrets
//
// A problem never repeats a value of the input, which may be a secret. It names only fields and types.
//
// # Paths
//
// The path of a field is written spec.nodes[3].address: names joined by dots, items of lists counted from
// 0 in brackets. A key with characters other than letters, digits, - and _ is put in brackets,
// as in metadata.labels[example.com/rack]. One that contains a bracket or a quote is also quoted
// as in Go, as in labels["a]b"].
package strictyaml
