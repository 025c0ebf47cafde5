//go:build integration

package render

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/render/cni"
)

func TestIntegrationNftReadsTables(t *testing.T) {
	t.Parallel()
	nft := debianProgram(t, "nft", "nftables")
	tables := writeFiles(t, t.TempDir(), allFiles(t), hasBase("nftables.nft"))
	var script strings.Builder
	for _, table := range tables {
		fmt.Fprintf(&script, "%s --check --file %s\n", nft, shellWord(table))
	}
	// Load the table twice: the agent loads it again whenever the cluster grows.
	fmt.Fprintf(&script, "%[1]s --file %[2]s\n%[1]s --file %[2]s\n%[1]s list table inet dualstrap\n", nft, shellWord(tables[0]))
	loaded := inNamespace(t, script.String())
	for _, want := range []string{"set cluster4", "set local4", "masquerade fully-random", "ip daddr != @cluster4"} {
		if strings.Count(loaded, want) != 1 {
			t.Errorf("the loaded table has %q %d times, want once:\n%s", want, strings.Count(loaded, want), loaded)
		}
	}
}

// TestIntegrationTmpfilesReadsFiles checks that systemd-tmpfiles removes the CNI configuration at boot, and only then.
func TestIntegrationTmpfilesReadsFiles(t *testing.T) {
	t.Parallel()
	tmpfiles := debianProgram(t, "systemd-tmpfiles", "systemd")
	rules := writeFiles(t, t.TempDir(), allFiles(t), func(file File) bool { return strings.HasPrefix(file.Path, "/etc/tmpfiles.d/") })
	if len(rules) != 1 {
		t.Fatalf("there are %d different files, want one", len(rules))
	}
	root := t.TempDir()
	conflist := filepath.Join(root, cniDir, cni.FileName)
	if err := os.MkdirAll(filepath.Dir(conflist), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(conflist, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, tmpfiles, "--root="+root, "--remove", "--create", rules[0])
	if _, err := os.Stat(conflist); err != nil {
		t.Errorf("it is gone while the host runs: %v", err)
	}
	run(t, tmpfiles, "--root="+root, "--boot", "--remove", "--create", rules[0])
	if _, err := os.Stat(conflist); !os.IsNotExist(err) {
		t.Errorf("it is there when the host starts: %v", err)
	}
}

func TestIntegrationHAProxyReadsConfigurations(t *testing.T) {
	t.Parallel()
	haproxy := debianProgram(t, "haproxy", "haproxy")
	for _, config := range writeFiles(t, t.TempDir(), allFiles(t), hasBase("haproxy.cfg")) {
		out := run(t, haproxy, "-c", "-f", config)
		if strings.Contains(out, "WARNING") {
			t.Errorf("haproxy warns of %s:\n%s", config, out)
		}
	}
}

func TestIntegrationKeepalivedReadsConfigurations(t *testing.T) {
	t.Parallel()
	keepalived := debianProgram(t, "keepalived", "keepalived")
	dir := t.TempDir()
	files := allFiles(t)
	check := writeFiles(t, dir, files, hasBase("check-haproxy"))[0]
	// When keepalived only tests its configuration and scripts run as another user, it takes itself for a child process
	// whose parent has exited, and exits silently. TestDeadHAProxyGivesUpTheVIP covers that user.
	for i := range files {
		if hasBase("keepalived.conf")(files[i]) {
			files[i].Content = bytes.Replace(files[i].Content, []byte("script_user nobody"), []byte("script_user root"), 1)
		}
	}
	configs := writeFiles(t, dir, files, hasBase("keepalived.conf"))
	// keepalived checks the script as well, whose path is one inside the container.
	script := fmt.Sprintf("mount --bind %s /etc/keepalived\n", shellWord(filepath.Dir(check)))
	for _, config := range configs {
		script += fmt.Sprintf("%s --config-test --use-file=%s 2>&1\n", keepalived, shellWord(config))
	}
	if out := inNamespace(t, script); strings.TrimSpace(out) != "" {
		t.Errorf("keepalived has remarks:\n%s", out)
	}
}

func TestIntegrationKubeadmReadsConfigurations(t *testing.T) {
	t.Parallel()
	kubeadm := builtProgram(t, "kubeadm")
	klogWarning := regexp.MustCompile(`(?m)^W\d{4} `)
	for _, s := range hostScenarios(t) {
		isConfig := func(file File) bool { return file.Path == kubeadmConfig }
		for _, file := range filesOf(t, s.in) {
			if !isConfig(file) {
				continue
			}
			name := filepath.Join(t.TempDir(), "config.yaml")
			writeFile(t, name, string(file.Content), file.Mode)
			out, err := exec.CommandContext(t.Context(), kubeadm, "config", "validate", "--config", name).CombinedOutput()
			if known := strings.HasSuffix(s.name, "/known"); known != (err == nil) {
				t.Errorf("%s, host %s: kubeadm says %v, although its values are known: %t\n%s", s.name, file.Host, err, known, out)
			}
			if klogWarning.Match(out) {
				t.Errorf("%s, host %s: kubeadm warns:\n%s", s.name, file.Host, out)
			}
		}
	}
	for _, name := range writeFiles(t, t.TempDir(), ipv6Files(t), func(file File) bool {
		return strings.HasPrefix(file.Path, kubeadmDir)
	}) {
		run(t, kubeadm, "config", "validate", "--config", name)
	}
}

func TestIntegrationContainerdReadsConfigurations(t *testing.T) {
	t.Parallel()
	containerd := builtProgram(t, "containerd")
	for _, config := range writeFiles(t, t.TempDir(), allFiles(t), hasBase("config.toml")) {
		out := run(t, containerd, "--config", config, "config", "dump")
		if strings.Contains(out, "unknown key") {
			t.Errorf("containerd does not know all of %s:\n%s", config, out)
		}
		for _, want := range []string{
			"SystemdCgroup = true", "BinaryName = '/usr/local/bin/runc'", "bin_dirs = ['/opt/cni/bin']", "conf_dir = '/etc/cni/net.d'",
			"config_path = '/etc/containerd/certs.d'", "sandbox = 'dualstrap.dev/pause:3.10.2'",
		} {
			if !strings.Contains(out, want) {
				t.Errorf("containerd reads %s without %s:\n%s", config, want, out)
			}
		}
	}
}

func TestIntegrationSystemdReadsUnits(t *testing.T) {
	t.Parallel()
	analyze := debianProgram(t, "systemd-analyze", "systemd")
	root := t.TempDir()
	var units []string
	for _, file := range filesOf(t, scenarioInput(t, "one-control-plane/known")) {
		if file.Host != "10.2.0.4" || !strings.HasPrefix(file.Path, "/etc/systemd/") {
			continue
		}
		writeFile(t, filepath.Join(root, file.Path), string(file.Content), file.Mode)
		if strings.HasSuffix(file.Path, ".service") {
			units = append(units, filepath.Base(file.Path))
		}
	}
	// systemd-analyze looks for the programs that units name, and for units of the system itself.
	for _, program := range []string{"containerd", "kubelet"} {
		writeFile(t, filepath.Join(root, "usr/local/bin", program), "#!/bin/sh\n", 0o755)
	}
	for _, target := range []string{"network", "network-online", "local-fs", "multi-user", "sysinit", "basic", "shutdown"} {
		writeFile(t, filepath.Join(root, "etc/systemd/system", target+".target"), "[Unit]\nDescription="+target+"\n", 0o644)
	}
	args := append([]string{"verify", "--root=" + root, "--man=no", "--generators=no"}, units...)
	if out := run(t, analyze, args...); strings.TrimSpace(out) != "" {
		t.Errorf("systemd-analyze has remarks:\n%s", out)
	}
}

func TestIntegrationKernelHasSysctls(t *testing.T) {
	t.Parallel()
	isSysctl := func(file File) bool { return strings.HasPrefix(file.Path, "/etc/sysctl.d/") }
	for _, name := range writeFiles(t, t.TempDir(), allFiles(t), isSysctl) {
		// Some keys belong to the whole machine, so the test sets none. A key with slashes is a path as it is; in a key
		// with dots, the dots stand for the slashes.
		missing := inNamespace(t, `
while IFS= read -r line; do
	case $line in ""|"#"*|-*) continue ;; esac
	key=${line%% =*}
	case $key in */*) ;; *) key=$(tr . / <<<"$key") ;; esac
	[[ -e /proc/sys/$key ]] || echo "$key"
done <`+shellWord(name))
		if missing != "" {
			t.Errorf("%s: the kernel has no %s", name, missing)
		}
	}
}

// TestIntegrationMachineHasSysctls checks the keys that exist only on a machine, and not in a network namespace.
func TestIntegrationMachineHasSysctls(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/sys/net/ipv4/neigh/default"); err != nil {
		t.Skipf("this is a container, and the machine's settings are not to be seen: %v", err)
	}
	looked := 0
	for line := range strings.Lines(contentOf(t, filesOf(t, scenarioInput(t, "one-control-plane/known")), "10.2.0.4", LimitsFile)) {
		key, _, _ := strings.Cut(line, " = ")
		key, optional := strings.CutPrefix(key, "-")
		if !optional {
			continue
		}
		looked++
		if _, err := os.Stat("/proc/sys/" + strings.ReplaceAll(key, ".", "/")); err != nil {
			t.Errorf("the kernel has no %s: %v", key, err)
		}
	}
	if looked != 6 {
		t.Errorf("there are %d such settings, want three of each family", looked)
	}
}
