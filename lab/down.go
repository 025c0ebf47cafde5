package lab

import (
	"context"
	"os"

	"github.com/dualstrap/dualstrap/lab/engine"
	"github.com/dualstrap/dualstrap/lab/network"
)

// Removed describes what Down did.
type Removed struct {
	// Anything reports whether there was anything to remove.
	Anything bool
	// ManifestKept reports that cluster.yaml was kept, because the user has edited it.
	ManifestKept bool
}

// Down removes everything that Up creates, as far as it exists: hosts with their volumes, the network, and files. The hosts'
// image stays in the cache and in the container engine. An interrupted Down can be run again.
func (l *Lab) Down(ctx context.Context) (Removed, error) {
	// A child process of a killed run may still hold the lock and create containers. Down waits for it, or it would leave
	// them behind.
	lock, err := l.lock(ctx)
	if err != nil {
		return Removed{}, err
	}
	defer unlock(lock)
	hosts, err := l.removeAllHosts(ctx, lock)
	if err != nil {
		return Removed{}, err
	}
	// The veth links of running hosts disappear with their network namespaces; this also removes leftovers.
	links, err := l.removeNetwork()
	if err != nil {
		return Removed{}, err
	}
	files, kept, err := l.Workspace.remove()
	return Removed{Anything: hosts || links || files, ManifestKept: kept}, err
}

// removeAllHosts removes the lab's containers and volumes, and reports whether there were any.
func (l *Lab) removeAllHosts(ctx context.Context, lock *os.File) (bool, error) {
	if !has(engine.Docker().Program) && !has("podman") {
		return false, nil // without a container engine there are no hosts
	}
	if err := l.findEngine(ctx, nil); err != nil {
		return false, err
	}
	state, err := l.Observe(ctx)
	if err != nil {
		return false, err
	}
	var running, all []string
	for _, found := range state.Hosts {
		l.Step(found.Name + ": removing")
		all = append(all, found.Container.Name)
		if found.Container.Running {
			running = append(running, found.Container.Name)
		}
	}
	return len(all)+len(state.Volumes) > 0, l.removeContainers(ctx, lock, running, all, state.Volumes)
}

// removeNetwork removes the bridge and the veth links, unless they belong to another lab. A bridge without an owner is the
// leftover of an interrupted run.
func (l *Lab) removeNetwork() (bool, error) {
	owner, laid, err := network.Owner()
	if err != nil || laid && owner != l.Name && owner != "" {
		return false, err
	}
	return network.Remove()
}
