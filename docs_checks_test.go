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
	page.WriteString(`# Host checks

Before dualstrap changes anything, it probes every host in one round trip. In a second round trip, every host tests the
network to the others. Then dualstrap evaluates the checks below. A failed check stops the run; a warning does not. A
difference that create would repair automatically is not a failure. The report leaves out checks that do not apply to a
host. A host that is already a node of this cluster does not fail a check because of what the cluster installed there.

This page is generated from the program.

| check | requires | if it fails |
|---|---|---|
`)
	for _, check := range hostprep.Checks() {
		hint := strings.ReplaceAll(check.Hint, "|", `\|`)
		fmt.Fprintf(&page, "| `%s` | %s | %s |\n", check.Name, check.Short, hint)
	}
	compare(t, "docs/checks.md", []byte(page.String()))
}

func TestGoldenProofPage(t *testing.T) {
	t.Parallel()
	var page strings.Builder
	page.WriteString(`# The proof

The proof tests a cluster with real traffic. ` + "`dualstrap check cluster`" + ` runs it, and ` + "`dualstrap create cluster`" + `
runs it as the last step, unless ` + "`--skip-verify`" + ` is set. If a check fails, the exit code is 5.

The proof runs one pod on every node, in a new namespace named ` + "`dualstrap-proof-*`" + `. It deletes the namespace at the end,
also when it is interrupted. If a run was killed, the next run deletes its namespace.

A check that cannot run is skipped, with the reason. Calls from and to a host outside of the cluster need
` + "`verify.client.address`" + ` in ProvisionOptions, and the bundle, which contains the server that runs on that host during the
proof. The server's port is open in that host's firewalld for the same time.

This page is generated from the program.

| check | verifies | if it fails |
|---|---|---|
`)
	for _, check := range proof.Checks() {
		hint := strings.ReplaceAll(check.Hint, "|", `\|`)
		fmt.Fprintf(&page, "| `%s` | %s | %s |\n", check.Name, check.Short, hint)
	}
	compare(t, "docs/proof.md", []byte(page.String()))
}
