package api

import (
	"slices"
	"strings"

	"github.com/dualstrap/dualstrap/api/strictyaml"
)

// unreported reports whether a field with its zero value has no problem yet. It returns false when the decoder
// reported the field itself, a part of it, an enclosing object, or an unknown field that may be this one misspelt
// or misplaced. It also returns false when the author marked omitted text in the document.
//
// Rules about missing fields ask it first, so that one mistake causes one problem.
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

// decoderErrors returns the errors of the decoder in a document. It caches them, because the decoder builds and
// sorts the list at every call.
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

// isWithin reports whether path is outer or lies below it. Nothing lies within the empty path, which stands for the
// whole document.
func isWithin(path, outer string) bool {
	rest, ok := strings.CutPrefix(path, outer)
	return ok && outer != "" && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// isMisspelt reports whether the unknown field at got may be a misspelt step of the path wanted.
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
