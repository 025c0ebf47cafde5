package lab

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"strings"

	"github.com/dualstrap/dualstrap/lab/network"
)

// find returns a host of the lab by its name. Its error lists the names that exist.
func (l *Lab) find(ctx context.Context, name string) (Found, error) {
	if err := l.findEngine(ctx, nil); err != nil {
		return Found{}, err
	}
	state, err := l.Observe(ctx)
	if err != nil {
		return Found{}, err
	}
	var names []string
	for _, found := range state.Hosts {
		if found.Name == name {
			return found, nil
		}
		names = append(names, found.Name)
	}
	missing := fmt.Errorf("the lab %s has no host %q", l.Name, name)
	if len(names) == 0 {
		return Found{}, &Error{Err: missing, HintText: "dualstrap lab up --name " + l.Name}
	}
	return Found{}, &Error{Err: missing, HintText: "one of " + strings.Join(names, ", ")}
}

// findRunning returns a host that must be running.
func (l *Lab) findRunning(ctx context.Context, name string) (Found, error) {
	found, err := l.find(ctx, name)
	if err == nil && !found.Container.Running {
		err = &Error{Err: fmt.Errorf("%s is not running", name), HintText: fmt.Sprintf("dualstrap lab start --name %s %s", l.Name, name)}
	}
	return found, err
}

// change changes one host while it holds the lab's lock. It reports whether there was anything to change.
func (l *Lab) change(ctx context.Context, name string, do func(Found) (bool, error)) (bool, error) {
	lock, err := l.lock(ctx)
	if err != nil {
		return false, err
	}
	defer unlock(lock)
	found, err := l.find(ctx, name)
	if err != nil {
		return false, err
	}
	changed, err := do(found)
	if err != nil {
		return changed, fmt.Errorf("%s: %w", name, err)
	}
	return changed, nil
}

// Stop shuts a host down. Its volume is kept, its veth link is removed.
func (l *Lab) Stop(ctx context.Context, name string) (bool, error) {
	return l.change(ctx, name, func(found Found) (bool, error) {
		if !found.Container.Running {
			return false, nil
		}
		l.Step(name + ": shutting down")
		return true, l.stop(ctx, found)
	})
}

// stop shuts a running host down and removes its veth link.
func (l *Lab) stop(ctx context.Context, found Found) error {
	if err := l.engine.Stop(ctx, found.Container.Name); err != nil {
		return err
	}
	return network.Detach(found.ID)
}

// Start boots a host that is shut down, attaches it to the network and waits until it is ready.
func (l *Lab) Start(ctx context.Context, name string) (bool, error) {
	return l.change(ctx, name, func(found Found) (bool, error) {
		// A container whose link was detached, as by an interrupted start, needs the rest of the boot.
		if found.Container.Running && found.Cable != network.Detached {
			return false, nil
		}
		return true, l.boot(ctx, found, true)
	})
}

// Reboot shuts a host down and boots it. A disconnected host stays disconnected.
func (l *Lab) Reboot(ctx context.Context, name string) (bool, error) {
	return l.change(ctx, name, func(found Found) (bool, error) {
		if found.Container.Running {
			l.Step(name + ": shutting down")
			if err := l.stop(ctx, found); err != nil {
				return true, err
			}
			found.Container.Running = false
		}
		return true, l.boot(ctx, found, found.Cable != network.Disconnected)
	})
}

// boot starts a host that is not running, attaches it to the network and waits until it is ready. If the host is to stay
// disconnected, boot waits for systemd only.
func (l *Lab) boot(ctx context.Context, found Found, connected bool) error {
	if !found.Container.Running {
		l.Step(found.Name + ": booting")
		if err := l.engine.Start(ctx, found.Container.Name); err != nil {
			return err
		}
	}
	// The bridge may be missing if the machine was rebooted: containers persist, interfaces do not.
	if _, err := network.CreateBridge(l.Name, Segment()); err != nil {
		return err
	}
	if err := l.attach(ctx, found.Host, connected); err != nil {
		return err
	}
	if !connected {
		_, err := l.awaitBoot(ctx, found.Host)
		return err
	}
	return l.await(ctx, found)
}

// await waits until a host is ready, without changing its OS identity.
func (l *Lab) await(ctx context.Context, found Found) error {
	signer, _, err := l.Workspace.key()
	if err != nil {
		return err
	}
	facts, err := l.awaitBoot(ctx, found.Host)
	if err != nil {
		return err
	}
	found.OS = facts.os // as observed, so that awaitHost does not change it
	_, _, err = l.awaitHost(ctx, found.Host, signer)
	return err
}

// Disconnect sets the host's link down: its interface loses the carrier, as with a broken cable.
func (l *Lab) Disconnect(ctx context.Context, name string) (bool, error) {
	return l.change(ctx, name, func(found Found) (bool, error) {
		switch found.Cable {
		case network.Disconnected:
			return false, nil
		case network.Detached:
			return false, &Error{
				Err:      fmt.Errorf("cannot disconnect the host: it is not running, or is not attached to the network"),
				HintText: fmt.Sprintf("dualstrap lab start --name %s %s", l.Name, name),
			}
		default:
			return true, network.SetLink(found.ID, false)
		}
	})
}

// Connect reverts Disconnect, and waits until the host answers again.
func (l *Lab) Connect(ctx context.Context, name string) (bool, error) {
	return l.change(ctx, name, func(found Found) (bool, error) {
		if found.Cable == network.Connected {
			return false, nil
		}
		if found.Cable == network.Detached {
			return true, l.boot(ctx, found, true)
		}
		if err := network.SetLink(found.ID, true); err != nil {
			return false, err
		}
		return true, l.await(ctx, found)
	})
}

// Streams are the standard streams of a command on a host.
type Streams struct {
	// In may be nil for no input.
	In       io.Reader
	Out, Err io.Writer
	// Terminal means that the streams are a terminal. The command then runs on one as well.
	Terminal bool
}

// Exec runs a command on a host. If the command fails, the error is an [exec.ExitError].
func (l *Lab) Exec(ctx context.Context, name string, streams Streams, words []string) error {
	found, err := l.findRunning(ctx, name)
	if err != nil {
		return err
	}
	args := l.engine.ExecArgs(found.Container.Name, streams.Terminal, words...)
	command := exec.CommandContext(ctx, l.engine.Program, args...)
	command.Stdin, command.Stdout, command.Stderr = streams.In, streams.Out, streams.Err
	return command.Run()
}
