package facts

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/hostprep/remote/remotetest"
)

// bound returns a context for operations that must not hang. Its timeout is far above their normal duration.
func bound(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// TestProbeIsOneCall verifies that facts take one round trip, and that errors are returned unchanged.
func TestProbeIsOneCall(t *testing.T) {
	t.Parallel()
	fake := remotetest.NewHost(t, netip.MustParseAddr("10.2.0.4"))
	lost := errors.New("connection lost")
	script, err := newProbeScript()
	if err != nil {
		t.Fatal(err)
	}
	fake.Expect(
		remotetest.Call{Method: remotetest.Probe, Script: script, Answer: remote.Answer{}},
		remotetest.Call{Method: remotetest.Probe, Script: script, Err: lost},
	)
	if _, err := Probe(bound(t), fake); err == nil || !strings.Contains(err.Error(), "cannot parse the facts of the host") {
		t.Errorf("an empty answer gives the error %v", err)
	}
	if _, err := Probe(bound(t), fake); !errors.Is(err, lost) {
		t.Errorf("error %v, want the host's", err)
	}
}

func TestProbeNetworkIsOneCall(t *testing.T) {
	t.Parallel()
	fake := remotetest.NewHost(t, netip.MustParseAddr("10.2.0.4"))
	peer := netip.MustParseAddr("10.2.0.5")
	task := NetworkProbe{
		Reach:     []Peer{{Address: peer, Source: fake.Address(), MTU: 1500, Port: 22}},
		Interface: "eth0", ExpectUnused: []netip.Addr{netip.MustParseAddr("10.2.0.175")},
	}
	script, err := task.script()
	if err != nil {
		t.Fatal(err)
	}
	fake.Expect(remotetest.Call{Method: remotetest.Probe, Script: script, Answer: remote.Answer{
		Values: map[string]remote.Value{"network": {Output: []byte("reach 10.2.0.5 small\n")}},
	}})
	network, err := ProbeNetwork(bound(t), fake, task)
	if err != nil {
		t.Fatal(err)
	}
	if network.Reached[peer] != Small || network.Asked != 1 {
		t.Errorf("facts %+v", network)
	}
}

// here returns this machine as a host that is reached over SSH and runs scripts with the given shell.
func here(t *testing.T, shell string) remote.Host {
	t.Helper()
	path, err := exec.LookPath(shell)
	if err != nil {
		t.Fatalf("%s is missing: apt-get install %s", shell, shell)
	}
	// The remote side calls sh, regardless of the login shell.
	bin := t.TempDir()
	if err := os.Symlink(path, bin+"/sh"); err != nil {
		t.Fatal(err)
	}
	server := remotetest.NewServer(t, remotetest.Options{Env: []string{"PATH=" + bin + ":" + os.Getenv("PATH")}})
	pool, err := remote.NewPool(server.Settings())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	host, err := pool.Host(bound(t), server.Addr().Addr())
	if err != nil {
		t.Fatal(err)
	}
	return host
}

// TestProbeHere runs the script with each available sh and compares the facts with those that Go returns.
func TestProbeHere(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"dash", "bash"} {
		host, err := Probe(bound(t), here(t, shell))
		if err != nil {
			t.Errorf("%s: %v", shell, err)
			continue
		}
		name, err := os.Hostname()
		if err != nil {
			t.Fatal(err)
		}
		if host.Hostname != name || host.UID != os.Geteuid() || host.CPUs != runtime.NumCPU() || host.OS.ID == "" {
			t.Errorf("%s: host %s with %d CPUs, user %d, system %q", shell, host.Hostname, host.CPUs, host.UID, host.OS.ID)
		}
		if host.Memory == 0 || len(host.Spaces) != 4 || host.Kernel == "" || host.Architecture == "" || !host.Programs["cp"] {
			t.Errorf("%s: facts are missing: %+v", shell, host)
		}
		if host.Clock.Ahead.Abs() > host.Clock.Uncertainty+time.Second {
			t.Errorf("%s: this machine's clock is %s ahead of itself", shell, host.Clock.Ahead)
		}
		sameLinks(t, host)
	}
}

// sameLinks compares the interfaces with those of package net.
func sameLinks(t *testing.T, host Host) {
	t.Helper()
	links, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	mtus := map[string]int{}
	for _, link := range host.Links {
		mtus[link.Name] = link.MTU
	}
	for _, link := range links {
		if link.Flags&net.FlagLoopback != 0 && mtus[link.Name] != link.MTU {
			t.Errorf("%s has an MTU of %d, the probe says %d", link.Name, link.MTU, mtus[link.Name])
		}
	}
}

// TestProbeNetworkHere probes open and closed ports on the loopback.
func TestProbeNetworkHere(t *testing.T) {
	t.Parallel()
	loopback := netip.MustParseAddr("127.0.0.1")
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	open := listener.Addr().(*net.TCPAddr).AddrPort()
	closed := netip.AddrPortFrom(loopback, 1)
	task := NetworkProbe{
		Reach:   []Peer{{Address: loopback, Source: loopback, MTU: 1500, Port: int(open.Port())}},
		Connect: []netip.AddrPort{open, closed},
	}
	for _, shell := range []string{"dash", "bash"} {
		network, err := ProbeNetwork(bound(t), here(t, shell), task)
		if err != nil {
			t.Errorf("%s: %v", shell, err)
			continue
		}
		if got := network.Reached[loopback]; got != Whole && got != Open {
			t.Errorf("%s: the loopback answers %q", shell, got)
		}
		if network.Connected[open] != Open || network.Connected[closed] != Refused {
			t.Errorf("%s: ports answer %v", shell, network.Connected)
		}
	}
}
