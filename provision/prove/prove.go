package prove

import (
	"context"
	"fmt"
	"time"

	"github.com/dualstrap/dualstrap/provision/load"
	"github.com/dualstrap/dualstrap/provision/proof"
	"github.com/dualstrap/dualstrap/provision/session"
	"github.com/dualstrap/dualstrap/provision/workflow"
)

// provePhase is the phase in the events of a proof. They have no host, because the proof concerns the whole cluster.
const provePhase = "prove"

// Run verifies with real traffic that the cluster matches its manifests. Checks that fail are in the report; the error
// means that the proof could not run.
func Run(ctx context.Context, s *session.Session) (proof.Report, error) {
	began := time.Now()
	if err := s.Probe(ctx, s.Reached()); err != nil {
		return proof.Report{}, err
	}
	s.Observe(workflow.Event{Phase: provePhase})
	report, err := run(ctx, s)
	ended := workflow.Event{Phase: provePhase, Status: workflow.Done, Err: err}
	if err != nil || !report.OK {
		ended.Status = workflow.Failed
	}
	s.Observe(ended)
	report.Seconds = time.Since(began).Round(time.Millisecond).Seconds()
	return report, err
}

// run runs the proof against the cluster's current nodes, with a plan that has their pod ranges.
func run(ctx context.Context, s *session.Session) (proof.Report, error) {
	client, err := s.API.Client(ctx)
	if err != nil {
		return proof.Report{}, fmt.Errorf("cannot prove the cluster: %w", err)
	}
	nodes, err := client.Nodes(ctx)
	if err != nil {
		return proof.Report{}, err
	}
	// The proof compares pods' addresses with the ranges that the nodes have, not with those of a new cluster.
	if s.Plan, err = load.Replan(s.Config, nodes); err != nil {
		return proof.Report{}, err
	}
	_, admin := s.API.Connected()
	return proof.Run(ctx, proof.Cluster{
		Config: s.Config, Plan: s.Plan, Hosts: s.Hosts, Present: nodes,
		API: client, Admin: admin, Connections: s.Connections, Bundle: s.Options.Bundle,
	})
}
