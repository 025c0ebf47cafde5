package cmd

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fleetOf returns the names of so many hosts, from 10.2.0.0 on.
func fleetOf(size int) []string {
	names := make([]string, size)
	for i := range names {
		names[i] = netip.AddrFrom4([4]byte{10, 2, 0, byte(i)}).String()
	}
	return names
}

// shown writes groups in one line each.
func shown(groups []subjectGroup) []string {
	var lines []string
	for _, group := range groups {
		lines = append(lines, fmt.Sprintf("%s: %s: %s", group.count("host"), group, group.text))
	}
	return lines
}

// TestGroupSame groups 62 hosts: 60 have the same to say, one something else, and one nothing.
func TestGroupSame(t *testing.T) {
	t.Parallel()
	got := shown(groupSame(fleetOf(62), func(i int) string {
		switch i {
		case 1:
			return ""
		case 4:
			return "other"
		default:
			return "same"
		}
	}))
	want := []string{"60 hosts: 10.2.0.0, 10.2.0.2, 10.2.0.3 and 57 more: same", "1 host: 10.2.0.4: other"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestGroupSameKeepsAddresses checks that texts such as diffs, in which addresses matter, are not taken for the same.
func TestGroupSameKeepsAddresses(t *testing.T) {
	t.Parallel()
	hosts := fleetOf(2)
	got := shown(groupSame(hosts, func(i int) string { return "--node-ip=" + hosts[i] }))
	if diff := cmp.Diff([]string{"1 host: 10.2.0.0: --node-ip=10.2.0.0", "1 host: 10.2.0.1: --node-ip=10.2.0.1"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestGroupReasons groups hosts by what is wrong with them, which names each host, and one of them another.
func TestGroupReasons(t *testing.T) {
	t.Parallel()
	hosts := fleetOf(62)
	got := shown(groupReasons(hosts, func(i int) string {
		if i == 5 {
			return "cannot connect to root@10.2.0.6:22: connection refused"
		}
		return fmt.Sprintf("cannot connect to root@%s:22: connection refused", hosts[i])
	}))
	want := []string{
		"61 hosts: 10.2.0.0, 10.2.0.1, 10.2.0.2 and 58 more: cannot connect to root@HOST:22: connection refused",
		"1 host: 10.2.0.5: cannot connect to root@10.2.0.6:22: connection refused",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestWithoutAddresses checks which addresses are those of a subject.
func TestWithoutAddresses(t *testing.T) {
	t.Parallel()
	tests := []struct{ member, text, want string }{
		{"10.2.0.5", "10.2.0.5 and root@10.2.0.5:22, 10.2.0.5: no answer from 10.2.0.5.", "HOST and root@HOST:22, HOST: no answer from HOST."},
		{"10.2.0.5", "10.2.0.55, 110.2.0.5, 10.2.0.5.6 and 10.2.0.50:22", "10.2.0.55, 110.2.0.5, 10.2.0.5.6 and 10.2.0.50:22"},
		{"fd12::5", "[fd12::5]:22, fd12::5: refused, fd12:0::5, fd12::5:6", "[HOST]:22, HOST: refused, HOST, fd12::5:6"},
		{"10.2.0.5 -> 10.2.0.6", "10.2.0.6 saw 10.2.0.7 instead of 10.2.0.5", "TO saw 10.2.0.7 instead of FROM"},
		{"10.2.0.5 -> load-balancer", "10.2.0.5 cannot call load-balancer", "FROM cannot call load-balancer"},
		{"single-stack", "single-stack has one address", "single-stack has one address"},
		{"10.2.0.5", "a cable of the bad face: dead::beef", "a cable of the bad face: dead::beef"},
		{"10.2.0.5", "", ""},
	}
	for _, tt := range tests {
		if got := withoutAddresses(tt.text, tt.member); got != tt.want {
			t.Errorf("%s in %q: %q, want %q", tt.member, tt.text, got, tt.want)
		}
	}
}
