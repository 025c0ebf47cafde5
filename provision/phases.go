package provision

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/hostprep/facts"
	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/workflow"
	"github.com/dualstrap/dualstrap/render"
)

// The names of the phases of create, in their order. preparePhaseName and encryptionKeyPhaseName precede them.
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

const (
	// joinWindow is how many workers join at once. It bounds the load on the API servers and on etcd.
	joinWindow = 50
	// readyTimeout is how long a node may take to become ready after it has joined, and how long the cluster's workloads
	// may take after all nodes are ready.
	readyTimeout = 5 * time.Minute
	// servingTimeout is how long the kubelet of a ready node may take to get its serving certificate. The kubelet requests
	// one when it starts, and retries failed requests after half a minute at most.
	servingTimeout = 2 * time.Minute
)

// createPhases returns the phases that create runs after all hosts have passed their checks. keys holds the key files that
// control plane nodes have.
//
//	           prepare  encryption-key  load-balancer  init  apply-manifests  join-control-plane  join  wait-node  wait-workloads
//	balancer   ├──────┤                ├─────────────┤                                           ├────┼─────────┤
//	first      ├──────┼────────────────┤             ├─────┼─────────────────┤                        ├─────────┼──────────────┤
//	control    ├──────┼────────────────┤                                     ├──────────────────┤     ├─────────┤
//	worker     ├──────┤                                                                          ├────┼─────────┤
func (s *Session) createPhases(ctx context.Context, keys map[netip.Addr]keyFile) ([]workflow.Phase, error) {
	key, err := newCertificateKey()
	if err != nil {
		return nil, err
	}
	s.secrets.Add(key)
	first, initialized := s.controlPlanes()[0], s.isInitialized()
	isFirst := func(host netip.Addr) bool { return host == first }
	isControlPlane := func(host netip.Addr) bool { return s.index[host].ControlPlane }
	balances := func(host netip.Addr) bool {
		return s.index[host].Balancer && !isControlPlane(host) && !s.index[host].Facts.Membership.Joined
	}
	// The files depend on what is known at the time, so each set is rendered when the first host needs it. The hosts that
	// join share one token.
	prepareFiles := s.renderOnce()
	initFiles := func() (hostFiles, error) { return s.renderHosts(render.Discovered{CertificateKey: key}) }
	joinFiles := sync.OnceValues(func() (hostFiles, error) { return s.prepareJoin(ctx, key) })
	balanced := workflow.Dependency{Phase: loadBalancerPhase, Hosts: balances}
	applied := workflow.Dependency{Phase: manifestsPhase, Hosts: isFirst}
	return []workflow.Phase{
		s.preparePhase(prepareFiles), s.encryptionKeyPhase(ctx, keys),
		{
			Name: loadBalancerPhase, Short: "start the control plane's load balancer on load balancer nodes",
			Hosts: balances, Plan: s.planControlPlaneLB(prepareFiles),
		},
		{
			Name: initPhase, Short: "initialize the first control plane node",
			Hosts: func(host netip.Addr) bool { return isFirst(host) && !initialized },
			After: []workflow.Dependency{balanced},
			Plan:  s.planNode("create the control plane", "init", initFiles),
		},
		{
			Name: manifestsPhase, Short: "apply the manifests of nodes and workloads",
			Hosts: isFirst, Plan: s.planManifests,
		},
		{
			Name: joinControlPlanePhase, Short: "join the other control plane nodes, one at a time",
			Hosts:       func(host netip.Addr) bool { return isControlPlane(host) && (initialized || !isFirst(host)) },
			After:       []workflow.Dependency{balanced, applied},
			MaxParallel: 1, // each join changes the members of etcd, which allows one learner at a time
			Plan:        s.planNode(joinSummary, "join", joinFiles),
		},
		{
			Name: joinPhase, Short: "join the other nodes",
			Hosts:       func(host netip.Addr) bool { return !isControlPlane(host) },
			After:       []workflow.Dependency{balanced, applied, {Phase: joinControlPlanePhase, Hosts: isControlPlane}},
			MaxParallel: joinWindow,
			Plan:        s.planNode(joinSummary, "join", joinFiles),
		},
		{
			Name: waitNodePhase, Short: "wait until the nodes are ready, and API servers can reach their kubelets",
			ReadOnly: true, Plan: s.planWaitNode(sync.OnceValues(func() (bool, error) { return s.signsServing(ctx) })),
		},
		{
			Name: waitWorkloadsPhase, Short: "wait until the cluster's workloads are ready",
			ReadOnly: true, Hosts: isFirst, After: []workflow.Dependency{{Phase: waitNodePhase}},
			Plan: s.planWaitWorkloads,
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

// planFunc is the type of [workflow.Phase.Plan].
type planFunc = func(context.Context, remote.Reader) ([]workflow.Action, error)

// planControlPlaneLB starts the control plane's load balancer on a host that has not joined, unless it runs already. It
// cleans up a failed join first: doing so later would stop the load balancer while other hosts join through it.
func (s *Session) planControlPlaneLB(rendered func() (hostFiles, error)) planFunc {
	return func(ctx context.Context, host remote.Reader) ([]workflow.Action, error) {
		state, err := readJoinState(ctx, host)
		if err != nil || state.joined || state.balances && state.partial == "" {
			return nil, err
		}
		return []workflow.Action{{Summary: "carry the control plane's VIP", Do: func(ctx context.Context, host remote.Host) error {
			files, err := rendered()
			if err != nil {
				return err
			}
			if err := s.cleanUpFailedJoin(ctx, host, state); err != nil {
				return err
			}
			balancing := slices.DeleteFunc(slices.Clone(files[host.Address()].Files), func(file render.File) bool {
				return !isStaticPod(file.Path) && file.Path != render.StandaloneKubelet
			})
			if _, err := host.WriteFiles(ctx, remoteFiles(balancing)); err != nil {
				return err
			}
			return run(ctx, host, "start the load balancer", "start_load_balancer", remote.Args{"config": render.StandaloneKubelet})
		}}}, nil
	}
}

// planNode makes a host a node with kubeadm init or kubeadm join, as verb says, unless it is one already.
func (s *Session) planNode(summary, verb string, files func() (hostFiles, error)) planFunc {
	return func(ctx context.Context, host remote.Reader) ([]workflow.Action, error) {
		state, err := readJoinState(ctx, host)
		if err != nil || state.joined {
			return nil, err
		}
		return []workflow.Action{{Summary: summary, Do: func(ctx context.Context, host remote.Host) error {
			all, err := files()
			if err != nil {
				return err
			}
			if err := s.cleanUpFailedJoin(ctx, host, state); err != nil {
				return err
			}
			if verb == "join" {
				if err := s.setInitialCapacity(ctx, host.Address()); err != nil {
					return err
				}
			}
			return s.kubeadm(ctx, host, verb, all[host.Address()])
		}}}, nil
	}
}

// prepareJoin creates a bootstrap token, and returns the files with which hosts join. If control plane nodes are to join,
// it also stores the control plane's certificates in the cluster for them, and removes stale members from etcd.
func (s *Session) prepareJoin(ctx context.Context, key string) (hostFiles, error) {
	client, err := s.api.client(ctx)
	if err != nil {
		return nil, err
	}
	token, err := client.MintToken(ctx)
	if err != nil {
		return nil, err
	}
	s.secrets.Add(token)
	// kubeadm join pins the certificate authority by this hash, so a wrong API server cannot take over a host.
	hash, err := facts.CAHash(client.CA())
	if err != nil || hash == "" {
		return nil, errors.Join(errors.New("cannot tell who the cluster's certificate authority is"), err)
	}
	// The certificates are uploaded only when a control plane node needs them, because they include the private keys.
	isNew := func(host netip.Addr) bool { return !s.index[host].Facts.Membership.Joined }
	if all := s.controlPlanes(); len(all) > 1 && slices.ContainsFunc(all, isNew) {
		if err := s.uploadCertificates(ctx, key); err != nil {
			return nil, err
		}
		if err := s.removeStaleEtcdMembers(ctx); err != nil {
			return nil, err
		}
	}
	return s.renderHosts(render.Discovered{Initialized: true, BootstrapToken: token, CACertHash: hash, CertificateKey: key})
}

// planWaitNode waits until the host's node is ready. If the cluster signs the kubelets' serving certificates, it also waits
// until the kubelet has its own: kubectl logs and kubectl exec need it.
func (s *Session) planWaitNode(signsServing func() (bool, error)) planFunc {
	return func(ctx context.Context, host remote.Reader) ([]workflow.Action, error) {
		client, err := s.api.client(ctx)
		if err != nil {
			return nil, err
		}
		// A read-only phase has no actions, so it waits in its plan.
		name := s.index[host.Address()].NodeFacts().Name
		if err := client.AwaitNode(ctx, name, readyTimeout); err != nil {
			return nil, err
		}
		if signs, err := signsServing(); !signs || err != nil {
			return nil, err
		}
		return nil, client.AwaitKubelet(ctx, name, servingTimeout)
	}
}

// signsServing reports whether the kubelets request their serving certificates from the cluster. Kubelets of clusters that
// an older dualstrap created sign their own.
func (s *Session) signsServing(ctx context.Context) (bool, error) {
	client, err := s.api.client(ctx)
	if err != nil {
		return false, err
	}
	kubelet, err := clusterKubelet(ctx, client)
	return kubelet != nil && kubelet.ServerTLSBootstrap, err
}

// planWaitWorkloads waits until the workloads in the namespaces that dualstrap manages are ready.
func (s *Session) planWaitWorkloads(ctx context.Context, _ remote.Reader) ([]workflow.Action, error) {
	client, err := s.api.client(ctx)
	if err != nil {
		return nil, err
	}
	namespaces := []string{"kube-system", render.SystemNamespace}
	if s.loaded.Config.LoadBalancer.Services == api.ServicesLayer2 {
		namespaces = append(namespaces, render.MetalLBNamespace)
	}
	return nil, client.AwaitWorkloads(ctx, namespaces, readyTimeout)
}
