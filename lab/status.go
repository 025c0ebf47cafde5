package lab

import (
	"context"
	"time"

	"github.com/dualstrap/dualstrap/lab/network"
)

// Status is the output of `lab status`. Its JSON form is stable.
type Status struct {
	Name string `json:"name"`
	// Engine is the container engine: podman or docker.
	Engine string `json:"engine"`
	// Workspace is the absolute path of the lab's directory.
	Workspace string `json:"workspace"`
	// Hosts is in the order of [Spec.Hosts]. It is empty, never null, when the lab is not up.
	Hosts []HostStatus `json:"hosts"`
}

// HostStatus is the status of one host.
type HostStatus struct {
	Name string `json:"name"`
	Role Role   `json:"role"`
	IPv4 string `json:"ipv4"`
	IPv6 string `json:"ipv6"`
	MAC  string `json:"mac"`
	// State is running or stopped.
	State string `json:"state"`
	// OS is the identity of a running host, debian or rhel; empty when the host does not report it.
	OS OS `json:"os,omitempty"`
	// StartedAt and UptimeSeconds are set while the host runs.
	StartedAt     *time.Time `json:"startedAt,omitempty"`
	UptimeSeconds int64      `json:"uptimeSeconds"`
	// Cable is the state of the host's veth link.
	Cable network.State `json:"cable"`
}

// Status returns the status of the lab. A lab without hosts is not up.
func (l *Lab) Status(ctx context.Context, now time.Time) (Status, error) {
	if err := l.findEngine(ctx, nil); err != nil {
		return Status{}, err
	}
	state, err := l.Observe(ctx)
	if err != nil {
		return Status{}, err
	}
	status := Status{Name: l.Name, Engine: l.engine.Program, Workspace: l.Workspace.dir, Hosts: []HostStatus{}}
	for _, found := range state.Hosts {
		host := HostStatus{
			Name: found.Name, Role: found.Role, MAC: found.MAC,
			IPv4: found.IPv4.String(), IPv6: found.IPv6.String(),
			State: "stopped", Cable: found.Cable,
		}
		if found.Container.Running {
			// Whole seconds of UTC, as in the APIs of Kubernetes.
			started := found.Container.StartedAt.UTC().Truncate(time.Second)
			host.State, host.StartedAt = "running", &started
			host.UptimeSeconds = int64(now.Sub(started).Seconds())
			// A host that is booting or shutting down may not answer. The status of the others does not depend on it.
			if facts, err := l.facts(ctx, found.Host); err == nil {
				host.OS = facts.os
			}
		}
		status.Hosts = append(status.Hosts, host)
	}
	return status, nil
}
