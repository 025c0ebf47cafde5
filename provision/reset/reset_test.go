package reset

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/hostprep/facts"
	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/hostprep/remote/remotetest"
	"github.com/dualstrap/dualstrap/provision/load/loadtest"
	"github.com/dualstrap/dualstrap/provision/refusal"
	"github.com/dualstrap/dualstrap/provision/session"
)

func addresses(t *testing.T, texts ...string) []netip.Addr {
	t.Helper()
	var all []netip.Addr
	for _, text := range texts {
		all = append(all, netip.MustParseAddr(text))
	}
	return all
}

func TestTargets(t *testing.T) {
	t.Parallel()
	three := []string{"10.2.0.4", "10.2.0.5", "10.2.0.6"}
	for _, test := range []struct {
		name, example string
		nodes, want   []string
		// failure is a part of the error; refused reports whether it is a refusal.Error.
		failure string
		refused bool
	}{
		{name: "the whole cluster", example: "dual-stack.yaml", want: three},
		{name: "a worker", example: "dual-stack.yaml", nodes: []string{"10.2.0.6"}, want: []string{"10.2.0.6"}},
		{name: "in the order of the manifests", example: "dual-stack.yaml", nodes: []string{"10.2.0.6", "10.2.0.5"}, want: three[1:]},
		{
			name: "a missing one", example: "dual-stack.yaml", nodes: []string{"10.2.0.6", "10.9.9.9"},
			failure: "no node of the manifests has the address 10.9.9.9; they have 10.2.0.4, 10.2.0.5, 10.2.0.6",
		},
		{
			name: "the last control plane node", example: "dual-stack.yaml", nodes: []string{"10.2.0.4", "10.2.0.5"},
			failure: "dualstrap reset cluster", refused: true,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := Targets(loadtest.Example(t, test.example).Config, Options{Nodes: addresses(t, test.nodes...)})
			var refused *refusal.Error
			if test.failure != "" {
				if err == nil || !strings.Contains(err.Error(), test.failure) || errors.As(err, &refused) != test.refused {
					t.Errorf("the error is %v", err)
				}
				return
			}
			if want := addresses(t, test.want...); err != nil || !slices.Equal(got, want) {
				t.Errorf("it is about %v, want %v: %v", got, want, err)
			}
		})
	}
}

func TestQuorum(t *testing.T) {
	t.Parallel()
	// A member is h if it is healthy and x if it is not; a capital letter means that it leaves.
	for members, want := range map[string]string{
		"hhh": "", "Hhh": "", "HHh": "", "hx": "", "hhX": "", "hhhHH": "", "hhxXH": "",
		"H":     "no member would be left of etcd",
		"HH":    "no member would be left of etcd",
		"Hhx":   "etcd would lose its quorum: 1 of the 2 members that stay are healthy, and it takes 2; bring the others back first",
		"hxX":   "etcd has no quorum: 1 of 3 members are healthy; bring the others back first",
		"hX":    "etcd has no quorum: 1 of 2 members are healthy",
		"HHhxx": "etcd would lose its quorum: 1 of the 3 members that stay are healthy, and it takes 2",
	} {
		var count memberCount
		for _, member := range members {
			count.add(member == 'H' || member == 'X', member == 'h' || member == 'H')
		}
		err := count.check()
		var refused *refusal.Error
		if want == "" && err != nil || want != "" && (!errors.As(err, &refused) || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", members, err, want)
		}
	}
}

// TestPlanReset checks that the actions on a host depend only on the state of the host.
func TestPlanReset(t *testing.T) {
	t.Parallel()
	const record = `{"kind":"file","name":"/etc/dualstrap/cluster.yaml","absent":true}` + "\n"
	prepared := facts.Membership{Prepared: true, PreparedFor: "10.2.0.175:443"}
	for _, test := range []struct {
		name       string
		membership facts.Membership
		traces     map[string]remote.Value
		want       []string
		failure    string
	}{
		{name: "a bare host"},
		{
			name: "a node", membership: prepared,
			traces: map[string]remote.Value{"traces": {Output: []byte("record.jsonl\n")}, "record": {Output: []byte(record)}},
			want:   []string{"stop the kubelet", "end all pods and remove their network", "restore the previous state"},
		},
		{
			name:   "an interrupted reset has removed the record",
			traces: map[string]remote.Value{"traces": {}},
			want:   []string{"stop the kubelet", "end all pods and remove their network", "restore the previous state"},
		},
		{name: "its record is gone", membership: prepared, failure: "record of the previous state is gone"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, err := session.Open(loadtest.Example(t, "dual-stack.yaml"), session.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(s.Close)
			first := &s.Hosts[0]
			first.Facts.Membership = test.membership
			host := &answering{Host: remotetest.NewHost(t, first.Address), answer: remote.Answer{Values: test.traces}}
			actions, err := (&run{s: s}).planReset(t.Context(), host)
			if test.failure != "" {
				if err == nil || !strings.Contains(err.Error(), test.failure) {
					t.Errorf("the error is %v", err)
				}
				return
			}
			var got []string
			for _, action := range actions {
				got = append(got, action.Summary)
			}
			if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// answering is a host that answers every probe in the same way. Attempts to change it fail the test.
type answering struct {
	*remotetest.Host
	answer remote.Answer
}

// Probe implements remote.Reader.
func (a *answering) Probe(context.Context, remote.Script) (remote.Answer, error) {
	return a.answer, nil
}
