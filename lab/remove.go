package lab

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/dualstrap/dualstrap/lab/network"
)

// removeHosts removes hosts that the spec does not ask for any more, hosts to be created again, and volumes without a host.
func (r *upRun) removeHosts(ctx context.Context, result Result) error {
	var containers, running []string
	for _, change := range result.Changes {
		found, exists := r.state.host(change.Host.ID)
		// A host that never started is created again; see needs.
		if !exists || change.Kind != Remove && change.Kind != Create {
			continue
		}
		r.Step(change.Host.Name + ": removing")
		containers = append(containers, found.Container.Name)
		if found.Container.Running {
			running = append(running, found.Container.Name)
		}
		if err := network.Detach(found.ID); err != nil {
			return err
		}
	}
	volumes := slices.DeleteFunc(slices.Clone(r.state.Volumes), func(volume string) bool {
		// The volume has the name of its container.
		used := slices.ContainsFunc(r.state.Hosts, func(f Found) bool { return f.Container.Name == volume })
		return used && !slices.Contains(containers, volume)
	})
	return r.removeContainers(ctx, r.lock, running, containers, volumes)
}

// removeContainers kills and removes containers, and removes volumes. running lists the containers to kill first.
func (l *Lab) removeContainers(ctx context.Context, lock *os.File, running, all, volumes []string) error {
	// They are killed, since a host that is removed needs no orderly shutdown. Kill fails for a container that has ended
	// meanwhile; Remove reports real failures.
	_ = l.engine.Kill(ctx, lock, running...)
	if err := l.engine.Remove(ctx, lock, all...); err != nil {
		return fmt.Errorf("cannot remove hosts: %w", err)
	}
	if err := l.engine.RemoveVolumes(ctx, lock, volumes...); err != nil {
		return fmt.Errorf("cannot remove the hosts' volumes: %w", err)
	}
	return nil
}
