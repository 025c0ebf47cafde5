package provision

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/dualstrap/dualstrap/hostprep/check"
	"github.com/dualstrap/dualstrap/internal/plural"
	"github.com/dualstrap/dualstrap/provision/kube"
	"github.com/dualstrap/dualstrap/provision/workflow"
)

// Outcome is the result of [Session.Create].
type Outcome struct {
	// Checks is the result of the checks before anything was changed.
	Checks check.Report
	// Run lists the changes by host and phase; nil if the run ended before its phases started.
	Run *workflow.Report
	// Unlisted lists the names of the cluster's nodes that are not in the manifests. Create does not change them.
	Unlisted []string
	// Kubeconfig is the administrator's kubeconfig; nil as long as there is no cluster.
	Kubeconfig []byte
}

// Create creates the cluster of the manifests, or reconciles an existing one with them. It changes nothing on any host if
// a host fails its checks, if another run holds the cluster's lock, or if the manifests change what create cannot change
// on a running cluster. The outcome is valid also if there is an error.
func (s *Session) Create(ctx context.Context) (Outcome, error) {
	if _, err := s.mirrors(); err != nil { // fails fast, before the first connection
		return Outcome{}, err
	}
	release, err := s.lockAndConnect(ctx)
	if err != nil {
		return Outcome{}, err
	}
	defer release()
	report, err := s.checkHosts(ctx)
	outcome := Outcome{Checks: report}
	if err != nil {
		return outcome, err
	}
	// The order of the refusals matters to users: that a host belongs to another cluster explains its failed checks.
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
	// The steps below follow a failed run, too: its token must be revoked, and its cluster can be looked at with kubectl.
	if revoked := s.revokeTokens(ctx); err == nil {
		err = revoked
	}
	outcome.Kubeconfig, _ = s.kubeconfig() // it is missing only if there is no cluster, and the run reports why
	if err == nil {
		err = ctx.Err()
	}
	return outcome, err
}

// FailedChecksError reports that hosts failed their checks, so nothing was changed.
type FailedChecksError struct {
	// Failed is how many of the Hosts failed at least one check.
	Failed, Hosts int
}

// Error implements error.
func (e *FailedChecksError) Error() string {
	return fmt.Sprintf("%d of %s failed their checks; nothing was changed", e.Failed, plural.Of(e.Hosts, "host"))
}

// FailedChecks returns a [FailedChecksError] if a check failed on any host, and nil otherwise.
func FailedChecks(report check.Report) error {
	failed := 0
	for _, host := range report.Hosts {
		if host.Count(check.Failed) > 0 {
			failed++
		}
	}
	if failed == 0 {
		return nil
	}
	return &FailedChecksError{Failed: failed, Hosts: len(report.Hosts)}
}

// RefusedError reports that dualstrap refuses the operation, because it would damage a cluster or hosts of another one.
// Nothing was changed.
type RefusedError struct {
	// Reasons lists everything that has to change before the operation is possible, as clauses without a period.
	Reasons []string
}

// Error implements error.
func (e *RefusedError) Error() string {
	return "refused, nothing was changed: " + strings.Join(e.Reasons, "; ")
}

// refusal returns a [RefusedError] if any host that answered belongs to another cluster. --ignore-checks does not apply.
func (s *Session) refusal() error {
	var refused RefusedError
	for i := range s.hosts {
		host := &s.hosts[i]
		if host.Err != nil || host.OwnedBy(&s.cluster) != check.Foreign {
			continue
		}
		refused.Reasons = append(refused.Reasons, s.foreignReason(host))
	}
	if len(refused.Reasons) == 0 {
		return nil
	}
	return &refused
}

// foreignReason describes the other cluster that a host belongs to. If the certificate authorities are known, they decide:
// two clusters may have used the same control plane VIP.
func (s *Session) foreignReason(host *check.Host) string {
	member := host.Facts.Membership
	if known := s.cluster.CAHash; known != "" && member.CAHash != "" && member.CAHash != known {
		return fmt.Sprintf("%s belongs to another cluster: its certificate authority is %s, and that in %s is %s; "+
			"move that file away if the cluster was created again from elsewhere", host.Address, member.CAHash, s.options.Kubeconfig, known)
	}
	return fmt.Sprintf("%s belongs to the cluster at %s", host.Address, cmp.Or(member.Server, member.PreparedFor))
}

// addresses returns the addresses of all hosts, in the order of the plan.
func (s *Session) addresses() []netip.Addr {
	addresses := make([]netip.Addr, len(s.hosts))
	for i := range s.hosts {
		addresses[i] = s.hosts[i].Address
	}
	return addresses
}

// isInitialized reports whether the cluster existed when the hosts were probed: at least one control plane host had
// finished its init or join.
func (s *Session) isInitialized() bool {
	return slices.ContainsFunc(s.controlPlanes(), func(address netip.Addr) bool { return s.index[address].Facts.Membership.Joined })
}

// checkLiveCluster compares the manifests with an existing cluster, and plans again around the pod ranges that its nodes
// have. It returns the names of the nodes that are not in the manifests. The error is a [RefusedError] if the manifests
// differ from the cluster in something that create cannot change. Without a cluster, checkLiveCluster does nothing.
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
	// All comparisons run, so that the user sees every reason at once.
	for _, compare := range []func(context.Context, *kube.Client, []kube.Node) ([]string, error){
		s.versionReasons, s.immutableReasons, s.settingReasons,
	} {
		reasons, err := compare(ctx, client, nodes)
		if err != nil {
			return nil, err
		}
		refused.Reasons = append(refused.Reasons, reasons...)
	}
	if len(refused.Reasons) > 0 {
		return nil, &refused
	}
	// The plan of Load is for a new cluster. Nodes that joined in another order have other pod ranges.
	return s.unlisted(nodes), s.replanWithLiveNodes(nodes)
}

// replanWithLiveNodes replaces the session's plan with one that keeps the pod ranges of the cluster's nodes.
func (s *Session) replanWithLiveNodes(nodes []kube.Node) error {
	plan, problems := makePlan(s.loaded.Config, nodes)
	if problems.HasErrors() {
		return fmt.Errorf("cannot give every node its pod ranges: %s", problems[0].Message)
	}
	s.loaded.Plan = plan
	return nil
}

// revokeTokens deletes the bootstrap tokens of this run and of interrupted ones. It does so also if ctx is cancelled,
// because a token lets any machine join.
func (s *Session) revokeTokens(ctx context.Context) error {
	if s.api.cached == nil { // without a client, no token was created
		return nil
	}
	return s.api.cached.RevokeTokens(context.WithoutCancel(ctx))
}
