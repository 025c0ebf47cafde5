package lab

import (
	"context"
	"fmt"
	"slices"

	"github.com/dualstrap/dualstrap/lab/engine"
	"github.com/dualstrap/dualstrap/lab/wire"
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
	Cable     wire.State
}

// State is what there is of a lab.
type State struct {
	// Hosts are in the order of [Spec.Hosts].
	Hosts []Found
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
	mine := map[string]string{labelLab: l.Name}
	containers, err := l.engine.Containers(ctx, mine)
	if err != nil {
		return State{}, fmt.Errorf("cannot list the lab's hosts: %w", err)
	}
	volumes, err := l.engine.Volumes(ctx, mine)
	if err != nil {
		return State{}, fmt.Errorf("cannot list the lab's volumes: %w", err)
	}
	state := State{Volumes: volumes}
	for _, container := range containers {
		host, known := hostByID(l.Name, container.Labels[labelHost])
		if !known { // of another version: it can be told apart and removed, no more
			host = Host{ID: container.Labels[labelHost], Name: container.Name}
		}
		found := Found{Host: host, Container: container, Cable: wire.Unplugged}
		if container.Running {
			if found.Cable, err = wire.CableOf(host.ID, container.PID); err != nil {
				return State{}, err
			}
		}
		state.Hosts = append(state.Hosts, found)
	}
	slices.SortFunc(state.Hosts, func(a, b Found) int { return compareHosts(a.Host, b.Host) })
	return state, nil
}

// compareHosts orders hosts like [Spec.Hosts].
func compareHosts(a, b Host) int {
	rank := map[Role]int{ControlPlane: 0, LoadBalancer: 1, Worker: 2, Client: 3}
	if a.Role != b.Role {
		return rank[a.Role] - rank[b.Role]
	}
	return a.IPv4.Compare(b.IPv4)
}

// otherLab gives the name of another lab that has hosts, if there is one. All labs have the same
// addresses.
func (l *Lab) otherLab(ctx context.Context) (string, error) {
	containers, err := l.engine.Containers(ctx, map[string]string{labelLab: ""})
	if err != nil {
		return "", fmt.Errorf("cannot look for other labs: %w", err)
	}
	for _, container := range containers {
		if name := container.Labels[labelLab]; name != l.Name {
			return name, nil
		}
	}
	owner, laid, err := wire.Owner()
	if err != nil || !laid || owner == l.Name {
		return "", err
	}
	return owner, nil
}
