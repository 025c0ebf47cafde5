package build

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
)

// recipe is part of every key. It is incremented when this package builds something different from the same inputs.
const recipe = 1

// key returns a hash of everything that a component is built from: components with equal keys are equal byte for byte.
func (b *builder) key(c component) (string, error) {
	sum := sha256.New()
	say := func(what string, value any) { fmt.Fprintf(sum, "%s: %+v\n", what, value) }

	c.seconds = 0
	say("recipe", recipe)
	say("component", c)
	if environment := c.environment(); len(environment) > 0 {
		say("environment", environment)
	}
	if c.program.origin == fromPin || c.program.origin == fromOwn {
		files, err := sources(c.program)
		if err != nil {
			return "", err
		}
		for _, name := range slices.Sorted(maps.Keys(files)) {
			say(name, sha256.Sum256(files[name]))
		}
		say("go", b.tools.goVersion)
	}
	if c.program.cgo {
		say("compiler", b.tools.compiler)
	}
	if c.program.origin == fromSelf {
		say("dualstrap", b.selfDigest)
	}
	if len(c.packaged) > 0 {
		say("packages", b.closure)
	}
	return shortHash(sum.Sum(nil)), nil
}

// shortHash returns the first 96 bits of a hash in hexadecimal, which is sufficient to name a directory.
func shortHash(sum []byte) string { return hex.EncodeToString(sum[:12]) }
