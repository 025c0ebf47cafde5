package lab

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"

	"github.com/dualstrap/dualstrap/lab/engine"
	"github.com/dualstrap/dualstrap/lab/network"
)

// The labels of containers and volumes: whose lab, and which of its hosts.
const (
	labelLab  = "dev.dualstrap.lab"
	labelHost = "dev.dualstrap.lab.host"
)

func labels(lab, id string) map[string]string {
	return map[string]string{labelLab: lab, labelHost: id}
}

// containerName is also the name of the host's volume.
func containerName(lab, id string) string { return "dualstrap-" + lab + "-" + id }

// Found is a host that exists.
type Found struct {
	Host

	Container engine.Found
	Cable     network.State
}

// State is what there is of a lab.
type State struct {
	// Hosts are in the order of [Spec.Hosts].
	Hosts []Found
	// Other is another lab that has the bridge; empty when there is none. All labs have the same addresses,
	// so there is one in each network namespace.
	Other string
	// Volumes are the names of the hosts' volumes, even of hosts that are no more.
	Volumes []string
}

func (s State) host(id string) (Found, bool) {
	at := slices.IndexFunc(s.Hosts, func(f Found) bool { return f.ID == id })
	if at < 0 {
		return Found{}, false
	}
	return s.Hosts[at], true
}

// Observe reads what there is of the lab from the container engine and the network.
func (l *Lab) Observe(ctx context.Context) (State, error) {
	containers, err := l.engine.Containers(ctx, map[string]string{labelLab: l.Name})
	if err != nil {
		return State{}, fmt.Errorf("cannot list the lab's hosts: %w", err)
	}
	var state State
	if state.Volumes, err = l.engine.Volumes(ctx, map[string]string{labelLab: l.Name}); err != nil {
		return State{}, fmt.Errorf("cannot list the lab's volumes: %w", err)
	}
	if owner, _, err := network.Owner(); err != nil {
		return State{}, err
	} else if owner != l.Name {
		state.Other = owner
	}
	for _, container := range containers {
		found, err := l.observeHost(container)
		if err != nil {
			return State{}, err
		}
		state.Hosts = append(state.Hosts, found)
	}
	slices.SortFunc(state.Hosts, func(a, b Found) int { return compareHosts(a.Host, b.Host) })
	return state, nil
}

func (l *Lab) observeHost(container engine.Found) (Found, error) {
	id := container.Labels[labelHost]
	host, known := hostByID(l.Name, id)
	if !known { // of another version: it can be told apart and removed, no more
		host = Host{ID: id, Name: container.Name}
	}
	found := Found{Host: host, Container: container, Cable: network.Detached}
	if !container.Running {
		return found, nil
	}
	var err error
	found.Cable, err = network.LinkOf(id, container.PID)
	if errors.Is(err, syscall.ESRCH) { // it has ended since the engine told of it: an earlier run was removing it, say
		found.Container.Running, found.Container.PID, err = false, 0, nil
	}
	return found, err
}

// compareHosts orders hosts like [Spec.Hosts].
func compareHosts(a, b Host) int {
	rank := map[Role]int{ControlPlane: 0, LoadBalancer: 1, Worker: 2, Client: 3}
	if a.Role != b.Role {
		return rank[a.Role] - rank[b.Role]
	}
	return a.IPv4.Compare(b.IPv4)
}
