package controller

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/dualstrap/dualstrap/allocator"
	"github.com/dualstrap/dualstrap/api/v1alpha1"
	"github.com/dualstrap/dualstrap/controller/internal/ledger"
)

// writers is the number of Nodes that are written concurrently.
const writers = 16

// leader assigns podCIDRs while its instance holds the lease. It is started at most once: an instance that loses the
// lease exits.
type leader struct {
	log    *slog.Logger
	health *health
	cache  cache.Cache
	client client.Client
	// core reads and writes Nodes without the cache, which may be stale.
	core     typedcorev1.CoreV1Interface
	recorder events.EventRecorder
	metrics  *collectors

	// mu guards book.
	mu   sync.Mutex
	book *ledger.Ledger

	// writes holds the names of nodes that have a promise to be written.
	writes workqueue.TypedRateLimitingInterface[string]
	// These signals wake serve and syncConfigs: nodes are waiting for blocks, the numbers in status and metrics have
	// changed, and ClusterCIDRConfigs or ServiceCIDRs have changed.
	unserved, counts, configs signal
	// guarded holds the ClusterCIDRConfigs that are known to have the finalizer. Only start and syncConfigs use it,
	// which do not run at the same time.
	guarded map[types.UID]bool
}

// signal wakes the goroutine that receives from it. Notifications that it has not received yet are merged into one.
type signal chan struct{}

// newSignal returns a signal without a pending notification.
func newSignal() signal { return make(signal, 1) }

// notify wakes the receiver. It does not block.
func (s signal) notify() {
	select {
	case s <- struct{}{}:
	default:
	}
}

// newLeader returns the leader of an instance, which does nothing until [leader.Start].
func newLeader(m manager.Manager, health *health, log *slog.Logger) (*leader, error) {
	core, err := typedcorev1.NewForConfigAndClient(m.GetConfig(), m.GetHTTPClient())
	if err != nil {
		return nil, err
	}
	numbers := newCollectors()
	if err := numbers.register(metrics.Registry); err != nil {
		return nil, err
	}
	return &leader{
		log:      log,
		health:   health,
		cache:    m.GetCache(),
		client:   m.GetClient(),
		core:     core,
		recorder: m.GetEventRecorder(Name),
		metrics:  numbers,
		book:     ledger.New(),
		writes: workqueue.NewTypedRateLimitingQueue(
			// Failing writes back off per node, from 100 ms up to 30 s.
			workqueue.NewTypedItemExponentialFailureRateLimiter[string](100*time.Millisecond, 30*time.Second)),
		unserved: newSignal(),
		counts:   newSignal(),
		configs:  newSignal(),
		guarded:  map[types.UID]bool{},
	}, nil
}

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (*leader) NeedLeaderElection() bool { return true }

// Start implements manager.Runnable. It assigns podCIDRs until the context ends.
func (l *leader) Start(ctx context.Context) error {
	l.health.starting.Store(true)
	if err := l.start(ctx); err != nil {
		return fmt.Errorf("cannot find out what nodes hold: %w", err)
	}
	l.health.starting.Store(false)
	l.log.Info("leading", "unserved", l.pendingNodes())

	group, ctx := errgroup.WithContext(ctx)
	// Each of these ends with the context. The first error ends all of them, and with them the instance: the kubelet
	// restarts it, and it starts with a new book.
	group.Go(func() error { return l.serve(ctx) })
	group.Go(func() error { return l.syncConfigs(ctx) })
	for range writers {
		group.Go(func() error { return l.write(ctx) })
	}
	group.Go(func() error {
		// The writers block in Get, which does not take a context.
		<-ctx.Done()
		l.writes.ShutDown()
		return nil
	})
	return group.Wait()
}

// start records the current state in the book. Nodes come last, because what is reported about their podCIDRs depends
// on the ranges.
func (l *leader) start(ctx context.Context) error {
	for _, kind := range []client.Object{&v1alpha1.ClusterCIDRConfig{}, &networkingv1.ServiceCIDR{}} {
		if err := l.watch(ctx, kind, toolscache.ResourceEventHandlerFuncs{
			AddFunc:    func(any) { l.configs.notify() },
			UpdateFunc: func(any, any) { l.configs.notify() },
			DeleteFunc: func(any) { l.configs.notify() },
		}); err != nil {
			return err
		}
	}
	if _, err := l.readConfigs(ctx); err != nil {
		return err
	}
	// The cache may be older than the last writes of the previous leader. This list is not.
	nodes, err := l.listNodes(ctx)
	if err != nil {
		return err
	}
	l.observe(nodes...)
	return l.watch(ctx, &corev1.Node{}, toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { l.observeObject(object) },
		UpdateFunc: func(_, object any) { l.observeObject(object) },
		DeleteFunc: l.forgetObject,
	})
}

// watch calls handler for every object of a kind and for every change. It returns when the cache has all objects.
func (l *leader) watch(ctx context.Context, kind client.Object, handler toolscache.ResourceEventHandler) error {
	informer, err := l.cache.GetInformer(ctx, kind)
	if err != nil {
		return fmt.Errorf("cannot watch %T: %w", kind, err)
	}
	if _, err := informer.AddEventHandler(handler); err != nil {
		return fmt.Errorf("cannot watch %T: %w", kind, err)
	}
	return nil
}

// serve promises blocks to nodes as they appear, and queues the writes.
func (l *leader) serve(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-l.unserved:
		}
		// Assigning under the lock makes decisions sequential. The writes happen outside of it.
		l.mu.Lock()
		assignments, reports := l.book.Assign()
		l.mu.Unlock()
		for _, a := range assignments {
			l.writes.Add(a.Node)
		}
		l.emitEvents(reports)
		l.counts.notify()
	}
}

// observe records Nodes in a state that the API server has, or had. The ledger ignores states that are older than those
// it knows.
func (l *leader) observe(nodes ...ledger.Node) {
	l.update(func(book *ledger.Ledger) []ledger.Report { return book.Observe(nodes...) })
}

// observeObject records a Node that the cache delivers.
func (l *leader) observeObject(object any) {
	if node, ok := object.(*corev1.Node); ok {
		l.observe(ledgerNode(node))
	}
}

// forgetObject records that a Node is gone. If the watch missed the deletion, the cache delivers the last known state
// in a wrapper.
func (l *leader) forgetObject(object any) {
	if last, ok := object.(toolscache.DeletedFinalStateUnknown); ok {
		object = last.Obj
	}
	if node, ok := object.(*corev1.Node); ok {
		l.forget(node.Name, node.UID)
	}
}

// forget records that the Node with this UID no longer exists.
func (l *leader) forget(name string, uid types.UID) {
	l.update(func(book *ledger.Ledger) []ledger.Report {
		book.Forget(name, uid)
		return nil
	})
}

// setRanges records the ClusterCIDRConfigs and the ranges of Services.
func (l *leader) setRanges(configs []allocator.Config, reserved []netip.Prefix) error {
	var err error
	l.update(func(book *ledger.Ledger) []ledger.Report {
		book.SetReserved(reserved)
		err = book.SetConfigs(configs)
		return nil
	})
	return err
}

// update changes the book, reports the findings, and wakes serve if nodes are waiting. Events are emitted after mu is
// released.
func (l *leader) update(change func(*ledger.Ledger) []ledger.Report) {
	l.mu.Lock()
	reports := change(l.book)
	waiting := l.book.Waiting()
	l.mu.Unlock()
	if waiting {
		l.unserved.notify()
	}
	l.emitEvents(reports)
	l.counts.notify()
}

// pendingNodes returns the number of nodes that are waiting for blocks.
func (l *leader) pendingNodes() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.book.Pending()
}

// emitEvents emits reports as Events about their Nodes, and counts and logs them.
func (l *leader) emitEvents(reports []ledger.Report) {
	for _, r := range reports {
		l.metrics.failures.WithLabelValues(string(r.Reason)).Inc()
		l.log.Warn(r.Message, "node", r.Node, "reason", r.Reason)
		// An Event refers to the Node by name and UID. The Node itself is not needed.
		node := &corev1.Node{}
		node.Name, node.UID = r.Node, r.UID
		l.recorder.Eventf(node, nil, corev1.EventTypeWarning, string(r.Reason), "AssignPodCIDRs", "%s", short(r.Message))
	}
}

// short truncates a message to the length that the API server accepts in an Event.
func short(message string) string {
	const most = 1000 // bytes; the API server accepts 1024
	if len(message) <= most {
		return message
	}
	return message[:most] + "..."
}
