package cmd

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestGroupHosts groups 62 hosts: 60 have the same to say, one something else, and one nothing.
func TestGroupHosts(t *testing.T) {
	t.Parallel()
	hosts := make([]netip.Addr, 62)
	for i := range hosts {
		hosts[i] = netip.AddrFrom4([4]byte{10, 2, 0, byte(i)})
	}
	var got []string
	for _, group := range groupHosts(hosts, func(i int) string {
		switch i {
		case 1:
			return ""
		case 4:
			return "other"
		default:
			return "same"
		}
	}) {
		got = append(got, fmt.Sprintf("%s: %s", group, group.text))
	}
	want := []string{"10.2.0.0, 10.2.0.2, 10.2.0.3 and 57 more: same", "10.2.0.4: other"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
