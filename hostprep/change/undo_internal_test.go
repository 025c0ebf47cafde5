package change

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/hostprep/firewalld"
)

// TestUndoCalls continues an undo that was interrupted at different points: only what is left is removed.
func TestUndoCalls(t *testing.T) {
	t.Parallel()
	policy := firewalld.Change{Kind: firewalld.NewPolicy, Value: "ours"}
	egress := firewalld.Change{Kind: firewalld.AddEgress, Policy: "ours", Value: "pods"}
	port := firewalld.Change{Kind: firewalld.AddPort, Zone: "public", Value: "10250/tcp"}
	var record Record
	for _, change := range []firewalld.Change{policy, egress, port} {
		record = append(record, Entry{Kind: KindFirewalld, Change: &change, Permanent: true, Runtime: true})
	}
	whole := firewalld.Config{
		Zones:    map[string]firewalld.Section{"public": {Items: []firewalld.Item{{Option: "--add-port", Value: "10250/tcp"}}}},
		Policies: map[string]firewalld.Section{"ours": {Items: []firewalld.Item{{Option: "--add-egress-zone", Value: "pods"}}}},
	}
	bare := firewalld.Config{Zones: map[string]firewalld.Section{"public": {}}}
	portAlone := firewalld.Config{Zones: whole.Zones}
	none := [][]string(nil)
	for name, test := range map[string]struct {
		permanent, runtime firewalld.Config
		how                string
		wantRuntime        [][]string
	}{
		"nothing was undone":               {whole, whole, "reload", none},
		"undone, and not yet in effect":    {bare, whole, "reload", none},
		"all was undone":                   {bare, bare, "", none},
		"all but what has to be asked for": {bare, portAlone, "", [][]string{{"--zone=public", "--remove-port=10250/tcp"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls, _ := undoCalls(firewalld.State{Permanent: test.permanent, Runtime: test.runtime, DefaultZone: "public"}, record, false)
			var got [][]string
			for _, command := range calls.runtime {
				got = append(got, command)
			}
			if diff := cmp.Diff(test.wantRuntime, got); diff != "" || calls.how != test.how {
				t.Errorf("by %q, want %q; at run time (-want +got):\n%s", calls.how, test.how, diff)
			}
		})
	}
}
