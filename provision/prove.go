package provision

import (
	"context"
	"fmt"
	"time"

	"github.com/dualstrap/dualstrap/provision/proof"
	"github.com/dualstrap/dualstrap/provision/workflow"
)

// provePhase is the phase in the events of a proof. They have no host, because the proof concerns the whole cluster.
const provePhase = "prove"

// Prove verifies with real traffic that the cluster matches its manifests. Checks that fail are in the report; the error
// means that the proof could not run.
func (s *Session) Prove(ctx context.Context) (proof.Report, error) {
	began := time.Now()
	if err := s.probeHosts(ctx, s.reached(), s.probePhase()); err != nil {
		return proof.Report{}, err
	}
	s.observe(workflow.Event{Phase: provePhase})
	report, err := s.prove(ctx)
	ended := workflow.Event{Phase: provePhase, Status: workflow.Done, Err: err}
	if err != nil || !report.OK {
		ended.Status = workflow.Failed
	}
	s.observe(ended)
	report.Seconds = time.Since(began).Round(time.Millisecond).Seconds()
	return report, err
}

// prove runs the proof against the cluster's current nodes, with a plan that has their pod ranges.
func (s *Session) prove(ctx context.Context) (proof.Report, error) {
	api, err := s.api.client(ctx)
	if err != nil {
		return proof.Report{}, fmt.Errorf("cannot prove the cluster: %w", err)
	}
	nodes, err := api.Nodes(ctx)
	if err != nil {
		return proof.Report{}, err
	}
	// The proof compares pods' addresses with the ranges that the nodes have, not with those of a new cluster.
	if err := s.replanWithLiveNodes(nodes); err != nil {
		return proof.Report{}, err
	}
	return proof.Run(ctx, proof.Cluster{
		Config: s.loaded.Config, Plan: s.loaded.Plan, Hosts: s.hosts, Present: nodes,
		API: api, Admin: s.api.admin, Connections: s.connections, Bundle: s.options.Bundle,
	})
}
