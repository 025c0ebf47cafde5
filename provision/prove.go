package provision

import (
	"context"
	"fmt"
	"time"

	"github.com/dualstrap/dualstrap/provision/proof"
	"github.com/dualstrap/dualstrap/provision/workflow"
)

// provePhase is the name under which the proof is told of: it is about the cluster, not about a host.
const provePhase = "prove"

// Prove shows on real traffic that the cluster is what its manifests say. What does not hold is in the
// report, whose Err tells whether there is anything.
func (s *Session) Prove(ctx context.Context) (proof.Report, error) {
	began := time.Now()
	if err := s.probeHosts(ctx, s.reached(), s.probePhase()); err != nil {
		return proof.Report{}, err
	}
	s.reportProgress(workflow.Event{Phase: provePhase})
	report, err := s.prove(ctx)
	ended := workflow.Event{Phase: provePhase, Status: workflow.Done, Err: err}
	if err != nil || !report.OK {
		ended.Status = workflow.Failed
	}
	s.reportProgress(ended)
	report.Seconds = time.Since(began).Round(time.Millisecond).Seconds()
	return report, err
}

func (s *Session) prove(ctx context.Context) (proof.Report, error) {
	api, err := s.api.client(ctx)
	if err != nil {
		return proof.Report{}, fmt.Errorf("cannot prove the cluster: %w", err)
	}
	nodes, err := api.Nodes(ctx)
	if err != nil {
		return proof.Report{}, err
	}
	if err := s.replanWithLiveNodes(nodes); err != nil {
		return proof.Report{}, err
	}
	return proof.Run(ctx, proof.Cluster{
		Config: s.loaded.Config, Plan: s.loaded.Plan, Hosts: s.hosts, Present: nodes,
		API: api, Admin: s.api.admin, Ways: s.pool, Bundle: s.options.Bundle,
	})
}

// reportProgress tells whoever observes.
func (s *Session) reportProgress(event workflow.Event) {
	if s.options.Observe != nil {
		s.options.Observe(event)
	}
}
