package dualstrap_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/hostprep"
	"github.com/dualstrap/dualstrap/provision/proof"
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
		cure := strings.ReplaceAll(check.Hint, "|", `\|`)
		fmt.Fprintf(&page, "| `%s` | %s | %s |\n", check.Name, check.Short, cure)
	}
	compare(t, "docs/checks.md", []byte(page.String()))
}

func TestGoldenProofPage(t *testing.T) {
	t.Parallel()
	var page strings.Builder
	page.WriteString(`# What the proof shows

dualstrap check cluster, and create cluster as its last step unless it is told --skip-verify, try the cluster with
real traffic. The proof runs in a namespace of its own, named dualstrap-proof-*, with one pod on every node, and removes
it, also when it is interrupted; what a run that was killed left is removed by the next one. What cannot be checked is
skipped, with the reason: calls from and to a host outside of the cluster need verify.client.address in the
ProvisionOptions, and the bundle, which has the server that runs there meanwhile; its port is open in that host's
firewalld for as long. A check that failed makes the exit code 5. This page is generated from the program.

| check | proves | otherwise |
|---|---|---|
`)
	for _, check := range proof.Checks() {
		cure := strings.ReplaceAll(check.Hint, "|", `\|`)
		fmt.Fprintf(&page, "| `%s` | %s | %s |\n", check.Name, check.Short, cure)
	}
	compare(t, "docs/proof.md", []byte(page.String()))
}
