package render_test

import (
	"testing"

	"github.com/dualstrap/dualstrap/internal/goldentest"
	"github.com/dualstrap/dualstrap/render"
)

// TestHostsGolden compares every file of every host of every example: as a dry run shows it, without facts about the
// hosts, and as it is written once all facts are known.
func TestHostsGolden(t *testing.T) {
	t.Parallel()
	for _, name := range exampleNames() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := exampleInput(t, name)
			offline, err := render.Hosts(in)
			if err != nil {
				t.Fatalf("Hosts: %v", err)
			}
			goldentest.Compare(t, "testdata/hosts/"+name+"-offline.txt", render.HostsText(offline))
			in.Discovered = render.LaterOf(in.Config)
			known, err := render.Hosts(in)
			if err != nil {
				t.Fatalf("Hosts: %v", err)
			}
			goldentest.Compare(t, "testdata/hosts/"+name+"-known.txt", render.HostsText(known))
		})
	}
}
