package create

import (
	"context"
	"fmt"

	"github.com/dualstrap/dualstrap/hostprep/check"
	"github.com/dualstrap/dualstrap/provision/kube"
	"github.com/dualstrap/dualstrap/provision/load"
	"github.com/dualstrap/dualstrap/provision/preflight"
	"github.com/dualstrap/dualstrap/provision/refusal"
	"github.com/dualstrap/dualstrap/provision/session"
	"github.com/dualstrap/dualstrap/provision/step"
	"github.com/dualstrap/dualstrap/provision/workflow"
)

// Outcome is the result of [Run].
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

// Run creates the cluster of the manifests, or reconciles an existing one with them. It changes nothing on any host if
// a host fails its checks, if another run holds the cluster's lock, or if the manifests change what create cannot change
// on a running cluster. The outcome is valid also if there is an error.
func Run(ctx context.Context, s *session.Session) (Outcome, error) {
	if _, err := s.Mirrors(); err != nil { // fails fast, before the first connection
		return Outcome{}, err
	}
	s.Connect(ctx)
	release, err := s.Lock(ctx)
	if err != nil {
		return Outcome{}, err
	}
	defer release()
	report, err := s.CheckHosts(ctx)
	outcome := Outcome{Checks: report}
	if err != nil {
		return outcome, err
	}
	// The order of the refusals matters to users: that a host belongs to another cluster explains its failed checks.
	if err := s.RefuseForeign(); err != nil {
		return outcome, err
	}
	if err := preflight.FailedChecks(report); err != nil {
		return outcome, err
	}
	if outcome.Unlisted, err = checkLiveCluster(ctx, s); err != nil {
		return outcome, err
	}
	found, err := step.CheckKeys(ctx, s)
	if err != nil {
		return outcome, err
	}
	phases, err := Phases(ctx, s, found)
	if err != nil {
		return outcome, err
	}
	outcome.Run, err = s.Run(ctx, s.Addresses(), phases...)
	if err != nil {
		return outcome, err
	}
	err = outcome.Run.Err()
	// The steps below follow a failed run, too: its token must be revoked, and its cluster can be looked at with kubectl.
	if revoked := revokeTokens(ctx, s); err == nil {
		err = revoked
	}
	outcome.Kubeconfig, _ = s.API.Kubeconfig() // it is missing only if there is no cluster, and the run reports why
	if err == nil {
		err = ctx.Err()
	}
	return outcome, err
}

// checkLiveCluster compares the manifests with an existing cluster, and plans again around the pod ranges that its nodes
// have. It returns the names of the nodes that are not in the manifests. The error is a [refusal.Error] if the manifests
// differ from the cluster in something that create cannot change. Without a cluster, checkLiveCluster does nothing.
func checkLiveCluster(ctx context.Context, s *session.Session) (unlisted []string, err error) {
	if !s.IsInitialized() {
		return nil, nil
	}
	client, err := s.API.Client(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot ask the cluster that is there: %w", err)
	}
	nodes, err := client.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	var different []string
	// All comparisons run, so that the user sees every reason at once.
	for _, compare := range []func(context.Context, *session.Session, *kube.Client, []kube.Node) ([]string, error){
		versionReasons, nameReasons, immutableReasons, settingReasons,
	} {
		reasons, err := compare(ctx, s, client, nodes)
		if err != nil {
			return nil, err
		}
		different = append(different, reasons...)
	}
	if err := refusal.IfAny(different); err != nil {
		return nil, err
	}
	s.Plan, err = load.Replan(s.Config, nodes)
	return unlistedNodes(s, nodes), err
}

// revokeTokens deletes the bootstrap tokens of this run and of interrupted ones. It does so also if ctx is cancelled,
// because a token lets any machine join.
func revokeTokens(ctx context.Context, s *session.Session) error {
	client, _ := s.API.Connected()
	if client == nil { // without a client, no token was created
		return nil
	}
	return client.RevokeTokens(context.WithoutCancel(ctx))
}
