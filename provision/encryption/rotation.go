package encryption

import (
	"errors"
	"math"
	"slices"
)

// Stage is a step of the way from one key to the next.
type Stage int

// The stages. While one lasts, some control plane nodes may still have the file of the one before.
const (
	// Settled is one key, the same everywhere.
	Settled Stage = iota
	// Adding brings the new key to every API server, behind the old one.
	Adding
	// Preferring has every API server encrypt with the new key. It lasts until no Secret needs the old one.
	Preferring
)

// ErrDiffer is that control plane nodes have different files, and no rotation explains it.
var ErrDiffer = errors.New("the files are different, and not as a rotation leaves them")

// Find returns how far a rotation has come, from the files of all control plane nodes, and what is in the file that the
// stage brings to each of them. Where the old key is being taken out of the files already it is brought back once more:
// whether anything needs it is then looked at anew. The error is [ErrDiffer].
func Find(files []Config) (Stage, Config, error) {
	var found []Config // each once
	for _, file := range files {
		if !slices.ContainsFunc(found, file.equal) {
			found = append(found, file)
		}
	}
	slices.SortFunc(found, func(a, b Config) int { return a.position() - b.position() })
	last := found[len(found)-1]
	switch {
	case len(found) == 1, len(found) == 2 && leadsTo(found[0], last):
		return last.stage(), last, nil
	default:
		return Settled, Config{}, ErrDiffer
	}
}

// leadsTo reports whether a rotation has both files at the same time, of which the first has fewer keys, or the old one
// first.
func leadsTo(before, after Config) bool {
	if before.position() == oldOnly { // be it the old one or, in the end, the new one
		return after.position() != oldOnly && before.Keys[0] == after.Keys[0]
	}
	return before.position() == newSecond && after.equal(before.Swapped())
}

// The files of a rotation.
const (
	oldOnly = iota
	newSecond
	newFirst
)

func (c Config) position() int {
	switch {
	case len(c.Keys) == 1:
		return oldOnly
	case c.Keys[0].number() < c.Keys[1].number():
		return newSecond
	default:
		return newFirst
	}
}

// stage is the one that brings the file.
func (c Config) stage() Stage { return []Stage{Settled, Adding, Preferring}[c.position()] }

// With returns the file in which a new key stands behind the only one that there is.
func (c Config) With(secret string) (Config, error) {
	last := c.Encrypting().number()
	if last == math.MaxInt32 {
		return Config{}, errors.New("there is no number left for another key")
	}
	return Config{Keys: []Key{c.Encrypting(), {Name: keyName(last + 1), Secret: secret}}}, nil
}

// Swapped returns the file in which the second key comes first.
func (c Config) Swapped() Config { return Config{Keys: []Key{c.Keys[1], c.Keys[0]}} }

// Only returns the file in which nothing but the first key is left.
func (c Config) Only() Config { return Config{Keys: c.Keys[:1:1]} }
