//go:build integration

package change_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/dualstrap/dualstrap/hostprep/change"
	"github.com/dualstrap/dualstrap/hostprep/firewalld"
	"github.com/dualstrap/dualstrap/hostprep/osfamily"
	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/hostprep/remote/remotetest"
	"github.com/dualstrap/dualstrap/lab"
	"github.com/dualstrap/dualstrap/lab/engine"
)

// machine is a real host that runs systemd and firewalld and has no network connection.
type machine struct {
	tb  testing.TB
	pid string
}

func newMachine(tb testing.TB) *machine {
	tb.Helper()
	return &machine{tb: tb, pid: startMachine(tb)}
}

// serve starts an SSH server that executes on the machine.
func (m *machine) serve(options remotetest.Options) *remotetest.Server {
	m.tb.Helper()
	options.Shell = append(m.enter(), "sh", "-c")
	return remotetest.NewServer(m.tb, options)
}

// enter returns the command that runs another one inside the machine.
func (m *machine) enter() []string {
	return []string{
		"nsenter", "--target", m.pid, "--mount", "--uts", "--ipc", "--net", "--pid", "--",
		"env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	}
}

// sh runs a script on the machine without any of the code under test.
func (m *machine) sh(script string) string {
	m.tb.Helper()
	line := append(m.enter(), "sh", "-euc", script)
	command := exec.CommandContext(m.tb.Context(), line[0], line[1:]...)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		m.tb.Fatalf("%s: %v\n%s%s", script, err, output, stderr.String())
	}
	return strings.TrimRight(string(output), "\n")
}

// connect returns the server's machine as a [remote.Host].
func connect(tb testing.TB, server *remotetest.Server) remote.Host {
	tb.Helper()
	pool, err := remote.NewPool(server.Settings())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(pool.Close)
	host, err := pool.Host(tb.Context(), netip.MustParseAddr("127.0.0.1"))
	if err != nil {
		tb.Fatal(err)
	}
	return host
}

// plan surveys the host and returns the plan.
func plan(tb testing.TB, host remote.Reader, desired change.Desired) []change.Action {
	tb.Helper()
	state, err := change.Survey(tb.Context(), host, desired)
	if err != nil {
		tb.Fatal(err)
	}
	return change.Plan(state, desired)
}

// converge applies the desired state and verifies that a second plan is empty.
func converge(tb testing.TB, host remote.Host, desired change.Desired) {
	tb.Helper()
	if err := change.Apply(tb.Context(), host, plan(tb, host, desired), nil); err != nil {
		tb.Fatal(err)
	}
	if left := summaries(plan(tb, host, desired)); left != "" {
		tb.Fatalf("actions are left:\n%s", left)
	}
}

func summaries(actions []change.Action) string {
	var out strings.Builder
	for _, action := range actions {
		out.WriteString(action.Summary + "\n")
	}
	return out.String()
}

// fingerprint returns a listing of everything that a run may change and that undoing has to restore.
func (m *machine) fingerprint() string {
	m.tb.Helper()
	return m.sh(`
cd /
find etc usr/local opt -xdev \( -path etc/firewalld/zones -o -path etc/firewalld/policies \) -prune -o -print0 |
	sort -z | xargs -0 stat -c '%n %F %a %U:%G %N'
find etc usr/local opt -xdev \( -path etc/firewalld/zones -o -path etc/firewalld/policies \) -prune -o -type f -print0 |
	sort -z | xargs -0 sha256sum
ls -d var/lib/dualstrap var/lib/dualstrap-test 2>/dev/null || :
for key in net/ipv4/ip_forward net/ipv4/conf/all/send_redirects net/ipv6/conf/all/forwarding net/ipv4/conf/all/proxy_arp; do
	echo "$key $(cat /proc/sys/$key)"
done
for unit in firewalld ssh conntrack-test; do
	echo "$unit $(systemctl is-enabled $unit 2>&1) $(systemctl is-active $unit)"
done
firewall-cmd --permanent --list-all-zones
firewall-cmd --permanent --list-all-policies
firewall-cmd --list-all-zones
firewall-cmd --list-all-policies
nft list table inet firewalld | sort`)
}

// desired returns a desired state with something of every kind that works without a container runtime.
func desired() change.Desired {
	program := []byte("#!/bin/sh\nread -r line </etc/conntrack-test/settings/first.conf\nexec sleep infinity\n")
	blob := make([]byte, 3<<20)
	rand.NewChaCha8([32]byte{1}).Read(blob)
	unit := "[Service]\nExecStart=/usr/local/bin/conntrack-test\n[Install]\nWantedBy=multi-user.target\n"
	restarts := []string{"conntrack-test.service"}
	sysctls := "net.ipv4.ip_forward = 1\nnet.ipv4.conf.all.send_redirects = 0\nnet.ipv6.conf.all.forwarding = 1\n"
	parsed, _ := change.ParseSysctls([]byte(sysctls))
	return change.Desired{
		Files: []change.File{
			{Path: "/etc/conntrack-test/settings/first.conf", Mode: 0o644, Content: []byte("one\ntwo\n"), Restarts: restarts},
			{Path: "/etc/conntrack-test/secret", Mode: 0o600, Content: []byte("a very long secret\n"), Secret: true},
			{Path: "/etc/motd", Mode: 0o644, Content: []byte("This is a node.\n")},
			{Path: "/etc/sysctl.d/90-conntrack-test.conf", Mode: 0o644, Content: []byte(sysctls)},
			{Path: "/etc/systemd/system/conntrack-test.service", Mode: 0o644, Content: []byte(unit), Restarts: restarts},
		},
		Sysctls: parsed,
		Baseline: change.Baseline{
			Trees:   []change.Tree{{Path: "/etc/filled", Copy: true}, {Path: "/etc/gone", Copy: true}, {Path: "/opt/named"}},
			Sysctls: []string{"net/ipv4/conf/all/proxy_arp"},
			Tables:  true,
		},
		Modules: []string{"overlay", "veth"},
		Executables: []change.Executable{
			executable("/usr/local/bin/conntrack-test", program, restarts...),
			executable("/opt/conntrack-test/bin/blob", blob),
		},
		Programs: []change.Program{{Name: "conntrack", Package: "conntrack"}},
		Family:   osfamily.Of("debian"),
		Units:    []change.Unit{{Name: "conntrack-test.service", Start: true}},
		Firewalld: firewalld.Wanted{
			Settings: []firewalld.Setting{{File: "/etc/firewalld/firewalld.conf", Key: "IPv6_rpfilter", Value: "no"}},
			Changes: []firewalld.Change{
				{Kind: firewalld.NewZone, Value: "test-pods"},
				{Kind: firewalld.SetTarget, Zone: "test-pods", Value: "ACCEPT"},
				{Kind: firewalld.AddSource, Zone: "test-pods", Value: "192.168.0.0/16"},
				{Kind: firewalld.AddSource, Zone: "test-pods", Value: "fd12::1:0/112"},
				{Kind: firewalld.NewPolicy, Value: "test-to-pods"},
				{Kind: firewalld.AddIngress, Policy: "test-to-pods", Value: "ANY"},
				{Kind: firewalld.AddEgress, Policy: "test-to-pods", Value: "test-pods"},
				{Kind: firewalld.SetTarget, Policy: "test-to-pods", Value: "ACCEPT"},
				{Kind: firewalld.AddPort, Value: "10250/tcp"},
				{Kind: firewalld.AddPort, Value: "30000-32767/udp"},
				{Kind: firewalld.AddRichRule, Value: `rule family="ipv4" source address="10.2.0.5" protocol value="vrrp" accept`},
			},
		},
	}
}

func executable(path string, content []byte, restarts ...string) change.Executable {
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	_, _ = writer.Write(content) // memory takes everything
	_ = writer.Close()
	sum := sha256.Sum256(content)
	return change.Executable{
		Path: path, Mode: 0o755, SHA256: hex.EncodeToString(sum[:]), Size: int64(packed.Len()), Restarts: restarts,
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(packed.Bytes())), nil },
	}
}

// startMachine starts a single container of the lab's image and returns the process ID of its systemd.
func startMachine(tb testing.TB) string {
	tb.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		tb.Fatal(err)
	}
	podman := engine.Podman(engine.Limits{Soft: limit.Cur, Hard: limit.Max})
	name := fmt.Sprintf("dualstrap-change-%d", os.Getpid())
	labels := map[string]string{"dualstrap-change": name}
	container := engine.Container{Name: name, Hostname: "node", Image: labImage(tb), Labels: labels, Volume: name}
	tb.Cleanup(func() {
		ctx := context.Background()     // the test's own has ended
		_ = podman.Kill(ctx, nil, name) // it may not run
		if err := errors.Join(podman.Remove(ctx, nil, name), podman.RemoveVolumes(ctx, nil, name)); err != nil {
			tb.Error(err)
		}
	})
	if err := podman.Create(tb.Context(), container, nil); err != nil {
		tb.Fatal(err)
	}
	if err := podman.Start(tb.Context(), name); err != nil {
		tb.Fatal(err)
	}
	const booted = "until systemctl is-active --quiet firewalld; do sleep 0.2; done; systemctl is-system-running --wait || :"
	if _, err := podman.Exec(tb.Context(), name, nil, "sh", "-c", booted); err != nil {
		tb.Fatal(err)
	}
	found, err := podman.Containers(tb.Context(), labels)
	if err != nil || len(found) != 1 || !found[0].Running {
		tb.Fatalf("the container does not run: %+v, %v", found, err)
	}
	return strconv.Itoa(found[0].PID)
}

// labImage returns the name of the lab's image, and builds the image if it is missing.
func labImage(tb testing.TB) string {
	tb.Helper()
	hosts, err := lab.New("change", "", func(step string) { tb.Log(step) })
	if err != nil {
		tb.Fatal(err)
	}
	name, err := hosts.Prepare(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return name
}
