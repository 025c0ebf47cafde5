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
	// resync is the interval between rounds without events. A change that causes no event, like a deleted neighbour
	// proxy, is corrected after this time at the latest.
	resync = 15 * time.Second
	// firstRetry is the delay between a failed round and the next. Each further failure doubles it, up to resync.
	firstRetry = 500 * time.Millisecond
	// A new pod adds two routes, and so causes two events. Rounds are rate-limited so that a series of events shares
	// them.
	roundInterval, roundBurst = 100 * time.Millisecond, 5
)

// Options configures an agent.
type Options struct {
	// NodeName is the name of the Node that the agent runs on.
	NodeName string
	// FlatIPv4 treats IPv4 like IPv6: the node answers for pods on the L2, and pods keep their addresses outside of the
	// cluster.
	FlatIPv4 bool
	// PodRanges are the ranges from which pods of any node get addresses. Packets with a source in them are accepted
	// from pods and from other nodes' pods only.
	PodRanges []netip.Prefix
	// CNIConfigDir and SysctlDir are /etc/cni/net.d and /proc/sys/net, or the paths where these are mounted.
	CNIConfigDir, SysctlDir string
	// HealthAddress is the address, with a port, that serves /healthz, /readyz and /metrics.
	HealthAddress string
	// OtherTables are third-party nftables tables that [Cleanup] removes, each as family and name, like "ip
	// kube-proxy".
	OtherTables []string
	Log         *slog.Logger
}

// Run configures the node's part of the pod network until the context ends, and then returns nil. To start, it requires
// neither podCIDRs nor a reachable API server.
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
	outcomes := newOutcomeLog(options.Log)
	// One slot is enough: a round reads the whole state, so any number of events before it needs a single round.
	events := make(chan struct{}, 1)
	wake := func() {
		select {
		case events <- struct{}{}:
		default: // a round is pending already
		}
	}
	nodes, err := watchNodes(client, wake, func(err error) { outcomes.note(outcome{part: "api", err: err}) })
	if err != nil {
		return err
	}

	// The first part that fails ends all of them, and the process: the kubelet starts the agent again, which reads
	// everything from the start. The kernel keeps the configuration in the meantime.
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return health.serve(ctx, options.HealthAddress) })
	group.Go(func() error { return kernel.Watch(ctx, wake) })
	group.Go(func() error { nodes.run(ctx, wake); return nil })
	group.Go(func() error {
		loop(ctx, events, func() bool {
			known, synced := nodes.list()
			// Acting on an incomplete list would remove the routes to nodes that have not been listed yet.
			if !synced {
				health.waiting("the API server has not answered yet: what is in place stays")
				outcomes.note(outcome{part: "nftables", err: reconciler.guardFirst()})
				return true // nodes.run wakes the loop once the API server answers
			}
			start := time.Now()
			results := reconciler.run(known)
			outcomes.note(results...)
			return health.record(results, time.Since(start))
		})
		return nil
	})
	return group.Wait()
}

// loop runs rounds until the context ends: one immediately, one after each event, and one after resync without an
// event. After a failed round the next one follows sooner, with exponential backoff.
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

// Cleanup removes the configuration that the agent has made: routes, proxies, the nftables table and the CNI
// configuration. Sysctls keep their values. Cleanup also removes the tables in OtherTables, so that the host does not
// need a program to delete them. A step that fails does not prevent the others.
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
