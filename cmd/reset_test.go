package cmd_test

import (
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/cmd"
)

// TestResetExitCodes checks the exit code of each refusal. All happen before any host is contacted.
func TestResetExitCodes(t *testing.T) {
	t.Parallel()
	const manifests = "../examples/dual-stack.yaml"
	for _, test := range []struct {
		name string
		args []string
		want int
	}{
		{"not a terminal, and no --yes", []string{"cluster"}, 2},
		{"of nodes likewise", []string{"nodes", "--addresses", "10.2.0.6"}, 2},
		{"an unknown address", []string{"nodes", "--yes", "--addresses", "10.2.0.99"}, 2},
		{"no addresses", []string{"nodes", "--yes"}, 2},
		{"the last control plane node", []string{"nodes", "--yes", "--force", "--addresses", "10.2.0.4"}, 4},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			args := append([]string{"reset"}, test.args...)
			args = append(args, "-f", manifests, "--workspace-dir", t.TempDir())
			if got := cmd.Main(args, strings.NewReader("yes\n"), &out, &out); got != test.want {
				t.Errorf("exit code %d, want %d:\n%s", got, test.want, out.String())
			}
		})
	}
}
