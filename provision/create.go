package provision

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/dualstrap/dualstrap/hostprep"
	"github.com/dualstrap/dualstrap/internal/plural"
	"github.com/dualstrap/dualstrap/provision/kube"
	"github.com/dualstrap/dualstrap/provision/workflow"
)

// Outcome is what creating a cluster, or bringing it up to date, came to.
type Outcome struct {
	// Checks are what was found about the hosts before anything was changed.
	Checks hostprep.Report
	// Run is what was done, phase by phase; nil when the checks did not let it begin.
	Run *workflow.Report
	// Unlisted are the names of nodes that the cluster has and the manifests have not. They are left alone.
	Unlisted []string
	// Kubeconfig is the administrator's, as soon as there is a cluster.
	Kubeconfig []byte
}

// Create brings the hosts to be the cluster of the manifests: what is there already stays as it is.
// Nothing is changed on any host while one of them fails its checks, or another run changes the cluster.
// The outcome is of use also where there is an error.
func (s *Session) Create(ctx context.Context) (Outcome, error) {
	if _, err := s.mirrors(); err != nil { // before hosts are asked for anything
		return Outcome{}, err
	}
	release, err := s.lockAndConnect(ctx)
	if err != nil {
		return Outcome{}, err
	}
	defer release()
	report, err := s.Check(ctx)
	outcome := Outcome{Checks: report}
	if err != nil {
		return outcome, err
	}
	if err := s.refusal(); err != nil {
		return outcome, err
	}
	if err := FailedChecks(report); err != nil {
		return outcome, err
	}
	if outcome.Unlisted, err = s.checkLiveCluster(ctx); err != nil {
		return outcome, err
	}
	keys, err := s.checkKeys(ctx)
	if err != nil {
		return outcome, err
	}
	phases, err := s.createPhases(ctx, keys)
	if err != nil {
		return outcome, err
	}
	outcome.Run, err = s.run(ctx, s.addresses(), false, phases...)
	if err != nil {
		return outcome, err
	}
	err = outcome.Run.Err()
	if cleaned := s.revokeTokens(ctx); err == nil {
		err = cleaned
	}
	outcome.Kubeconfig, _ = s.kubeconfig() // where there is none, the run has said why
	if err == nil {
		err = ctx.Err()
	}
	return outcome, err
}

// FailedChecksError says that hosts failed their checks, so that nothing was changed.
type FailedChecksError struct{ Failed, Hosts int }

// Error implements error.
func (e *FailedChecksError) Error() string {
	return fmt.Sprintf("%d of %s failed their checks; nothing was changed", e.Failed, plural.Of(e.Hosts, "host"))
}

// FailedChecks is an error when a check failed on any host.
func FailedChecks(report hostprep.Report) error {
	failed := 0
	for _, host := range report.Hosts {
		if host.Count(hostprep.Failed) > 0 {
			failed++
		}
	}
	if failed == 0 {
		return nil
	}
	return &FailedChecksError{Failed: failed, Hosts: len(report.Hosts)}
}

// RefusedError says that hosts belong to something else.
type RefusedError struct{ Reasons []string }

// Error implements error.
func (e *RefusedError) Error() string {
	return "refused, nothing was changed: " + strings.Join(e.Reasons, "; ")
}

// refusal looks for hosts of another cluster. Ignoring checks does not help against it.
func (s *Session) refusal() error {
	var refused RefusedError
	for i := range s.hosts {
		host := &s.hosts[i]
		if host.Err != nil || host.OwnedBy(&s.cluster) != hostprep.Foreign {
			continue
		}
		refused.Reasons = append(refused.Reasons, s.foreignReason(host))
	}
	if len(refused.Reasons) == 0 {
		return nil
	}
	return &refused
}

// foreignReason says which other cluster a host belongs to.
func (s *Session) foreignReason(host *hostprep.Host) string {
	member := host.Facts.Membership
	if known := s.cluster.CAHash; known != "" && member.CAHash != "" && member.CAHash != known {
		return fmt.Sprintf("%s belongs to another cluster: its certificate authority is %s, and that in %s is %s; "+
			"move that file away if the cluster was created anew from elsewhere", host.Address, member.CAHash, s.options.Kubeconfig, known)
	}
	return fmt.Sprintf("%s belongs to the cluster at %s", host.Address, cmp.Or(member.Server, member.PreparedFor))
}

// addresses are those of all hosts.
func (s *Session) addresses() []netip.Addr {
	addresses := make([]netip.Addr, len(s.hosts))
	for i := range s.hosts {
		addresses[i] = s.hosts[i].Address
	}
	return addresses
}

// isInitialized reports whether there is a cluster already: a control plane node that has joined, or was
// the first one.
func (s *Session) isInitialized() bool {
	return slices.ContainsFunc(s.controlPlanes(), func(address netip.Addr) bool { return s.index[address].Facts.Membership.Joined })
}

// checkLiveCluster takes what the nodes of a cluster that is there have into the plan, and gives the names of those
// that the manifests do not have. The error is a [RefusedError] where the manifests ask for something that create cannot
// make of the cluster that is there.
func (s *Session) checkLiveCluster(ctx context.Context) (unlisted []string, err error) {
	if !s.isInitialized() {
		return nil, nil
	}
	client, err := s.api.client(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot ask the cluster that is there: %w", err)
	}
	nodes, err := client.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	var refused RefusedError
	for _, look := range []func(context.Context, *kube.Client, []kube.Node) ([]string, error){
		s.versionReasons, s.immutableReasons, s.settingReasons,
	} {
		reasons, err := look(ctx, client, nodes)
		if err != nil {
			return nil, err
		}
		refused.Reasons = append(refused.Reasons, reasons...)
	}
	if len(refused.Reasons) > 0 {
		return nil, &refused
	}
	return s.unlisted(nodes), s.replanWithLiveNodes(nodes)
}

// replanWithLiveNodes makes the plan again, around what nodes have.
func (s *Session) replanWithLiveNodes(nodes []kube.Node) error {
	plan, problems := MakePlan(s.loaded.Config, nodes)
	if problems.HasErrors() {
		return fmt.Errorf("cannot give every node its pod ranges: %s", problems[0].Message)
	}
	s.loaded.Plan = plan
	return nil
}

func (s *Session) revokeTokens(ctx context.Context) error {
	if s.api.cached == nil {
		return nil
	}
	return s.api.cached.RevokeTokens(context.WithoutCancel(ctx))
}
