package api

import (
	"slices"
	"strings"

	"github.com/dualstrap/dualstrap/api/strictyaml"
)

// unreported reports whether nobody has said yet what is wrong with a field that has its zero value.
// It is false when the decoder found fault with the field itself, with what is in it, with what it is
// in, or with an unknown field that may be this one misspelt or misplaced; or when the author left
// something out of the document and marked the place.
func (c *checker) unreported(at Ref) bool {
	for _, p := range c.decoderErrors(at.Doc) {
		switch {
		case p.Rule == strictyaml.RulePlaceholder,
			p.Rule == strictyaml.RuleUnknownField && isMisspelt(p.Path, at.Path),
			isWithin(at.Path, p.Path),
			isWithin(p.Path, at.Path):
			return false
		}
	}
	return true
}

// decoderErrors keeps what the decoder says, which is put together anew at every call.
func (c *checker) decoderErrors(doc *Document) []strictyaml.Problem {
	if doc.yaml == nil {
		return nil
	}
	found, known := c.decoded[doc]
	if !known {
		found = slices.DeleteFunc(doc.yaml.Problems(), func(p strictyaml.Problem) bool { return p.Warning })
		c.decoded[doc] = found
	}
	return found
}

// isBroken reports whether the decoder found errors in a document.
func (c *checker) isBroken(doc *Document) bool { return len(c.decoderErrors(doc)) > 0 }

// isWithin reports whether a path leads through another; the empty path is the whole document.
func isWithin(path, outer string) bool {
	rest, ok := strings.CutPrefix(path, outer)
	return ok && outer != "" && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// isMisspelt reports whether the unknown field at got could be a step of the path wanted.
func isMisspelt(got, wanted string) bool {
	name := got[strings.LastIndexByte(got, '.')+1:]
	for step := range strings.SplitSeq(wanted, ".") {
		step, _, _ = strings.Cut(step, "[")
		if strictyaml.Nearest(name, []string{step}) != "" {
			return true
		}
	}
	return false
}
