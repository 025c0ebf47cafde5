//go:build integration

package agent

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/dualstrap/dualstrap/agent/internal/nettest"
	"github.com/dualstrap/dualstrap/agent/kernel"
	"github.com/dualstrap/dualstrap/internal/family"
)

// TestIntegrationFirewallReloads checks that the agent's table survives a reload of firewalld, which drops and loads
// its own rules again, and that the agent restores the table after all tables were flushed.
func TestIntegrationFirewallReloads(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	node := s.addNode(node1)
	firewall := node.startFirewalld()
	node.start("island")
	node.ready()
	p := node.addPod("pod")
	p.Mirror(mirrorPort)
	passes := func(when string) {
		t.Helper()
		sees(t, "pod to outside "+when, p.Namespace, netip.MustParseAddr(outside4), node.node.Addrs[family.IPv4].String())
		sees(t, "outside to pod "+when, s.outside, p.addrs[family.IPv6], outside6)
	}
	// The kernel never reuses handles: a table that was created again has others. The elements of its sets change with
	// the packets of pods.
	table := func() string { return node.Run("nft", "--handle", "--terse", "list", "table", "inet", kernel.Table) }
	passes("beside a firewall")
	before := table()
	for _, how := range []string{"--reload", "--complete-reload"} {
		marker := node.Run("nft", "--handle", "list", "table", "inet", "firewalld")
		firewall(how)
		if after := node.Run("nft", "--handle", "list", "table", "inet", "firewalld"); after == marker {
			t.Fatalf("firewall-cmd %s changed nothing", how)
		}
		if after := table(); after != before {
			t.Errorf("after firewall-cmd %s, the agent's table is\n%s\nand was\n%s", how, after, before)
		}
		passes("after firewall-cmd " + how)
	}
	node.Run("nft", "flush", "ruleset")
	nettest.Eventually(t, "the table comes back", func() error {
		if table, err := readRules(node.Namespace); err != nil || table.Rules == nil || table.Rules.NAT == nil {
			return fmt.Errorf("it is %+v, %w", table, err)
		}
		return nil
	})
	passes("after all tables were flushed")
}

// startFirewalld runs a real firewalld in the node's namespace, with its own message bus, until the test ends. It
// returns a function that runs firewall-cmd.
func (h *host) startFirewalld() func(...string) {
	h.site.t.Helper()
	t, dir := h.site.t, h.site.t.TempDir()
	files := map[string]string{
		"firewalld.conf": "DefaultZone=trusted\nFirewallBackend=nftables\nIPv6_rpfilter=no\n",
		"bus.conf": `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><listen>unix:path=` + filepath.Join(dir, "bus") + `</listen>
<policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy></busconfig>`,
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := append(os.Environ(), "DBUS_SYSTEM_BUS_ADDRESS=unix:path="+filepath.Join(dir, "bus"))
	run := func(words ...string) {
		t.Helper()
		cmd := h.Command(context.WithoutCancel(t.Context()), words...)
		cmd.Env, cmd.Stdout, cmd.Stderr = env, h.log, h.log
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // no leftover process if the test is killed
		if err := cmd.Start(); err != nil {
			t.Fatalf("cannot run %s (apt-get install firewalld): %v", words[0], err)
		}
		t.Cleanup(func() {
			_ = cmd.Process.Kill() // it may have exited, which the test would have reported
			_ = cmd.Wait()
		})
	}
	run("dbus-daemon", "--config-file="+filepath.Join(dir, "bus.conf"), "--nofork", "--nopidfile")
	nettest.Eventually(t, "message bus", func() error {
		_, err := os.Stat(filepath.Join(dir, "bus"))
		return err
	})
	run("firewalld", "--nofork", "--nopid", "--system-config", dir, "--log-file", filepath.Join(dir, "log"))
	command := func(words ...string) (string, error) {
		cmd := h.Command(t.Context(), append([]string{"firewall-cmd"}, words...)...)
		cmd.Env = env
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	nettest.Eventually(t, "firewalld", func() error {
		out, err := command("--state")
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	})
	return func(words ...string) {
		t.Helper()
		if out, err := command(words...); err != nil {
			t.Fatalf("firewall-cmd %v: %v\n%s", words, err, out)
		}
	}
}
