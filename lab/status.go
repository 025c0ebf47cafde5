package lab

import (
	"context"
	"time"

	"github.com/dualstrap/dualstrap/lab/network"
)

// Status is the lab as programs read it.
type Status struct {
	Name string `json:"name"`
	// Engine is podman or docker.
	Engine    string       `json:"engine"`
	Workspace string       `json:"workspace"`
	Hosts     []HostStatus `json:"hosts"`
}

// HostStatus is one host.
type HostStatus struct {
	Name string `json:"name"`
	Role Role   `json:"role"`
	IPv4 string `json:"ipv4"`
	IPv6 string `json:"ipv6"`
	MAC  string `json:"mac"`
	// State is running or stopped.
	State string `json:"state"`
	// OS is what a running host presents itself as: debian or rhel.
	OS OS `json:"os,omitempty"`
	// StartedAt and UptimeSeconds are there while the host runs.
	StartedAt     *time.Time `json:"startedAt,omitempty"`
	UptimeSeconds int64      `json:"uptimeSeconds"`
	Cable         network.State `json:"cable"`
}

// Status gives what there is of the lab; without hosts it is not up.
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
			started := found.Container.StartedAt.UTC().Truncate(time.Second)
			host.State, host.StartedAt = "running", &started
			host.UptimeSeconds = int64(now.Sub(started).Seconds())
			// A host on its way up or down may not tell: that is no failure of the rest.
			if facts, err := l.facts(ctx, found.Host); err == nil {
				host.OS = facts.os
			}
		}
		status.Hosts = append(status.Hosts, host)
	}
	return status, nil
}
