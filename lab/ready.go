package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/dualstrap/dualstrap/lab/network"
)

// Timeouts of a host. On an idle machine it needs a few seconds.
const (
	// bootDeadline includes the first start of all services while many hosts boot on few CPUs.
	bootDeadline = 10 * time.Minute
	// loginDeadline is for hosts that systemd reports as booted.
	loginDeadline = 2 * time.Minute
	// dialTimeout bounds one attempt to log in.
	dialTimeout = 5 * time.Second
)

// attach attaches a running host to the segment. If on is false, its link stays down.
func (l *Lab) attach(ctx context.Context, host Host, on bool) error {
	// The container's PID changes with each start, so it is looked up now and not taken from the observed state.
	containers, err := l.engine.Containers(ctx, labels(l.Name, host.ID))
	if err != nil {
		return err
	}
	if len(containers) != 1 || !containers[0].Running {
		return errors.New("cannot attach the host to the network: it is not running")
	}
	if err := network.Attach(host.ID, host.MAC, containers[0].PID); err != nil {
		return err
	}
	return network.SetLink(host.ID, on)
}

// awaitHost waits until a host has booted, sets its OS identity, makes it accept the lab's key, and logs in at both
// addresses. It returns the host's keys and the changes that it made.
func (l *Lab) awaitHost(ctx context.Context, host Host, signer ssh.Signer) ([]ssh.PublicKey, []Kind, error) {
	facts, err := l.awaitBoot(ctx, host)
	if err != nil {
		return nil, nil, err
	}
	var changed []Kind
	// The key in the workspace may be newer than the host, if the user has removed the old one.
	if key := authorizedKey(signer); !bytes.Contains(facts.authorized, bytes.TrimSpace(key)) {
		changed = append(changed, Key)
		// The key is appended: the user may have added others.
		if _, err := l.exec(ctx, host, key, "tee", "-a", authorizedKeys); err != nil {
			return nil, nil, fmt.Errorf("cannot make the host accept the lab's key: %w", err)
		}
	}
	if facts.os != host.OS {
		changed = append(changed, EmulateOS)
		if _, err := l.exec(ctx, host, nil, "emulate-os", string(host.OS)); err != nil {
			return nil, nil, fmt.Errorf("cannot make the host present itself as %s: %w", host.OS, err)
		}
	}
	// Both families have to work before the lab is ready for a dual-stack cluster.
	for _, address := range []netip.Addr{host.IPv4, host.IPv6} {
		if err := awaitLogin(ctx, address, signer, facts.keys); err != nil {
			return nil, nil, err
		}
	}
	l.Step(host.Name + ": ready")
	return facts.keys, changed, nil
}

// authorizedKeys lists the keys that may log in as root on a host.
const authorizedKeys = "/root/.ssh/authorized_keys"

// exec runs a command on a host through the container engine, without the network, and returns its output.
func (l *Lab) exec(ctx context.Context, host Host, input []byte, command ...string) (string, error) {
	return l.engine.Exec(ctx, containerName(l.Name, host.ID), bytes.NewReader(input), command...)
}

// awaitBoot waits until systemd has finished booting. A failed unit is an error.
func (l *Lab) awaitBoot(ctx context.Context, host Host) (facts, error) {
	var observed facts
	last := "it does not answer"
	err := poll(ctx, bootDeadline, func() (bool, error) {
		var err error
		switch observed, err = l.facts(ctx, host, "--wait"); {
		case err != nil:
			last = err.Error() // systemd may not accept connections yet
		case observed.system == "running":
			return true, nil
		// A failed unit does not recover on its own, so waiting would only delay the report.
		case observed.system == "degraded":
			return false, l.failedUnits(ctx, host)
		// Any other state, such as offline or maintenance, may still change before the deadline.
		default:
			last = "it is " + observed.system
		}
		return false, nil
	})
	if errors.Is(err, errDeadline) {
		return observed, fmt.Errorf("systemd has not finished booting after %s: %s", bootDeadline, last)
	}
	return observed, err
}

// failedUnits returns an error that names the failed units, with a hint to the journal of the first one.
func (l *Lab) failedUnits(ctx context.Context, host Host) error {
	answer, err := l.exec(ctx, host, nil, "systemctl", "list-units", "--failed", "--plain", "--no-legend")
	if err != nil {
		return fmt.Errorf("cannot list the failed units: %w", err)
	}
	var units []string
	for line := range strings.Lines(answer) {
		if fields := strings.Fields(line); len(fields) > 0 {
			units = append(units, fields[0])
		}
	}
	return &Error{
		Err: fmt.Errorf("systemd says that units failed: %s", strings.Join(units, ", ")),
		HintText: fmt.Sprintf("dualstrap lab exec --name %s %s -- journalctl -b -u %s", l.Name, host.Name,
			strings.Join(append(units, "?")[:1], "")),
	}
}

// facts holds what only a running host can report.
type facts struct {
	system string // the state that systemctl is-system-running prints
	// os is the ID of /etc/os-release, which emulate-os changes.
	os         OS
	keys       []ssh.PublicKey // the host's own; ssh-keygen creates them at the first boot
	authorized []byte          // the content of authorizedKeys
}

// factsScript prints the state of systemd, the ID of the distribution, and the host keys that exist so far; then, after an
// empty line, the keys that may log in.
const factsScript = `systemctl is-system-running "$@"; . /etc/os-release; echo "$ID"
cat /etc/ssh/ssh_host_*_key.pub; echo; cat ` + authorizedKeys

// facts queries a host. With --wait, systemctl waits until the host has booted.
func (l *Lab) facts(ctx context.Context, host Host, wait ...string) (facts, error) {
	// The script reports a partial result rather than failing: during the boot, the keys do not exist yet.
	answer, err := l.exec(ctx, host, nil, append([]string{"sh", "-c", "{ " + factsScript + "; } 2>/dev/null || true", "sh"}, wait...)...)
	if err != nil {
		return facts{}, fmt.Errorf("cannot query the host: %w", err)
	}
	system, rest, _ := strings.Cut(answer, "\n")
	id, rest, _ := strings.Cut(rest, "\n")
	public, authorized, _ := strings.Cut(rest, "\n\n")
	observed := facts{system: system, os: OS(id), authorized: []byte(authorized)}
	for line := range strings.Lines(public) {
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
		if err != nil {
			return facts{}, fmt.Errorf("cannot read the host's keys: %w", err)
		}
		observed.keys = append(observed.keys, key)
	}
	return observed, nil
}

// awaitLogin waits until a login with the lab's key succeeds at an address. The host at the address must have one of the
// given keys, so that another machine with the address is not taken for it.
func awaitLogin(ctx context.Context, address netip.Addr, signer ssh.Signer, keys []ssh.PublicKey) error {
	var last error
	err := poll(ctx, loginDeadline, func() (bool, error) {
		var client *ssh.Client
		if client, last = login(address, signer, keys); last != nil {
			return false, nil
		}
		return true, client.Close()
	})
	if errors.Is(err, errDeadline) {
		return fmt.Errorf("cannot log in at %s: %w", address, last)
	}
	return err
}

// checkSegment checks from the client that hosts reach each other, and are not only reachable from this machine.
func (l *Lab) checkSegment(ctx context.Context, hosts []Host) error {
	client := hosts[len(hosts)-1] // Spec.Hosts lists it last
	// The loop prints the first address that fails, which the error then names.
	script := []string{"sh", "-c", `for a; do ping -n -c 1 -W 1 "$a" >/dev/null || { echo "$a"; exit 1; }; done`, "sh"}
	for _, host := range hosts[:len(hosts)-1] {
		script = append(script, host.IPv4.String(), host.IPv6.String())
	}
	var last string
	err := poll(ctx, loginDeadline, func() (bool, error) {
		unreached, err := l.exec(ctx, client, nil, script...)
		last = strings.TrimSpace(unreached)
		return err == nil, nil
	})
	if !errors.Is(err, errDeadline) {
		return err
	}
	err = fmt.Errorf("%s does not reach %s, though this machine does", client.Name, last)
	if nf, _ := os.ReadFile("/proc/sys/net/bridge/bridge-nf-call-iptables"); strings.TrimSpace(string(nf)) == "1" {
		return &Error{
			Err:      fmt.Errorf("%w: br_netfilter hands bridged packets to this machine's firewall, which drops them", err),
			HintText: "let the firewall's forward chain accept what comes in and goes out by " + network.Bridge + ", or switch br_netfilter off",
		}
	}
	return err
}
