package encryption

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
)

// rotation returns the files of a rotation in their order, and some files of other rotations.
func rotation(t *testing.T) (steps []Config, unrelated []Config) {
	t.Helper()
	old := First(secret('A'))
	both, err := old.With(secret('B'))
	if err != nil {
		t.Fatal(err)
	}
	steps = []Config{old, both, both.Swapped(), both.Swapped().Only()}
	otherNew, err := old.With(secret('C'))
	if err != nil {
		t.Fatal(err)
	}
	next, err := steps[3].With(secret('D'))
	if err != nil {
		t.Fatal(err)
	}
	return steps, []Config{First(secret('X')), otherNew, otherNew.Swapped(), next}
}

// TestFind tries every combination of files on three nodes, of one rotation and of others.
func TestFind(t *testing.T) {
	t.Parallel()
	steps, unrelated := rotation(t)
	files := slices.Concat(steps, unrelated)
	type found struct {
		stage  Stage
		target int // index in files
	}
	// The keys list the distinct files on the nodes, by index. All other combinations are refused.
	want := map[string]found{
		"[0]": {Settled, 0}, "[0 1]": {Adding, 1}, "[1]": {Adding, 1}, "[1 2]": {Preferring, 2}, "[2]": {Preferring, 2},
		"[2 3]": {Preferring, 2}, "[3]": {Settled, 3},
		// Other rotations: each of these files is valid on its own.
		"[4]": {Settled, 4}, "[0 5]": {Adding, 5}, "[5]": {Adding, 5}, "[5 6]": {Preferring, 6}, "[6]": {Preferring, 6},
		"[3 7]": {Adding, 7}, "[7]": {Adding, 7},
	}
	for i := range files {
		for j := range files {
			for k := range files {
				there := []int{i, j, k}
				slices.Sort(there)
				there = slices.Compact(there)
				expected, known := want[fmt.Sprint(there)]
				stage, target, err := Find([]Config{files[i], files[j], files[k]})
				switch {
				case !known && !errors.Is(err, ErrDiffer):
					t.Errorf("nodes with %v %v %v: it gives %d, %v, %v", i, j, k, stage, target, err)
				case known && (err != nil || stage != expected.stage || !target.equal(files[expected.target])):
					t.Errorf("nodes with %v %v %v: it gives %d, %v, %v", i, j, k, stage, target, err)
				}
			}
		}
	}
}

func TestWithRunsOut(t *testing.T) {
	t.Parallel()
	last := Config{Keys: []Key{{keyName(math.MaxInt32), secret('A')}}}
	if _, err := Parse([]byte(file(t, last))); err != nil {
		t.Fatal(err)
	}
	if got, err := last.With(secret('B')); err == nil {
		t.Errorf("it gives %v", got)
	}
}
