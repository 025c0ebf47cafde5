//go:build integration

package render

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// TestIntegrationDeadHAProxyGivesUpTheVIP runs keepalived and HAProxy like their static pods: with the same commands, files and
// capabilities. A node holds the VIP before any API server is up, releases it when its HAProxy dies, and takes it again
// later. Neither HAProxy nor the scripts have any privileges meanwhile.
func TestIntegrationDeadHAProxyGivesUpTheVIP(t *testing.T) {
	t.Parallel()
	debianProgram(t, "keepalived", "keepalived")
	debianProgram(t, "haproxy", "haproxy")
	setpriv := debianProgram(t, "setpriv", "util-linux")
	dir := t.TempDir()
	pods := map[string]string{}
	for _, file := range filesOf(t, scenarioInput(t, "three-control-planes-with-load-balancers/known")) {
		if file.Host != "10.2.0.7" {
			continue
		}
		if strings.HasPrefix(file.Path, loadBalancerDir) {
			content := string(file.Content)
			if filepath.Base(file.Path) == "check-haproxy" {
				content = strings.Replace(content, "set -euo pipefail\n", "set -euo pipefail\nrights >/etc/keepalived/rights\n", 1)
				content = strings.Replace(content, "#!/bin/bash\n", "#!/bin/bash\n"+rights, 1)
			}
			writeFile(t, filepath.Join(dir, filepath.Base(file.Path)), content, file.Mode)
		}
		if strings.HasPrefix(file.Path, StaticPods) {
			name, command := podCommand(t, setpriv, file)
			pods[name] = command
		}
	}
	out := inNamespace(t, fmt.Sprintf(`
sysctl -qw net.ipv4.ip_nonlocal_bind=1
mount -t tmpfs none /run
mount --bind %[1]s /etc/keepalived
mount --bind %[1]s /etc/haproxy
mount --bind %[1]s/passwd /etc/passwd
%[4]s
>/etc/keepalived/rights
chmod 666 /etc/keepalived/rights
# Processes of this script end with it.
trap 'kill $haproxy $keepalived 2>/dev/null; wait' EXIT

held() { ip -4 -oneline address show dev eth0 | grep -q ' 10.2.0.175/32 '; }
await() { # what, command...
	local what=$1 try; shift
	for try in {1..300}; do
		if "$@"; then echo "$what"; return; fi
		sleep 0.1
	done
	echo "not within 30 s: $what"; cat %[1]s/*.log; exit 1
}
not() { ! "$@"; }
nobody='65534 65534 0000000000000000'
are_nobodys() { [[ $(cat /etc/keepalived/rights) == "$nobody" ]]; }

%[2]s >%[1]s/haproxy.log 2>&1 & haproxy=$!
%[3]s >%[1]s/keepalived.log 2>&1 & keepalived=$!
await "takes the VIP" held
await "finds no API server" not /etc/keepalived/check-haproxy /readyz
/etc/keepalived/check-haproxy /livez && held && echo "holds the VIP without API server"
await "runs scripts as nobody" are_nobodys
[[ $(rights $haproxy) == "$nobody" ]] && echo "runs HAProxy as nobody"
kill $haproxy; wait $haproxy 2>/dev/null || true
await "gives the VIP up" not held
%[2]s >%[1]s/haproxy.log 2>&1 & haproxy=$!
await "takes the VIP again" held
`, shellWord(dir), pods["haproxy"], pods["keepalived"], rights))
	want := "takes the VIP\nfinds no API server\nholds the VIP without API server\n" +
		"runs scripts as nobody\nruns HAProxy as nobody\ngives the VIP up\ntakes the VIP again\n"
	if !strings.Contains(out, want) {
		t.Errorf("got\n%s\nwant\n%s", out, want)
	}
}

// rights is a Bash function that prints a process's user, group and capabilities, by default those of the shell.
const rights = "rights() { awk '/^(Uid|Gid|CapEff):/ { printf \"%s%s\", sep, $2; sep = \" \" }' /proc/${1:-self}/status; }\n"

// podCommand returns the name of a static pod and the command of its container, restricted to the container's
// capabilities.
func podCommand(tb testing.TB, setpriv string, file File) (name, command string) {
	tb.Helper()
	var pod corev1.Pod
	if err := yaml.UnmarshalStrict(file.Content, &pod); err != nil {
		tb.Fatal(err)
	}
	container := pod.Spec.Containers[0]
	capabilities := "-all"
	for _, capability := range container.SecurityContext.Capabilities.Add {
		capabilities += ",+" + strings.ToLower(string(capability))
	}
	words := append([]string{setpriv, "--bounding-set", capabilities, "--inh-caps", "-all"}, container.Command...)
	for i := range words {
		words[i] = shellWord(words[i])
	}
	return pod.Name, strings.Join(words, " ")
}
