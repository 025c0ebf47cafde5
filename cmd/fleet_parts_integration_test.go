//go:build integration

package cmd_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/vishvananda/netlink"
	"go4.org/netipx"
	"golang.org/x/sys/unix"

	"github.com/dualstrap/dualstrap/hostprep/remote/remotetest"
)

// testFleet is a large number of hosts, served over SSH by a process of their own.
type testFleet struct {
	dir string
	// manifest is the path of the manifests of a cluster of the hosts. The first three are its control plane.
	manifest string
	members  []remotetest.Member
	hosts    *exec.Cmd
	input    io.Closer
}

// newTestFleet creates size hosts. The last of them have ailments, ailing hosts for each.
func newTestFleet(tb testing.TB, size, ailing int, ailments ...remotetest.Ailment) *testFleet {
	tb.Helper()
	f := &testFleet{dir: tb.TempDir()}
	for _, address := range largeAddresses(size) {
		f.members = append(f.members, remotetest.Member{Address: netip.AddrPortFrom(address, 22)})
	}
	for i, ailment := range ailments {
		for j := range ailing {
			f.members[size-1-i*ailing-j].Ailment = ailment
		}
	}
	routeHere(tb)
	f.writeManifest(tb)
	f.start(tb)
	return f
}

// routeHere makes all addresses of the nodes' subnet local to this network namespace, which belongs to the tests.
func routeHere(tb testing.TB) {
	tb.Helper()
	loopback, err := netlink.LinkByName("lo")
	if err != nil {
		tb.Fatal(err)
	}
	route := &netlink.Route{
		LinkIndex: loopback.Attrs().Index, Type: unix.RTN_LOCAL, Table: unix.RT_TABLE_LOCAL, Scope: netlink.SCOPE_HOST,
		Dst: netipx.PrefixIPNet(netip.MustParsePrefix("172.16.0.0/16")),
	}
	if err := netlink.RouteAdd(route); err != nil {
		tb.Fatalf("cannot take the hosts' addresses: %v", err)
	}
	tb.Cleanup(func() {
		if err := netlink.RouteDel(route); err != nil {
			tb.Error(err)
		}
	})
}

func (f *testFleet) writeManifest(tb testing.TB) {
	tb.Helper()
	manifest, err := os.ReadFile(largeCluster(tb, len(f.members)-3))
	if err != nil {
		tb.Fatal(err)
	}
	manifest = fmt.Appendf(manifest, fleetOptions, filepath.Join(f.dir, remotetest.LoginKey), filepath.Join(f.dir, remotetest.KnownHosts))
	f.manifest = filepath.Join(f.dir, "cluster.yaml")
	if err := os.WriteFile(f.manifest, manifest, 0o600); err != nil {
		tb.Fatal(err)
	}
}

// start starts the hosts, and waits until they are ready.
func (f *testFleet) start(tb testing.TB) {
	tb.Helper()
	data, err := json.Marshal(f.members)
	if err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(f.dir, fleetMembers), data, 0o600); err != nil {
		tb.Fatal(err)
	}
	f.hosts = helper(context.Background(), "ssh-fleet", f.dir)
	output, err := f.hosts.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if f.input, err = f.hosts.StdinPipe(); err != nil {
		tb.Fatal(err)
	}
	if err := f.hosts.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { f.stop(tb) })
	if _, err := io.ReadFull(output, make([]byte, len("ready\n"))); err != nil {
		tb.Fatal("the hosts do not come up")
	}
}

// helper returns a command that runs this test binary as one of its helper programs: see TestMain.
func helper(ctx context.Context, program string, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, "/proc/self/exe")
	command.Args = append([]string{program}, args...)
	command.Stderr = os.Stderr
	return command
}

// stop stops the hosts and returns the requests that they got.
func (f *testFleet) stop(tb testing.TB) []remotetest.Asked {
	tb.Helper()
	if f.hosts == nil {
		return nil
	}
	f.input.Close()
	if err := f.hosts.Wait(); err != nil {
		tb.Errorf("the hosts: %v", err)
	}
	f.hosts = nil
	var asked []remotetest.Asked
	data, err := os.ReadFile(filepath.Join(f.dir, fleetAsked))
	if err == nil {
		err = json.Unmarshal(data, &asked)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return asked
}
