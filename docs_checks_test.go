package dualstrap_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/hostprep/check"
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
	for _, c := range check.All() {
		hint := strings.ReplaceAll(c.Hint, "|", `\|`)
		fmt.Fprintf(&page, "| `%s` | %s | %s |\n", c.Name, c.Short, hint)
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

The report has a line for each check, with the number of nodes, pairs of nodes, Services or addresses that it was applied to.
Those that failed or were skipped are listed below it, together where the reason is the same. With ` + "`-v`" + ` all of them are
listed one by one; ` + "`-o json`" + ` always has them all.

    CHECK       RESULT   SUBJECTS
    node-ready  passed   104 nodes
    pod-ips     failed   62 of 104 nodes
        61 nodes: failed: cannot connect to root@HOST:22: connection refused
            10.2.0.5, 10.2.0.6, 10.2.0.7 and 58 more
            try: see that the host is up, and log in with: ssh HOST
        10.2.0.9: failed: no pod comes up there: ImagePullBackOff
            try: kubectl -n dualstrap-system logs of the agent's pod on the node, and journalctl -u kubelet on the host

This page is generated from the program.

| check | verifies | if it fails |
|---|---|---|
`)
	for _, c := range proof.Checks() {
		hint := strings.ReplaceAll(c.Hint, "|", `\|`)
		fmt.Fprintf(&page, "| `%s` | %s | %s |\n", c.Name, c.Short, hint)
	}
	compare(t, "docs/proof.md", []byte(page.String()))
}
