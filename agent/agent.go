package agent

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"
	"k8s.io/client-go/kubernetes"

	"github.com/dualstrap/dualstrap/agent/kernel"
)

const (
	// resync is how long something that no event tells of, like a deleted neighbour proxy, can last.
	resync = 15 * time.Second
	// firstRetry is how soon a round that failed is followed by the next; each failure doubles it.
	firstRetry = 500 * time.Millisecond
	// A pod is two routes and so two events; the next round waits when events keep coming.
	roundInterval, roundBurst = 100 * time.Millisecond, 5
)

// Options are what an agent works with.
type Options struct {
	NodeName string
	// FlatIPv4 makes IPv4 like IPv6: pods are answered for on the L2, and keep their addresses outside.
	FlatIPv4 bool
	// PodRanges are where pods of any node may be. Nobody but pods is believed to have an address of them.
	PodRanges []netip.Prefix
	// CNIConfigDir and SysctlDir are /etc/cni/net.d and /proc/sys/net, or where those are mounted.
	CNIConfigDir, SysctlDir string
	// HealthAddress is where /healthz, /readyz and /metrics are served.
	HealthAddress string
	// OtherTables are nftables tables of others that [Cleanup] removes, as "ip kube-proxy".
	OtherTables []string
	Log         *slog.Logger
}

// Run keeps the node's part of the pod network until the context ends, which is no error. It needs
// neither podCIDRs nor an API server that answers to start.
func Run(ctx context.Context, client kubernetes.Interface, options Options) error {
	connection, err := kernel.Open()
	if err != nil {
		return err
	}
	defer connection.Close()
	reconciler := &reconciler{
		kernel:    connection,
		sysctls:   kernel.Sysctls(options.SysctlDir),
		cniDir:    options.CNIConfigDir,
		nodeName:  options.NodeName,
		flatIPv4:  options.FlatIPv4,
		podRanges: options.PodRanges,
	}
	health := newHealth()
	journal := newJournal(options.Log)
	events := make(chan struct{}, 1)
	wake := func() {
		select {
		case events <- struct{}{}:
		default: // a round is due already
		}
	}
	nodes, err := watchNodes(client, wake, func(err error) { journal.note(outcome{part: "api", err: err}) })
	if err != nil {
		return err
	}

	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return health.serve(ctx, options.HealthAddress) })
	group.Go(func() error { return kernel.Watch(ctx, wake) })
	group.Go(func() error { nodes.run(ctx, wake); return nil })
	group.Go(func() error {
		loop(ctx, events, func() bool {
			known, synced := nodes.list()
			if !synced {
				health.waiting("the API server has not answered yet: what is in place stays")
				journal.note(outcome{part: "nftables", err: reconciler.guardFirst()})
				return true // it wakes the loop when it does
			}
			began := time.Now()
			outcomes := reconciler.run(known)
			journal.note(outcomes...)
			return health.record(outcomes, time.Since(began))
		})
		return nil
	})
	return group.Wait()
}

// loop runs rounds: at once, at events, and when no event has come for a while, sooner after a round
// that failed.
func loop(ctx context.Context, events <-chan struct{}, round func() bool) {
	limit := rate.NewLimiter(rate.Every(roundInterval), roundBurst)
	pause := firstRetry
	for limit.Wait(ctx) == nil {
		wait := resync
		if round() {
			pause = firstRetry
		} else {
			wait = pause
			pause = min(2*pause, resync)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-events:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// Cleanup removes what the agent has put in place: routes, proxies, the nftables table and the CNI
// configuration. Sysctls stay as they are. Tables of others go, too, where they are named: a host need not
// have a program for that.
func Cleanup(options Options) error {
	connection, err := kernel.Open()
	if err != nil {
		return err
	}
	defer connection.Close()
	state, err := connection.Read()
	if err != nil {
		return err
	}
	failures := []error{removeCNI(options.CNIConfigDir)}
	for _, proxy := range state.Proxies {
		if proxy.Protocol == kernel.Protocol {
			failures = append(failures, connection.DeleteProxy(proxy))
		}
	}
	for _, route := range state.Routes {
		if route.Protocol == kernel.Protocol {
			failures = append(failures, connection.DeleteRoute(route))
		}
	}
	failures = append(failures, kernel.WriteRules(kernel.Rules{}, nil), kernel.RemoveTables(options.OtherTables))
	if err := first(failures); err != nil {
		return fmt.Errorf("cannot clean up: %w", err)
	}
	return nil
}
