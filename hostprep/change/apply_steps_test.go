package change_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/hostprep/change"
	"github.com/dualstrap/dualstrap/hostprep/firewalld"
)

// progress collects what Apply reports. It is not locked, so that the race detector finds reports that overlap.
type progress struct {
	t     *testing.T
	names map[string]bool
	done  int
	of    int
}

func (p *progress) report(step string, done, of int) {
	if done < p.done || done > of || p.of != 0 && of != p.of {
		p.t.Errorf("%s: %d of %d, after %d of %d", step, done, of, p.done, p.of)
	}
	p.names[step] = true
	p.done, p.of = done, of
}

// TestApplyReportsItsSteps checks that each step is reported, and that as many finish as were announced.
func TestApplyReportsItsSteps(t *testing.T) {
	t.Parallel()
	settled := func(alter func(*change.State)) []change.Action {
		state := asWanted()
		alter(&state)
		return change.Plan(state, wanted())
	}
	tests := map[string]struct {
		actions []change.Action
		want    []string
	}{
		"everything": {fromNothing(), []string{
			"import image pause", "install packages", "make settings and units take effect", "record the previous state", "send app",
			"send image pause", "write files",
		}},
		"a sysctl": {
			settled(func(s *change.State) { s.Sysctls["net/ipv4/conf/eth0.5/send_redirects"] = "1" }),
			[]string{"make settings and units take effect", "record the previous state"},
		},
		"a port of firewalld": {
			settled(func(s *change.State) { s.Firewalld.Runtime.Zones["public"] = firewalld.Section{} }),
			[]string{"change firewalld", "record the previous state"},
		},
		"an image that is not pinned": {
			settled(func(s *change.State) { s.Pinned = nil }), []string{"pin images"},
		},
		"an image": {
			settled(func(s *change.State) { s.Images = nil }),
			[]string{"import image pause", "record the previous state", "send image pause"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &progress{t: t, names: map[string]bool{}}
			if err := change.Apply(t.Context(), &slowHost{}, tt.actions, p.report); err != nil {
				t.Fatal(err)
			}
			var names []string
			for name := range p.names {
				names = append(names, name)
			}
			slices.Sort(names)
			if diff := cmp.Diff(tt.want, names); diff != "" || p.done != len(tt.want) || p.of != len(tt.want) {
				t.Errorf("%d of %d steps (-want +got):\n%s", p.done, p.of, diff)
			}
		})
	}
}

// TestApplyCountsOnlyFinishedSteps checks that a step that fails is not counted as finished.
func TestApplyCountsOnlyFinishedSteps(t *testing.T) {
	t.Parallel()
	host := &slowHost{fail: map[string]error{load: errors.New("broken")}}
	p := &progress{t: t, names: map[string]bool{}}
	if err := change.Apply(t.Context(), host, fromNothing(), p.report); err == nil {
		t.Fatal("no error")
	}
	if p.done != 6 || p.of != 7 {
		t.Errorf("%d of %d steps, want 6 of 7", p.done, p.of)
	}
}
