package encryption

import (
	"errors"
	"math"
	"slices"
)

// Stage is a stage of a key rotation.
type Stage int

// The stages of a rotation. During a stage, some control plane nodes may still have the file of the previous stage.
const (
	// Settled means that all nodes have the same single key: no rotation is in progress.
	Settled Stage = iota
	// Adding distributes the new key to every API server, after the old key.
	Adding
	// Preferring makes every API server encrypt with the new key. It lasts until no Secret needs the old key.
	Preferring
)

// ErrDiffer reports that control plane nodes have different files that no rotation explains.
var ErrDiffer = errors.New("the files are different, and not as a rotation leaves them")

// Find determines the stage of a rotation from the files of all control plane nodes, of which there must be at least
// one. It also returns the content of the file that the stage writes to every node. If some nodes no longer have the old
// key, the stage is Preferring and the file still has it: the rotation checks once more that no Secret needs it.
// The error is [ErrDiffer] if the files do not belong to one rotation.
func Find(files []Config) (Stage, Config, error) {
	var found []Config // without duplicates
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

// leadsTo reports whether a rotation can leave both files on different nodes at the same time. before must have the
// lower position: fewer keys, or the old key first.
func leadsTo(before, after Config) bool {
	// A single key is the old one when a rotation begins, and the new one when it ends. Either way it is the first key
	// of the file on the other nodes.
	if before.position() == oldOnly {
		return after.position() != oldOnly && before.Keys[0] == after.Keys[0]
	}
	return before.position() == newSecond && after.equal(before.Swapped())
}

// The positions of a file in a rotation, in the order in which a rotation writes them.
const (
	oldOnly = iota // one key; the file that ends a rotation looks the same
	newSecond
	newFirst
)

// position returns the position of the file in a rotation. The key with the higher number is the new one.
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

// stage returns the stage that writes the file.
func (c Config) stage() Stage { return []Stage{Settled, Adding, Preferring}[c.position()] }

// With returns the file with a new key after the only existing one. The new key gets the next number.
// It returns an error if the numbers are used up.
func (c Config) With(secret string) (Config, error) {
	last := c.Encrypting().number()
	if last == math.MaxInt32 {
		return Config{}, errors.New("there is no number left for another key")
	}
	return Config{Keys: []Key{c.Encrypting(), {Name: keyName(last + 1), Secret: secret}}}, nil
}

// Swapped returns the file with its two keys in reverse order. It panics if there are fewer than two.
func (c Config) Swapped() Config { return Config{Keys: []Key{c.Keys[1], c.Keys[0]}} }

// Only returns the file with only the first key.
func (c Config) Only() Config { return Config{Keys: c.Keys[:1:1]} }
