//go:build integration

package render

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestIntegrationRefusedConnectionGoesToTheNextServer runs HAProxy with the rendered configuration, but without health checks, so
// that it does not notice on its own that one of three API servers refuses connections.
func TestIntegrationRefusedConnectionGoesToTheNextServer(t *testing.T) {
	t.Parallel()
	haproxy := debianProgram(t, "haproxy", "haproxy")
	dir := t.TempDir()
	for _, file := range filesOf(t, scenarioInput(t, "three-control-planes-with-load-balancers/known")) {
		if file.Host == "10.2.0.7" && filepath.Base(file.Path) == "haproxy.cfg" {
			content := string(file.Content)
			const checks = "    default-server check "
			if !strings.Contains(content, checks) {
				t.Fatalf("there is no %q in:\n%s", checks, content)
			}
			content = strings.Replace(content, checks, "    # ", 1)
			writeFile(t, filepath.Join(dir, "haproxy.cfg"), content, 0o600)
		}
	}
	// These listeners stand in for the API servers that are up.
	writeFile(t, filepath.Join(dir, "servers.cfg"), "defaults\n    mode http\n    timeout client 5s\n"+
		"frontend f\n    bind 10.2.0.5:6443\n    bind 10.2.0.6:6443\n    http-request return status 200\n", 0o600)
	out := inNamespace(t, fmt.Sprintf(`
sysctl -qw net.ipv4.ip_nonlocal_bind=1
for address in 10.2.0.4 10.2.0.5 10.2.0.6 10.2.0.175; do ip address add $address/32 dev lo; done
trap 'kill $servers $haproxy 2>/dev/null; wait' EXIT
%[1]s -f %[2]s/servers.cfg >%[2]s/servers.log 2>&1 & servers=$!
%[1]s -f %[2]s/haproxy.cfg >%[2]s/haproxy.log 2>&1 & haproxy=$!
ask() {
	exec 3<>"/dev/tcp/$1" && printf 'GET / HTTP/1.0\r\n\r\n' >&3 && read -r answer <&3 && exec 3>&- && [[ $answer == *200* ]]
}
for server in 10.2.0.5/6443 10.2.0.175/443; do
	for try in {1..300}; do ask $server 2>/dev/null && break; sleep 0.1; done
done
answered=0
for call in {1..12}; do if ask 10.2.0.175/443; then answered=$((answered + 1)); fi; done
echo "answered $answered of 12"
`, haproxy, shellWord(dir)))
	if want := "answered 12 of 12\n"; !strings.Contains(out, want) {
		t.Errorf("got\n%s\nwant\n%s", out, want)
	}
}
