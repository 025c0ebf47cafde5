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

// Labels of containers and volumes: the name of the lab, and the ID of the host.
const (
	labelLab  = "dev.dualstrap.lab"
	labelHost = "dev.dualstrap.lab.host"
)

// labels returns the labels of a host's container and volume.
func labels(lab, id string) map[string]string {
	return map[string]string{labelLab: lab, labelHost: id}
}

// containerName returns the name of a host's container, which is also that of its volume.
func containerName(lab, id string) string { return "dualstrap-" + lab + "-" + id }

// Found is an existing host.
type Found struct {
	// Host is the desired host with the container's ID, as far as this version knows such a host.
	Host

	Container engine.Found
	Cable     network.State // the state of the host's veth link
}

// State is the observed state of a lab.
type State struct {
	// Hosts is in the order of [Spec.Hosts].
	Hosts []Found
	// Other is the name of another lab that owns the bridge, or empty. All labs have the same addresses, so only one
	// can be up in a network namespace.
	Other string
	// Volumes lists the names of the hosts' volumes, including those of hosts that no longer exist.
	Volumes []string
}

// host returns the host with an ID, and whether it exists.
func (s State) host(id string) (Found, bool) {
	at := slices.IndexFunc(s.Hosts, func(f Found) bool { return f.ID == id })
	if at < 0 {
		return Found{}, false
	}
	return s.Hosts[at], true
}

// Observe reads the state of the lab from the container engine and the network.
func (l *Lab) Observe(ctx context.Context) (State, error) {
	containers, err := l.engine.Containers(ctx, map[string]string{labelLab: l.Name})
	if err != nil {
		return State{}, fmt.Errorf("cannot list the lab's hosts: %w", err)
	}
	var state State
	if state.Volumes, err = l.engine.Volumes(ctx, map[string]string{labelLab: l.Name}); err != nil {
		return State{}, fmt.Errorf("cannot list the lab's volumes: %w", err)
	}
	// network.Owner looks in the network namespace of this process; another namespace can have another lab.
	// A container of the lab without a bridge, or another lab's bridge, is a valid state: Up reports the conflict.
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

// observeHost returns the host of a container.
func (l *Lab) observeHost(container engine.Found) (Found, error) {
	id := container.Labels[labelHost]
	host, known := hostByID(l.Name, id)
	if !known { // another version created it: it can only be listed and removed
		host = Host{ID: id, Name: container.Name}
	}
	found := Found{Host: host, Container: container, Cable: network.Detached}
	if !container.Running {
		return found, nil
	}
	var err error
	found.Cable, err = network.LinkOf(id, container.PID)
	if errors.Is(err, syscall.ESRCH) { // the container ended after the engine listed it; an earlier run may still be removing it
		found.Container.Running, found.Container.PID, err = false, 0, nil
	}
	return found, err
}

// compareHosts compares hosts in the order of [Spec.Hosts].
func compareHosts(a, b Host) int {
	rank := map[Role]int{ControlPlane: 0, LoadBalancer: 1, Worker: 2, Client: 3}
	if a.Role != b.Role {
		return rank[a.Role] - rank[b.Role]
	}
	return a.IPv4.Compare(b.IPv4)
}
