package lab_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/lab"
	"github.com/dualstrap/dualstrap/lab/engine"
	"github.com/dualstrap/dualstrap/lab/network"
)

// up returns the state of a lab in its desired state.
func up(spec lab.Spec) lab.State {
	var state lab.State
	for i, host := range spec.Hosts() {
		state.Hosts = append(state.Hosts, lab.Found{
			Host: host, Cable: network.Connected,
			Container: engine.Found{Name: host.ID, Running: true, Started: true, PID: 100 + i},
		})
	}
	return state
}

func TestChanges(t *testing.T) {
	t.Parallel()
	larger := lab.Spec{Name: "lab", ControlPlanes: 3, Workers: 3, LoadBalancers: 1, RHELLike: 1}
	for name, test := range map[string]struct {
		spec  lab.Spec
		state func() lab.State
		want  []string
	}{
		"nothing is there": {
			spec: lab.Spec{Name: "lab", ControlPlanes: 1}, state: func() lab.State { return lab.State{} },
			want: []string{
				"lab-cp-1 created", "lab-cp-1 started", "lab-cp-1 attached",
				"client created", "client started", "client attached",
			},
		},
		"it is up": {spec: defaults(), state: func() lab.State { return up(defaults()) }},
		"it grows": {
			spec: larger, state: func() lab.State { return up(defaults()) },
			want: []string{
				"lab-cp-2 created", "lab-cp-2 started", "lab-cp-2 attached",
				"lab-cp-3 created", "lab-cp-3 started", "lab-cp-3 attached",
				"lab-lb-1 created", "lab-lb-1 started", "lab-lb-1 attached",
				"lab-worker-3 created", "lab-worker-3 started", "lab-worker-3 attached",
			},
		},
		"it shrinks": {
			spec: defaults(), state: func() lab.State { return up(larger) },
			want: []string{"lab-cp-2 removed", "lab-cp-3 removed", "lab-lb-1 removed", "lab-worker-3 removed"},
		},
		"hosts need this and that": {
			spec: defaults(),
			state: func() lab.State {
				state := up(defaults())
				state.Hosts[0].Container.Started, state.Hosts[0].Container.Running = false, false // interrupted before its first start
				state.Hosts[1].Container.Running = false
				state.Hosts[2].Cable = network.Disconnected
				state.Hosts[3].Cable = network.Detached
				return state
			},
			want: []string{
				"lab-cp-1 created", "lab-cp-1 started", "lab-cp-1 attached",
				"lab-worker-1 started", "lab-worker-1 attached", "lab-worker-2 connected", "client attached",
			},
		},
		"removals come first": {
			spec: lab.Spec{Name: "lab", ControlPlanes: 3, Workers: 1},
			state: func() lab.State {
				return up(lab.Spec{Name: "lab", ControlPlanes: 1, Workers: 2})
			},
			want: []string{
				"lab-worker-2 removed",
				"lab-cp-2 created", "lab-cp-2 started", "lab-cp-2 attached",
				"lab-cp-3 created", "lab-cp-3 started", "lab-cp-3 attached",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, change := range lab.Changes(test.spec, test.state()) {
				got = append(got, fmt.Sprint(change.Host.Name, " ", change.Kind))
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("changes:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}
