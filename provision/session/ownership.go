package session

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"github.com/dualstrap/dualstrap/hostprep/check"
	"github.com/dualstrap/dualstrap/provision/refusal"
)

// RefuseForeign returns a [refusal.Error] if any host that answered belongs to another cluster. --ignore-checks does not apply.
func (s *Session) RefuseForeign() error {
	var reasons []string
	for i := range s.Hosts {
		host := &s.Hosts[i]
		if host.Err != nil || host.OwnedBy(&s.Cluster) != check.Foreign {
			continue
		}
		reasons = append(reasons, foreignReason(s, host))
	}
	return refusal.IfAny(reasons)
}

// foreignReason describes the other cluster that a host belongs to. If the certificate authorities are known, they decide:
// two clusters may have used the same control plane VIP.
func foreignReason(s *Session, host *check.Host) string {
	member := host.Facts.Membership
	if known := s.Cluster.CAHash; known != "" && member.CAHash != "" && member.CAHash != known {
		return fmt.Sprintf("%s belongs to another cluster: its certificate authority is %s, and that in %s is %s; "+
			"move that file away if the cluster was created again from elsewhere", host.Address, member.CAHash, s.Options.Kubeconfig, known)
	}
	return fmt.Sprintf("%s belongs to the cluster at %s", host.Address, cmp.Or(member.Server, member.PreparedFor))
}

// IsInitialized reports whether the cluster existed when the hosts were probed: at least one control plane host had
// finished its init or join.
func (s *Session) IsInitialized() bool {
	return slices.ContainsFunc(s.ControlPlanes(), func(address netip.Addr) bool { return s.Host(address).Facts.Membership.Joined })
}
