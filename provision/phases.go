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

	"github.com/dualstrap/dualstrap/hostprep"
	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/workflow"
	"github.com/dualstrap/dualstrap/render"
)

// The names of the phases of create, in their order.
const (
	loadBalancerPhase     = "load-balancer"
	initPhase             = "init"
	manifestsPhase        = "apply-manifests"
	joinControlPlanePhase = "join-control-plane"
	joinPhase             = "join"
	waitNodePhase         = "wait-node"
	waitWorkloadsPhase    = "wait-workloads"
)

// joinSummary is what a host does that becomes a node.
const joinSummary = "join the cluster"

const (
	// joinWindow is how many workers join at once.
	joinWindow = 50
	// readyTimeout is how long a node may take to become ready once it has joined, and the cluster's
	// workloads when all are.
	readyTimeout = 5 * time.Minute
	// servingTimeout is how long the kubelet of a ready node may be without a certificate to serve with. It asks for one
	// when it starts, and while it cannot it tries again after half a minute at most.
	servingTimeout = 2 * time.Minute
)

// createPhases are what create does once all hosts have passed their checks.
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
	first := s.controlPlanes()[0]
	founded := s.isInitialized()
	isFirst := func(host netip.Addr) bool { return host == first }
	isControlPlane := func(host netip.Addr) bool { return s.index[host].ControlPlane }
	balances := func(host netip.Addr) bool {
		return s.index[host].Balancer && !isControlPlane(host) && !s.index[host].Facts.Membership.Joined
	}
	prepared := s.renderOnce()
	founding := func() (hostFiles, error) { return s.renderHosts(render.Discovered{CertificateKey: key}) }
	invitation := sync.OnceValues(func() (hostFiles, error) { return s.prepareJoin(ctx, key) })
	return []workflow.Phase{
		s.preparePhase(prepared), s.encryptionKeyPhase(ctx, keys),
		{
			Name: loadBalancerPhase, Short: "carry the control plane's VIP where other nodes do that",
			Hosts: balances,
			Plan:  s.planControlPlaneLB(prepared),
		},
		{
			Name: initPhase, Short: "make the first control plane node",
			Hosts: func(host netip.Addr) bool { return isFirst(host) && !founded },
			After: []workflow.Dependency{{Phase: loadBalancerPhase, Hosts: balances}},
			Plan:  s.planNode("create the control plane", "init", founding),
		},
		{
			Name: manifestsPhase, Short: "bring nodes and workloads into the cluster",
			Hosts: isFirst,
			Plan:  s.planManifests,
		},
		{
			Name: joinControlPlanePhase, Short: "make the other control plane nodes, one at a time",
			Hosts:       func(host netip.Addr) bool { return isControlPlane(host) && (founded || !isFirst(host)) },
			After:       []workflow.Dependency{{Phase: loadBalancerPhase, Hosts: balances}, {Phase: manifestsPhase, Hosts: isFirst}},
			MaxParallel: 1, // each changes who has to agree in etcd
			Plan:        s.planNode(joinSummary, "join", invitation),
		},
		{
			Name: joinPhase, Short: "make the other nodes",
			Hosts: func(host netip.Addr) bool { return !isControlPlane(host) },
			After: []workflow.Dependency{
				{Phase: loadBalancerPhase, Hosts: balances}, {Phase: manifestsPhase, Hosts: isFirst},
				{Phase: joinControlPlanePhase, Hosts: isControlPlane},
			},
			MaxParallel: joinWindow,
			Plan:        s.planNode(joinSummary, "join", invitation),
		},
		{
			Name: waitNodePhase, Short: "wait until the nodes are ready, and API servers can ask their kubelets",
			ReadOnly: true,
			Plan:     s.planWaitNode(sync.OnceValues(func() (bool, error) { return s.signsServing(ctx) })),
		},
		{
			Name: waitWorkloadsPhase, Short: "wait until the cluster's workloads are ready",
			ReadOnly: true, Hosts: isFirst,
			After: []workflow.Dependency{{Phase: waitNodePhase}},
			Plan:  s.planWaitWorkloads,
		},
	}, nil
}

// newCertificateKey makes the key with which kubeadm encrypts the control plane's certificates: AES-256.
func newCertificateKey() (string, error) {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return "", fmt.Errorf("cannot make a key for the control plane's certificates: %w", err)
	}
	return hex.EncodeToString(key), nil
}

// planFunc is a phase's Plan.
type planFunc = func(context.Context, remote.Reader) ([]workflow.Action, error)

// planControlPlaneLB starts the load balancer of the control plane on a host that is no node yet, unless it runs. What a join
// has left goes first: it would take the load balancer with it later, and other hosts join by way of it.
func (s *Session) planControlPlaneLB(rendered func() (hostFiles, error)) planFunc {
	return func(ctx context.Context, host remote.Reader) ([]workflow.Action, error) {
		progress, err := readJoinState(ctx, host)
		if err != nil || progress.joined || progress.balances && progress.partial == "" {
			return nil, err
		}
		return []workflow.Action{{Summary: "carry the control plane's VIP", Do: func(ctx context.Context, host remote.Host) error {
			files, err := rendered()
			if err != nil {
				return err
			}
			if err := s.cleanUpFailedJoin(ctx, host, progress); err != nil {
				return err
			}
			balancing := slices.DeleteFunc(slices.Clone(files[host.Address()].Files), func(file render.File) bool {
				return !isStaticPod(file.Path) && file.Path != render.StandaloneKubelet
			})
			if _, err := host.WriteFiles(ctx, remoteFiles(balancing)); err != nil {
				return err
			}
			return run(ctx, host, "start the load balancer", "start_load_balancer", render.StandaloneKubelet)
		}}}, nil
	}
}

// planNode makes a host a node with a verb of kubeadm and the files for that, unless it is one.
func (s *Session) planNode(summary, verb string, files func() (hostFiles, error)) planFunc {
	return func(ctx context.Context, host remote.Reader) ([]workflow.Action, error) {
		progress, err := readJoinState(ctx, host)
		if err != nil || progress.joined {
			return nil, err
		}
		return []workflow.Action{{Summary: summary, Do: func(ctx context.Context, host remote.Host) error {
			all, err := files()
			if err != nil {
				return err
			}
			if err := s.cleanUpFailedJoin(ctx, host, progress); err != nil {
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

// prepareJoin makes a token to join with and gives the files that hosts join with. Where control plane nodes
// are to join, it leaves the control plane's certificates for them in the cluster.
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
	hash, err := hostprep.CAHash(client.CA())
	if err != nil || hash == "" {
		return nil, errors.Join(errors.New("cannot tell who the cluster's certificate authority is"), err)
	}
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

// planWaitNode waits until the host's node is ready, and where the cluster signs what kubelets serve with, until that is
// done: it is asked for when a kubelet starts, and logs and exec need it.
func (s *Session) planWaitNode(signsServing func() (bool, error)) planFunc {
	return func(ctx context.Context, host remote.Reader) ([]workflow.Action, error) {
		client, err := s.api.client(ctx)
		if err != nil {
			return nil, err
		}
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

// signsServing reports whether the cluster's kubelets ask it for the certificates that they serve with. Those of a
// cluster that an older dualstrap has made do not.
func (s *Session) signsServing(ctx context.Context) (bool, error) {
	client, err := s.api.client(ctx)
	if err != nil {
		return false, err
	}
	kubelet, err := clusterKubelet(ctx, client)
	return kubelet != nil && kubelet.ServerTLSBootstrap, err
}

// planWaitWorkloads waits until what runs in the cluster runs.
func (s *Session) planWaitWorkloads(ctx context.Context, _ remote.Reader) ([]workflow.Action, error) {
	client, err := s.api.client(ctx)
	if err != nil {
		return nil, err
	}
	namespaces := []string{"kube-system", render.SystemNamespace}
	if s.loaded.Config.LoadBalancer.Bundled {
		namespaces = append(namespaces, render.MetalLBNamespace)
	}
	return nil, client.AwaitWorkloads(ctx, namespaces, readyTimeout)
}
