//go:build integration

package change_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/hostprep/change"
	"github.com/dualstrap/dualstrap/hostprep/osfamily"
	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/hostprep/remote/remotetest"
)

// prepared is a script that sets up a host as an operator may have left it: with files, with ports that are
// permanently open, and with changes of firewalld's runtime configuration.
const prepared = `
echo hello >/etc/motd
chmod 0640 /etc/motd
chown daemon:daemon /etc/motd
rm -rf /opt/*
mkdir -m 0750 /etc/filled /opt/named
echo mine | tee /etc/filled/mine >/opt/named/mine
echo '# the last line has no end' | head -c -1 >>/etc/firewalld/firewalld.conf
firewall-cmd --quiet --permanent --add-port=4711/tcp
firewall-cmd --quiet --permanent --add-rich-rule='rule family="ipv6" source address="fd12::3:2" service name="http" accept'
systemctl restart firewalld
firewall-cmd --quiet --add-port=4712/udp
firewall-cmd --quiet --zone=home --add-rich-rule='rule family="ipv6" source address="fd12::3:1" accept'
firewall-cmd --quiet --zone=home --remove-service=ssh`

// fill is a script that makes the changes of programs that run on the host later.
const fill = `
echo other >/etc/filled/mine
echo theirs >/etc/filled/theirs
chmod 0700 /etc/filled
mkdir -p /etc/gone/mounted /opt/named/theirs/mounted
mount -t tmpfs tmpfs /etc/gone/mounted
mount -t tmpfs tmpfs /opt/named/theirs/mounted
echo theirs | tee /etc/gone/mounted/file /opt/named/theirs/mounted/file >/etc/gone/file
echo 1 >/proc/sys/net/ipv4/conf/all/proxy_arp
nft 'add table ip emptied; add chain ip emptied INPUT { type filter hook input priority 0; policy accept; }'
nft 'add table ip used; add chain ip used INPUT; add rule ip used INPUT counter'`

// TestIntegrationHost changes one real host and undoes the changes, with interruptions and errors in between.
func TestIntegrationHost(t *testing.T) {
	m := newMachine(t)
	m.sh(prepared)
	before := m.fingerprint()
	server := m.serve(remotetest.Options{})
	host := connect(t, server)

	t.Run("where nothing was changed, nothing is undone", func(t *testing.T) {
		undo(t, host)
		m.expect(t, before)
	})
	t.Run("planning changes nothing", func(t *testing.T) {
		if len(plan(t, host, desired())) == 0 {
			t.Error("the plan is empty")
		}
		m.expect(t, before)
	})
	t.Run("it converges, and what others opened stays", func(t *testing.T) {
		converge(t, host, desired())
		m.sh(`
test "$(cat /proc/sys/net/ipv6/conf/all/forwarding)" = 1
test "$(stat -c %a /etc/conntrack-test/secret)" = 600
test "$(stat -c %a /var/lib/dualstrap)" = 700
test "$(stat -c %a /var/lib/dualstrap/record.jsonl)" = 600
grep -qx IPv6_rpfilter=no /etc/firewalld/firewalld.conf
test -z "$(nft list table inet firewalld | grep 'fib saddr . mark . iif oif missing drop')"
firewall-cmd --quiet --query-port=4711/tcp
firewall-cmd --quiet --query-port=4712/udp
firewall-cmd --quiet --zone=home --query-rich-rule='rule family="ipv6" source address="fd12::3:1" accept'
test "$(firewall-cmd --zone=home --query-service=ssh)" = no
firewall-cmd --quiet --query-port=10250/tcp
firewall-cmd --quiet --policy=test-to-pods --query-egress-zone=test-pods
systemctl is-active conntrack-test`)
	})
	t.Run("a second run has nothing to do, and restarts nothing", func(t *testing.T) {
		invocations := m.invocations()
		converge(t, host, desired())
		if after := m.invocations(); after != invocations {
			t.Errorf("units have restarted: %s, before %s", after, invocations)
		}
	})
	t.Run("drift is repaired, and only what it concerns restarts", func(t *testing.T) {
		firewall := m.sh("systemctl show --property=InvocationID firewalld")
		m.sh(`
echo three >>/etc/conntrack-test/settings/first.conf
chmod 0644 /etc/conntrack-test/secret
rm /opt/conntrack-test/bin/blob
echo 0 >/proc/sys/net/ipv6/conf/all/forwarding
systemctl disable --quiet conntrack-test
firewall-cmd --quiet --remove-port=10250/tcp`)
		converge(t, host, desired())
		if after := m.sh("systemctl show --property=InvocationID firewalld"); after != firewall {
			t.Error("firewalld has restarted for a port")
		}
	})
	t.Run("undoing brings back what there was, whatever programs have made since", func(t *testing.T) {
		m.sh(fill)
		undo(t, host)
		m.expect(t, before)
		m.sh(`
test "$(nft list tables | grep -c ' ip emptied$')" = 0
nft delete table ip used # it was in use
! grep -E ' /(etc/gone|opt/named)/' /proc/self/mountinfo`)
	})
	t.Run("an interrupted upload leaves nothing under its final name", func(t *testing.T) {
		cut := m.serve(remotetest.Options{Fault: func(n int) remotetest.Fault {
			if n > 1 {
				return remotetest.Fault{}
			}
			// More than the 2 MiB that are in flight before the other side reads, less than the whole file.
			return remotetest.Fault{CutAfter: 2800 << 10}
		}})
		broken := connect(t, cut)
		if err := change.Apply(t.Context(), broken, plan(t, broken, desired()), nil); !errors.Is(err, remote.ErrConnectionLost) {
			t.Fatalf("the error is %v", err)
		}
		m.sh("test ! -e /opt/conntrack-test/bin/blob; test -s /opt/conntrack-test/bin/.blob.dualstrap-*.part")
		converge(t, connect(t, cut), desired())
		undo(t, host)
		m.expect(t, before)
	})
	t.Run("killed at any point, the next run finishes", func(t *testing.T) {
		killAnywhere(t, m, server)
		converge(t, host, desired())
		undo(t, host)
		m.expect(t, before)
	})
}

func undo(tb testing.TB, host remote.Host) {
	tb.Helper()
	if err := change.Undo(tb.Context(), host, osfamily.Of("debian")); err != nil {
		tb.Fatal(err)
	}
}

// expect compares the machine's fingerprint.
func (m *machine) expect(tb testing.TB, want string) {
	tb.Helper()
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(m.fingerprint(), "\n")); diff != "" {
		tb.Errorf("the host differs (-want +got):\n%s", diff)
	}
}

// invocations returns the invocation IDs of services, which change with every restart.
func (m *machine) invocations() string {
	return m.sh("systemctl show --property=Id,InvocationID firewalld conntrack-test ssh")
}

func TestIntegrationNoNetworkNoPackages(t *testing.T) {
	m := newMachine(t)
	host := connect(t, m.serve(remotetest.Options{}))
	wanted := change.Desired{Programs: []change.Program{
		{Name: "ipvsadm", Package: "ipvsadm"},
		{Name: "conntrack", Package: "conntrack"},
	}, Family: osfamily.Of("debian")}
	err := change.Apply(t.Context(), host, plan(t, host, wanted), nil)
	var missing *change.PackageError
	if !errors.As(err, &missing) || !slices.Equal(missing.Programs, []string{"ipvsadm"}) {
		t.Fatalf("the error is %v", err)
	}
	if !strings.Contains(err.Error(), "ipvsadm") || missing.Hint() != "install them on the host, then run again: apt-get install ipvsadm" {
		t.Errorf("the error is %v, the hint %q", err, missing.Hint())
	}
}
