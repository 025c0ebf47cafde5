//go:build integration

package cmd_test

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// cisFunctions holds the shell functions and variables that the conditions of controls use.
const cisFunctions = `k=/etc/kubernetes m=$k/manifests
mode() { # MAX FILE...: none has a bit that MAX has not
	most=$1; shift
	for file; do [ $((0$(stat -c %a "$file") & ~0$most & 07777)) = 0 ] || return 1; done
}
owned() { for file; do [ "$(stat -c %U:%G "$file")" = root:root ] || return 1; done; }
flag() { grep -q -- "^    - --$2" "$m/$1.yaml"; } # PROGRAM BEGINNING
noflag() { ! flag "$1" "$2"; }
plugin() { flag kube-apiserver "enable-admission-plugins=.*$1"; }
kubelet() { printf %s "$config" | grep -q "$1"; } # a part of its configuration, as it says itself
config=$(kubectl --kubeconfig $k/admin.conf get --raw "/api/v1/nodes/$(hostname)/proxy/configz")
[ -n "$config" ] || exit 1
`

// clusterMeetsControls compares docs/cis.md with a new cluster: every control that the page calls met has to be met, and no
// other.
func clusterMeetsControls(t *testing.T, c *testCluster) {
	t.Helper()
	page, err := os.ReadFile("../docs/cis.md")
	if err != nil {
		t.Fatal(err)
	}
	conditions := cisConditions()
	script := cisFunctions
	for _, control := range slices.Sorted(maps.Keys(conditions)) {
		script += "if { " + conditions[control] + "; } 2>/dev/null; then echo '" + control + " met'; else echo '" + control + " not met'; fi\n"
	}
	states := map[string]string{}
	for line := range strings.Lines(c.on(t, hostName("cp-1"), script)) {
		control, state, _ := strings.Cut(strings.TrimSpace(line), " ")
		states[control] = state
	}
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(line, " | ")
		if len(cells) < 4 || !strings.HasSuffix(cells[2], "met") {
			continue
		}
		control, said := strings.TrimPrefix(cells[0], "| "), cells[2]
		if is, asked := states[control]; asked && is != said {
			t.Errorf("control %s (%s) is %s, and the documentation says %s", control, cells[1], is, said)
		} else if !asked && said == "met" {
			t.Errorf("control %s (%s) is said to be met, and nothing asks whether it is", control, cells[1])
		}
		delete(states, control)
	}
	for control := range states {
		t.Errorf("control %s is not in the documentation", control)
	}
}
