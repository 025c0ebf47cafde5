package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// testPrefix is the prefix of the names of tests of bad input.
const testPrefix = "TestHostile"

// event is an event of go test -json, as documented by cmd/test2json.
type event struct {
	Action, Package, Test, Output string
	ImportPath                    string // of the package being built, in build-output and build-fail events
}

// testID identifies a test or a subtest. The name is empty for events of a whole package.
type testID struct{ pkg, name string }

// results maps tests of bad input and their subtests to their result: pass, fail, or skip.
type results map[testID]string

// readEvents returns the results of the tests of bad input. To out it copies the output of packages and of failed tests;
// the output of tests that pass is dropped, as go test does without -v. It returns an error if any test or package failed.
func readEvents(events io.Reader, out io.Writer) (results, error) {
	ran, outputs := results{}, map[testID]*strings.Builder{}
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
			if text := outputs[id]; text != nil {
				text.WriteString(e.Output)
			} else if e.Output != "PASS\n" {
				fmt.Fprint(out, e.Output)
			}
		case "run":
			outputs[id] = &strings.Builder{}
		case "pass", "skip", "fail", "build-fail":
			failed += finish(e, id, ran, outputs, out)
		}
	}
	if failed > 0 {
		return nil, fmt.Errorf("%d tests and packages have failed", failed)
	}
	return ran, nil
}

// finish records the result of a test or a package. If it failed, finish prints its output, and for a package also the
// output of tests that were still running, as after a panic or a timeout. It returns 1 for a failure and 0 otherwise.
func finish(e event, id testID, ran results, outputs map[testID]*strings.Builder, out io.Writer) int {
	if strings.HasPrefix(id.name, testPrefix) {
		ran[id] = e.Action
	}
	isFailure := strings.HasSuffix(e.Action, "fail")
	for other, text := range outputs {
		if other != id && (id.name != "" || other.pkg != id.pkg) {
			continue
		}
		if isFailure {
			fmt.Fprint(out, text.String())
		}
		delete(outputs, other)
	}
	if isFailure {
		return 1
	}
	return 0
}
