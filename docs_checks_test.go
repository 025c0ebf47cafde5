package dualstrap_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/hostprep"
)

func TestGoldenChecksPage(t *testing.T) {
	t.Parallel()
	var page strings.Builder
	page.WriteString(`# What hosts have to be

Before anything is changed, every host is asked what it is like, in one round trip, and tries the network around it,
in a second one. Then the checks below are applied. A check that failed stops the run; a warning does not. What
creating the cluster would change by itself is no failure. A check that can say nothing about a host is left out of
the report, and a node of the same cluster does not fail for what it rightly has. This page is generated from the
program.

| check | demands | otherwise |
|---|---|---|
`)
	for _, check := range hostprep.Checks() {
		cure := strings.ReplaceAll(check.Cure, "|", `\|`)
		fmt.Fprintf(&page, "| `%s` | %s | %s |\n", check.Name, check.Short, cure)
	}
	compare(t, "docs/checks.md", []byte(page.String()))
}
