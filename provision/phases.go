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
	balancePhase          = "balance"
	initPhase             = "init"
	objectsPhase          = "objects"
	joinControlPlanePhase = "join-control-plane"
	joinPhase             = "join"
	readyPhase            = "ready"
	settlePhase           = "settle"
)

// joins is what a host does that becomes a node.
const joins = "join the cluster"

const (
	// joinWindow is how many workers join at once.
	joinWindow = 50
	// readyPatience is how long a node may take to become ready once it has joined, and the cluster's
	// workloads when all are.
	readyPatience = 5 * time.Minute
	// servingPatience is how long the kubelet of a ready node may be without a certificate to serve with. It asks for one
	// when it starts, and while it cannot it tries again after half a minute at most.
	servingPatience = 2 * time.Minute
)

// createPhases are what create does once all hosts have passed their checks.
//
//	            prepare   encryption-key   balance   init   objects   join-control-plane   join   ready   settle
//	balancer    ├───────┤                ├─────────┤                                     ├──────┼──────┤
//	first       ├───────┼────────────────┤         ├──────┼─────────┤                           ├──────┼───────┤
//	control     ├───────┼────────────────┤                          ├────────────────────┤      ├──────┤
//	worker      ├───────┤                                                                ├──────┼──────┤
func (s *Site) createPhases(ctx context.Context, keys map[netip.Addr]keyFile) ([]workflow.Phase, error) {
	key, err := newCertificateKey()
	if err != nil {
		return nil, err
	}
	s.secrets.Add(key)
	first := s.controlPlanes()[0]
	founded := s.isFounded()
	isFirst := func(host netip.Addr) bool { return host == first }
	isControlPlane := func(host netip.Addr) bool { return s.index[host].ControlPlane }
	balances := func(host netip.Addr) bool {
		return s.index[host].Balancer && !isControlPlane(host) && !s.index[host].Facts.Membership.Joined
	}
	prepared := s.renderedOnce()
	founding := func() (hostFiles, error) { return s.renderHosts(render.Later{CertificateKey: key}) }
	invitation := sync.OnceValues(func() (hostFiles, error) { return s.invite(ctx, key) })
	return []workflow.Phase{
		s.preparePhase(prepared), s.encryptPhase(ctx, keys),
		{
			Name: balancePhase, Short: "carry the control plane's VIP where other nodes do that",
			On:   balances,
			Plan: s.planBalance(prepared),
		},
		{
			Name: initPhase, Short: "make the first control plane node",
			On:    func(host netip.Addr) bool { return isFirst(host) && !founded },
			After: []workflow.Need{{Phase: balancePhase, On: balances}},
			Plan:  s.planNode("create the control plane", "init", founding),
		},
		{
			Name: objectsPhase, Short: "bring nodes and workloads into the cluster",
			On:   isFirst,
			Plan: s.planObjects,
		},
		{
			Name: joinControlPlanePhase, Short: "make the other control plane nodes, one at a time",
			On:     func(host netip.Addr) bool { return isControlPlane(host) && (founded || !isFirst(host)) },
			After:  []workflow.Need{{Phase: balancePhase, On: balances}, {Phase: objectsPhase, On: isFirst}},
			AtOnce: 1, // each changes who has to agree in etcd
			Plan:   s.planNode(joins, "join", invitation),
		},
		{
			Name: joinPhase, Short: "make the other nodes",
			On: func(host netip.Addr) bool { return !isControlPlane(host) },
			After: []workflow.Need{
				{Phase: balancePhase, On: balances}, {Phase: objectsPhase, On: isFirst}, {Phase: joinControlPlanePhase, On: isControlPlane},
			},
			AtOnce: joinWindow,
			Plan:   s.planNode(joins, "join", invitation),
		},
		{
			Name: readyPhase, Short: "wait until the nodes are ready, and API servers can ask their kubelets",
			Reads: true,
			Plan:  s.awaitNode(sync.OnceValues(func() (bool, error) { return s.signsServing(ctx) })),
		},
		{
			Name: settlePhase, Short: "wait until the cluster's workloads are ready",
			Reads: true, On: isFirst,
			After: []workflow.Need{{Phase: readyPhase}},
			Plan:  s.awaitWorkloads,
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

// plan is a phase's Plan.
type plan = func(context.Context, remote.Reader) ([]workflow.Action, error)

// planBalance starts the load balancer of the control plane on a host that is no node yet, unless it runs. What a join
// has left goes first: it would take the load balancer with it later, and other hosts join by way of it.
func (s *Site) planBalance(rendered func() (hostFiles, error)) plan {
	return func(ctx context.Context, host remote.Reader) ([]workflow.Action, error) {
		progress, err := lookAt(ctx, host)
		if err != nil || progress.joined || progress.balances && progress.left == "" {
			return nil, err
		}
		return []workflow.Action{{Summary: "carry the control plane's VIP", Do: func(ctx context.Context, host remote.Host) error {
			files, err := rendered()
			if err != nil {
				return err
			}
			if err := s.forgetTry(ctx, host, progress); err != nil {
				return err
			}
			balancing := slices.DeleteFunc(slices.Clone(files[host.Address()].Files), func(file render.File) bool {
				return !isStaticPod(file.Path) && file.Path != render.StandaloneKubelet
			})
			if _, err := host.WriteFiles(ctx, remoteFiles(balancing)); err != nil {
				return err
			}
			return run(ctx, host, "start the load balancer", "balance", render.StandaloneKubelet)
		}}}, nil
	}
}

// planNode makes a host a node with a verb of kubeadm and the files for that, unless it is one.
func (s *Site) planNode(summary, verb string, files func() (hostFiles, error)) plan {
	return func(ctx context.Context, host remote.Reader) ([]workflow.Action, error) {
		progress, err := lookAt(ctx, host)
		if err != nil || progress.joined {
			return nil, err
		}
		return []workflow.Action{{Summary: summary, Do: func(ctx context.Context, host remote.Host) error {
			all, err := files()
			if err != nil {
				return err
			}
			if err := s.forgetTry(ctx, host, progress); err != nil {
				return err
			}
			if verb == "join" {
				if err := s.announce(ctx, host.Address()); err != nil {
					return err
				}
			}
			return s.kubeadm(ctx, host, verb, all[host.Address()])
		}}}, nil
	}
}

// invite makes a token to join with and gives the files that hosts join with. Where control plane nodes
// are to join, it leaves the control plane's certificates for them in the cluster.
func (s *Site) invite(ctx context.Context, key string) (hostFiles, error) {
	client, err := s.access.open(ctx)
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
		if err := s.dropHalves(ctx); err != nil {
			return nil, err
		}
	}
	return s.renderHosts(render.Later{Founded: true, BootstrapToken: token, CACertHash: hash, CertificateKey: key})
}

// awaitNode waits until the host's node is ready, and where the cluster signs what kubelets serve with, until that is
// done: it is asked for when a kubelet starts, and logs and exec need it.
func (s *Site) awaitNode(signsServing func() (bool, error)) plan {
	return func(ctx context.Context, host remote.Reader) ([]workflow.Action, error) {
		client, err := s.access.open(ctx)
		if err != nil {
			return nil, err
		}
		name := s.index[host.Address()].NodeFacts().Name
		if err := client.AwaitNode(ctx, name, readyPatience); err != nil {
			return nil, err
		}
		if signs, err := signsServing(); !signs || err != nil {
			return nil, err
		}
		return nil, client.AwaitKubelet(ctx, name, servingPatience)
	}
}

// signsServing reports whether the cluster's kubelets ask it for the certificates that they serve with. Those of a
// cluster that an older dualstrap has made do not.
func (s *Site) signsServing(ctx context.Context) (bool, error) {
	client, err := s.access.open(ctx)
	if err != nil {
		return false, err
	}
	kubelet, err := clusterKubelet(ctx, client)
	return kubelet != nil && kubelet.ServerTLSBootstrap, err
}

// awaitWorkloads waits until what runs in the cluster runs.
func (s *Site) awaitWorkloads(ctx context.Context, _ remote.Reader) ([]workflow.Action, error) {
	client, err := s.access.open(ctx)
	if err != nil {
		return nil, err
	}
	namespaces := []string{"kube-system", render.SystemNamespace}
	if s.verdict.Config.LoadBalancer.Bundled {
		namespaces = append(namespaces, render.MetalLBNamespace)
	}
	return nil, client.AwaitWorkloads(ctx, namespaces, readyPatience)
}
