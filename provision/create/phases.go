package create

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/netip"
	"sync"

	"github.com/dualstrap/dualstrap/provision/keys"
	"github.com/dualstrap/dualstrap/provision/session"
	"github.com/dualstrap/dualstrap/provision/step"
	"github.com/dualstrap/dualstrap/provision/workflow"
	"github.com/dualstrap/dualstrap/render"
)

// The names of the phases of create, in their order. step.PreparePhaseName and step.EncryptionKeyPhaseName precede them.
const (
	loadBalancerPhase     = "load-balancer"
	initPhase             = "init"
	manifestsPhase        = "apply-manifests"
	joinControlPlanePhase = "join-control-plane"
	joinPhase             = "join"
	waitNodePhase         = "wait-node"
	waitWorkloadsPhase    = "wait-workloads"
)

// joinSummary is the summary of the action with which a host becomes a node.
const joinSummary = "join the cluster"

// joinWindow is how many workers join at once. It bounds the load on the API servers and on etcd.
const joinWindow = 50

// Phases returns the phases that create runs after all hosts have passed their checks. found holds the key files that
// control plane nodes have.
//
//	           prepare  encryption-key  load-balancer  init  apply-manifests  join-control-plane  join  wait-node  wait-workloads
//	balancer   ├──────┤                ├─────────────┤                                           ├────┼─────────┤
//	first      ├──────┼────────────────┤             ├─────┼─────────────────┤                        ├─────────┼──────────────┤
//	control    ├──────┼────────────────┤                                     ├──────────────────┤     ├─────────┤
//	worker     ├──────┤                                                                          ├────┼─────────┤
func Phases(ctx context.Context, s *session.Session, found map[netip.Addr]keys.File) ([]workflow.Phase, error) {
	key, err := newCertificateKey()
	if err != nil {
		return nil, err
	}
	s.Secrets.Add(key)
	first, initialized := s.ControlPlanes()[0], s.IsInitialized()
	isFirst := func(host netip.Addr) bool { return host == first }
	isControlPlane := func(host netip.Addr) bool { return s.Host(host).ControlPlane }
	balances := func(host netip.Addr) bool {
		return s.Host(host).Balancer && !isControlPlane(host) && !s.Host(host).Facts.Membership.Joined
	}
	// The files depend on what is known at the time, so each set is rendered when the first host needs it. The hosts that
	// join share one token.
	prepareFiles := step.RenderOnce(s)
	initFiles := func() (step.HostFiles, error) { return step.RenderHosts(s, render.Discovered{CertificateKey: key}) }
	joinFiles := sync.OnceValues(func() (step.HostFiles, error) { return step.PrepareJoin(ctx, s, key) })
	balanced := workflow.Dependency{Phase: loadBalancerPhase, Hosts: balances}
	applied := workflow.Dependency{Phase: manifestsPhase, Hosts: isFirst}
	return []workflow.Phase{
		step.PreparePhase(s, prepareFiles), step.EncryptionKeyPhase(ctx, s, found),
		{
			Name: loadBalancerPhase, Short: "start the control plane's load balancer on load balancer nodes",
			Hosts: balances, Plan: step.PlanControlPlaneLB(s, prepareFiles),
		},
		{
			Name: initPhase, Short: "initialize the first control plane node",
			Hosts: func(host netip.Addr) bool { return isFirst(host) && !initialized },
			After: []workflow.Dependency{balanced},
			Plan:  step.PlanNode(s, "create the control plane", "init", initFiles),
		},
		{
			Name: manifestsPhase, Short: "apply the manifests of nodes and workloads",
			Hosts: isFirst, Plan: step.PlanManifests(s),
		},
		{
			Name: joinControlPlanePhase, Short: "join the other control plane nodes, one at a time",
			Hosts:       func(host netip.Addr) bool { return isControlPlane(host) && (initialized || !isFirst(host)) },
			After:       []workflow.Dependency{balanced, applied},
			MaxParallel: 1, // each join changes the members of etcd, which allows one learner at a time
			Plan:        step.PlanNode(s, joinSummary, "join", joinFiles),
		},
		{
			Name: joinPhase, Short: "join the other nodes",
			Hosts:       func(host netip.Addr) bool { return !isControlPlane(host) },
			After:       []workflow.Dependency{balanced, applied, {Phase: joinControlPlanePhase, Hosts: isControlPlane}},
			MaxParallel: joinWindow,
			Plan:        step.PlanNode(s, joinSummary, "join", joinFiles),
		},
		{
			Name: waitNodePhase, Short: "wait until the nodes are ready, and API servers can reach their kubelets",
			ReadOnly: true, Plan: step.PlanWaitNode(s, sync.OnceValues(func() (bool, error) { return step.SignsServing(ctx, s) })),
		},
		{
			Name: waitWorkloadsPhase, Short: "wait until the cluster's workloads are ready",
			ReadOnly: true, Hosts: isFirst, After: []workflow.Dependency{{Phase: waitNodePhase}},
			Plan: step.PlanWaitWorkloads(s),
		},
	}, nil
}

// newCertificateKey generates the key with which kubeadm encrypts the control plane's certificates: 32 bytes for AES-256,
// in hexadecimal.
func newCertificateKey() (string, error) {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return "", fmt.Errorf("cannot make a key for the control plane's certificates: %w", err)
	}
	return hex.EncodeToString(key), nil
}
