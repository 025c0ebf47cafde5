package cmd

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/hostprep/check"
	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/reset"
	"github.com/dualstrap/dualstrap/provision/workflow"
)

// refusal returns the error of a host on which nothing listens.
func refusal(host string) error {
	return &remote.Error{
		Op: fmt.Sprintf("cannot connect to root@%s:22", host), Reason: remote.ErrRefused,
		HintText: fmt.Sprintf("check that sshd runs on the host and listens at %s:22", host),
	}
}

// failures returns the error of a run in which hosts failed in the phase prepare, each with the error that fail returns.
func failures(hosts []string, fail func(host string) error) error {
	var all []error
	for _, host := range hosts {
		all = append(all, &workflow.Error{Host: netip.MustParseAddr(host), Phase: "prepare", Err: fail(host)})
	}
	return errors.Join(all...)
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	notReset := func(host string) error { return fmt.Errorf("%s was not reset: %w", host, refusal(host)) }
	tests := map[string]struct {
		err       error
		text, tip string
	}{
		"one error": {errors.New("no space left"), "no space left", ""},
		"one host": {
			failures(fleetOf(1), refusal), "10.2.0.0: prepare: cannot connect to root@10.2.0.0:22: connection refused",
			"check that sshd runs on the host and listens at 10.2.0.0:22",
		},
		"many hosts, and one that differs": {
			errors.Join(failures(fleetOf(62), func(host string) error {
				if host == "10.2.0.7" {
					return errors.New("cannot write files: no space left\nand what it says")
				}
				return refusal(host)
			}), errors.New("logs: dualstrap-workspace/lab/log/1")),
			`61 hosts: prepare: cannot connect to root@HOST:22: connection refused
    10.2.0.0, 10.2.0.1, 10.2.0.2 and 58 more
10.2.0.7: prepare: cannot write files: no space left
and what it says
logs: dualstrap-workspace/lab/log/1`,
			"check that sshd runs on the host and listens at HOST:22",
		},
		"a reset": {
			errors.Join(notReset("10.2.0.4"), notReset("10.2.0.5")),
			"2 hosts were not reset: cannot connect to root@HOST:22: connection refused\n    10.2.0.4, 10.2.0.5",
			"check that sshd runs on the host and listens at HOST:22",
		},
		"two phases": {
			errors.Join(&workflow.Error{Host: netip.MustParseAddr("10.2.0.4"), Phase: "prepare", Err: errors.New("x")},
				&workflow.Error{Host: netip.MustParseAddr("10.2.0.5"), Phase: "join", Err: errors.New("x")}),
			"10.2.0.4: prepare: x\n10.2.0.5: join: x", "",
		},
		"errors with a text of their own": {
			fmt.Errorf("cannot prove the cluster: %w", failures(fleetOf(2), refusal)),
			`cannot prove the cluster: 10.2.0.0: prepare: cannot connect to root@10.2.0.0:22: connection refused
10.2.0.1: prepare: cannot connect to root@10.2.0.1:22: connection refused`,
			"check that sshd runs on the host and listens at 10.2.0.0:22",
		},
		"control characters": {
			failures(fleetOf(2), func(string) error { return errors.New("\x00\x1b[2J") }),
			`2 hosts: prepare: \x00\x1b[2J` + "\n    10.2.0.0, 10.2.0.1", "",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, tip := errorText(tt.err)
			if diff := cmp.Diff(tt.text, text); diff != "" || tip != tt.tip {
				t.Errorf("hint %q, want %q (-want +got):\n%s", tip, tt.tip, diff)
			}
		})
	}
}

// TestUnreachableHostsAreOneBlock checks what check preflight and create print of many hosts that cannot be reached.
func TestUnreachableHostsAreOneBlock(t *testing.T) {
	t.Parallel()
	var hosts []check.HostReport
	for i, name := range fleetOf(62) {
		result := check.Result{Name: "ssh", Status: check.Failed, Message: refusal(name).Error()}
		result.Hint = fmt.Sprintf("check that sshd runs on the host and listens at %s:22", name)
		if i == 3 {
			result = check.Result{Name: "swap", Status: check.Warning, Message: "swap is on", Hint: "swapoff -a"}
		}
		hosts = append(hosts, check.HostReport{Address: netip.MustParseAddr(name), Checks: []check.Result{result}})
	}
	var out strings.Builder
	writeFindings(&out, hosts)
	want := `
61 hosts: 10.2.0.0, 10.2.0.1, 10.2.0.2 and 58 more
  failed: ssh: cannot connect to root@HOST:22: connection refused
    try: check that sshd runs on the host and listens at HOST:22

10.2.0.3
  warning: swap: swap is on
    try: swapoff -a
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestHostsThatWereNotResetAreOneBlock checks what a reset prints of hosts that it could not reach.
func TestHostsThatWereNotResetAreOneBlock(t *testing.T) {
	t.Parallel()
	var hosts []reset.UnreachableHost
	for i, name := range fleetOf(62) {
		host := reset.UnreachableHost{Address: netip.MustParseAddr(name), Error: refusal(name).Error()}
		if i == 0 {
			host.Error = "host key changed"
		}
		hosts = append(hosts, host)
	}
	var out strings.Builder
	writeUnreachable(&out, hosts)
	want := `
10.2.0.0 was not reset: host key changed

61 hosts were not reset: cannot connect to root@HOST:22: connection refused
    10.2.0.1, 10.2.0.2, 10.2.0.3 and 58 more
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
