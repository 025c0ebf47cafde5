package lab

import (
	"errors"
	"fmt"
	"regexp"
)

// Spec is the desired state of a lab. Every lab also has one client.
type Spec struct {
	// Name is the name of the lab and of its cluster.
	Name                                  string
	ControlPlanes, Workers, LoadBalancers int
	// RHELLike is the number of nodes that present themselves as RHEL.
	RHELLike int
}

// Limits of hosts per role. The address scheme has no room for more.
const (
	maxControlPlanes = 9
	maxWorkers       = 95
	maxLoadBalancers = 9
)

// maxName is the longest name of a lab. It keeps the longest host name, NAME-worker-NN, within the 63 characters of a label.
const maxName = 50

// CheckName validates the name of a lab, which becomes part of host names and of the names of the cluster's objects.
func CheckName(name string) error {
	if len(name) <= maxName && regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`).MatchString(name) {
		return nil
	}
	return fmt.Errorf("%q cannot be the name of a lab: use lower-case letters, digits and dashes, %d at most", name, maxName)
}

// Nodes returns the number of hosts that can become nodes of a cluster.
func (s Spec) Nodes() int { return s.ControlPlanes + s.Workers + s.LoadBalancers }

// Check validates the spec. Its error lists everything that is wrong.
func (s Spec) Check() error {
	errs := []error{CheckName(s.Name)}
	// etcd tolerates no more failures with an even number of members than with one less.
	if s.ControlPlanes < 1 || s.ControlPlanes > maxControlPlanes || s.ControlPlanes%2 == 0 {
		errs = append(errs, fmt.Errorf("%d control planes: etcd needs a majority, so ask for 1, 3, 5, 7 or %d",
			s.ControlPlanes, maxControlPlanes))
	}
	if s.Workers < 0 || s.Workers > maxWorkers {
		errs = append(errs, fmt.Errorf("%d workers: ask for 0 to %d", s.Workers, maxWorkers))
	}
	if s.LoadBalancers < 0 || s.LoadBalancers > maxLoadBalancers {
		errs = append(errs, fmt.Errorf("%d load balancers: ask for 0 to %d", s.LoadBalancers, maxLoadBalancers))
	}
	// At least one node stays Debian.
	if s.RHELLike < 0 || s.RHELLike >= max(s.Nodes(), 1) {
		errs = append(errs, fmt.Errorf("%d of %d nodes like RHEL: ask for 0 to %d, at least one stays what it is",
			s.RHELLike, s.Nodes(), max(s.Nodes()-1, 0)))
	}
	return errors.Join(errs...)
}

// Hosts returns the hosts of the lab; the client is the last one. The name, addresses and MAC address of a host depend on its
// role and number alone, so a changed spec never renumbers existing hosts.
func (s Spec) Hosts() []Host {
	var hosts []Host
	for _, group := range []struct {
		role  Role
		count int
	}{{ControlPlane, s.ControlPlanes}, {LoadBalancer, s.LoadBalancers}, {Worker, s.Workers}, {Client, 1}} {
		for n := 1; n <= group.count; n++ {
			hosts = append(hosts, newHost(s.Name, group.role, n))
		}
	}
	s.chooseEmulation(hosts)
	return hosts
}

// chooseEmulation selects the hosts that look like RHEL: workers first, then load balancers, then control planes.
func (s Spec) chooseEmulation(hosts []Host) {
	left := s.RHELLike
	for _, role := range []Role{Worker, LoadBalancer, ControlPlane} {
		for i := range hosts {
			if hosts[i].Role == role && left > 0 {
				hosts[i].OS = RHEL
				left--
			}
		}
	}
}
