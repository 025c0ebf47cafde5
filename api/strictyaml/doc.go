// Package strictyaml decodes YAML that people write by hand, strictly, and says where and what is
// wrong in words that they can act on. It knows nothing of the manifests it decodes.
//
// [Parse] cuts a file into documents at its separator lines and parses each by itself, so that a
// syntax error in one hides nothing in the others. [Document.Decode] fills a Go value by its json
// tags. Nothing is an early return: every problem has a line and column, a whole file's problems
// come out together, and where a syntax error is understood it is repaired in memory and parsing
// goes on. [Document.Position] finds the place of a field for checks that come later.
//
// Strict means: unknown fields, duplicate keys, keys that are not text, merge keys, custom tags and
// values of the wrong type are errors. Time and memory are bounded for any input; see [Limits].
//
// # Repairs
//
// A syntax error is looked for by lines, since the parser's own account of it is that of a grammar. In
//
//	5    services
//	6      cidrBlocks:
//	7      - 172.16.0.0/20
//
// the parser stops in line 6 because "services cidrBlocks" is no key; a look at the lines around finds
// a lone word with something below it in line 5. The colon is put in, and the text is parsed anew, 20
// times at most. Repairs keep lines and columns, so that later problems point at what the author wrote.
// A document is not decoded if a mistake is found that has no safe repair.
//
// # Secrets
//
// A problem never repeats a value of the input, which may be a secret. It names fields and types.
//
// # Paths
//
// A field's path is written spec.nodes[3].address: names joined by dots, items of lists counted from
// 0 in brackets. A key that has other characters than letters, digits, - and _ stands in brackets,
// as in metadata.labels[example.com/rack]; one that has a bracket or a quote itself is also quoted
// as in Go, as in labels["a]b"].
package strictyaml
