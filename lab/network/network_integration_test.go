//go:build integration

package network_test

import (
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/vishvananda/netns"

	"github.com/dualstrap/dualstrap/lab/network"
)

func segment() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("10.2.0.1/24"), netip.MustParsePrefix("fd12::3:ffff/108")}
}

// enterNamespace moves the test into a network namespace of its own.
func enterNamespace(t *testing.T) {
	t.Helper()
	runtime.LockOSThread() // it is never unlocked: the thread ends with the test, and the namespace with the thread
	namespace, err := netns.New()
	if err != nil {
		t.Fatalf("cannot make a network namespace, which needs root: %v", err)
	}
	t.Cleanup(func() { namespace.Close() })
}

func ip(t *testing.T, line string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ip", strings.Fields(line)...).CombinedOutput()
	if err != nil {
		t.Fatalf("ip %s: %v\n%s", line, err, out)
	}
	return string(out)
}

func TestIntegrationBridge(t *testing.T) {
	enterNamespace(t)
	if owner, laid, err := network.Owner(); laid || err != nil {
		t.Fatalf("there is a bridge of %q: %v", owner, err)
	}
	for i, want := range []bool{true, false} {
		if changed, err := network.CreateBridge("lab", segment()); changed != want || err != nil {
			t.Fatalf("run %d: changed %v: %v", i+1, changed, err)
		}
	}
	if owner, laid, err := network.Owner(); owner != "lab" || !laid || err != nil {
		t.Errorf("owner %q, laid %v: %v", owner, laid, err)
	}
	shown := ip(t, "address show dev "+network.Bridge) + ip(t, "link show dev "+network.Bridge)
	for _, want := range []string{"inet 10.2.0.1/24", "inet6 fd12::3:ffff/108", "dualstrap lab lab"} {
		if !strings.Contains(shown, want) {
			t.Errorf("no %q in:\n%s", want, shown)
		}
	}
	ip(t, "address del 10.2.0.1/24 dev "+network.Bridge)
	if changed, err := network.CreateBridge("lab", segment()); !changed || err != nil {
		t.Errorf("an address is missing: changed %v: %v", changed, err)
	}
	for i, want := range []bool{true, false} {
		if removed, err := network.Remove(); removed != want || err != nil {
			t.Errorf("run %d: removed %v: %v", i+1, removed, err)
		}
	}
	if shown := ip(t, "link show"); strings.Contains(shown, "dslab") {
		t.Errorf("something is left:\n%s", shown)
	}
}

func TestIntegrationCable(t *testing.T) {
	enterNamespace(t)
	if _, err := network.CreateBridge("lab", segment()); err != nil {
		t.Fatal(err)
	}
	host := exec.CommandContext(t.Context(), "unshare", "--net", "sleep", "1000")
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		host.Process.Kill()
		_ = host.Wait() // it was killed
	})
	pid := host.Process.Pid
	awaitOwnNamespace(t, pid)
	expect := func(want network.State) {
		t.Helper()
		if state, err := network.LinkOf("cp-1", pid); state != want || err != nil {
			t.Fatalf("the veth link is %s, want %s: %v", state, want, err)
		}
	}
	expect(network.Detached)
	for range 2 { // the second replaces the first
		if err := network.Attach("cp-1", "02:d5:00:00:00:01", pid); err != nil {
			t.Fatal(err)
		}
		expect(network.Connected)
	}
	if err := network.SetLink("cp-1", false); err != nil {
		t.Fatal(err)
	}
	expect(network.Disconnected)
	if state, err := network.LinkOf("cp-1", os.Getpid()); state != network.Detached || err != nil {
		t.Errorf("for another process the veth link is %s: %v", state, err)
	}
	if removed, err := network.Remove(); !removed || err != nil {
		t.Errorf("removed %v: %v", removed, err)
	}
	expect(network.Detached)
	if err := network.SetLink("cp-1", true); err == nil {
		t.Error("a missing veth link was set up")
	}
}

// awaitOwnNamespace waits until a process has left the network namespace of the test.
func awaitOwnNamespace(t *testing.T, pid int) {
	t.Helper()
	mine, err := netns.Get()
	if err != nil {
		t.Fatal(err)
	}
	defer mine.Close()
	for t.Context().Err() == nil {
		theirs, err := netns.GetFromPid(pid)
		if err != nil {
			t.Fatal(err)
		}
		left := !theirs.Equal(mine)
		theirs.Close()
		if left {
			return
		}
		runtime.Gosched()
	}
}

func TestIntegrationConflicts(t *testing.T) {
	enterNamespace(t)
	ip(t, "link add other type bridge")
	ip(t, "link set other up")
	if err := network.CheckFree(segment()); err != nil {
		t.Fatalf("nothing is taken: %v", err)
	}
	for _, test := range []struct{ add, remove, want string }{
		{"address add 10.2.0.9/32 dev other", "address del 10.2.0.9/32 dev other", "10.2.0.9/32"},
		{"address add 10.2.0.9/8 dev other", "address del 10.2.0.9/8 dev other", "10.2.0.9/8"},
		{"-6 address add fd12::7/64 dev other", "-6 address del fd12::7/64 dev other", "fd12::7/64"},
		{"route add 10.2.0.128/25 dev other", "route del 10.2.0.128/25 dev other", "10.2.0.128/25"},
		{"-6 route add fd12::2:0/112 dev other", "-6 route del fd12::2:0/112 dev other", "fd12::2:0/112"},
	} {
		ip(t, test.add)
		var conflict *network.ConflictError
		if err := network.CheckFree(segment()); !errors.As(err, &conflict) || conflict.Link != "other" || conflict.Taken.String() != test.want {
			t.Errorf("%s: %v", test.add, err)
		}
		ip(t, test.remove)
	}
	// Adjacent ranges, wider ranges and the bridge itself are not conflicts.
	ip(t, "address add 10.2.1.1/24 dev other")
	ip(t, "route add 10.0.0.0/8 dev other")
	ip(t, "route add default dev other")
	if _, err := network.CreateBridge("lab", segment()); err != nil {
		t.Fatal(err)
	}
	if err := network.CheckFree(segment()); err != nil {
		t.Errorf("nothing is taken: %v", err)
	}
}
