package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// testPrefix begins the names of tests of bad input.
const testPrefix = "TestHostile"

// event is one of go test -json; cmd/test2json documents it.
type event struct {
	Action, Package, Test, Output string
	ImportPath                    string // of what is being built, where there is no package yet
}

// testID names a test or a subtest.
type testID struct{ pkg, name string }

// results are what became of the tests of bad input and of their subtests: pass, fail, or skip.
type results map[testID]string

// readEvents keeps what became of tests of bad input. It prints what packages print, and of tests only what failed ones
// do. An error says that something failed.
func readEvents(events io.Reader, out io.Writer) (results, error) {
	ran, said := results{}, map[testID]*strings.Builder{}
	failed := 0
	decoder := json.NewDecoder(events)
	for {
		var e event
		if err := decoder.Decode(&e); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("standard input is not what go test -json prints: %w", err)
		}
		id := testID{e.Package, e.Test}
		switch e.Action {
		case "output", "build-output":
			if text := said[id]; text != nil {
				text.WriteString(e.Output)
			} else if e.Output != "PASS\n" {
				fmt.Fprint(out, e.Output) //nolint:errcheck // there would be nobody to tell
			}
		case "run":
			said[id] = &strings.Builder{}
		case "pass", "skip", "fail", "build-fail":
			failed += finish(e, id, ran, said, out)
		}
	}
	if failed > 0 {
		return nil, fmt.Errorf("%d tests and packages have failed", failed)
	}
	return ran, nil
}

// finish keeps a result, and prints what a test said that failed, or that had not come to its end when its package had.
// It returns 1 for a failure.
func finish(e event, id testID, ran results, said map[testID]*strings.Builder, out io.Writer) int {
	if strings.HasPrefix(id.name, testPrefix) {
		ran[id] = e.Action
	}
	isFailure := strings.HasSuffix(e.Action, "fail")
	for other, text := range said {
		if other != id && (id.name != "" || other.pkg != id.pkg) {
			continue
		}
		if isFailure {
			fmt.Fprint(out, text.String()) //nolint:errcheck // as above
		}
		delete(said, other)
	}
	if isFailure {
		return 1
	}
	return 0
}
