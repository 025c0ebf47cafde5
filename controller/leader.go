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

// writers is how many Nodes are written at once.
const writers = 16

// leader is what the leading instance does. It is started once: an instance that loses its lease ends.
type leader struct {
	log      *slog.Logger
	health   *health
	cache    cache.Cache
	client   client.Client
	core     typedcorev1.CoreV1Interface
	recorder events.EventRecorder
	metrics  *collectors

	mu   sync.Mutex
	book *ledger.Ledger // guarded by mu

	// writes are the names of nodes with a promise to keep.
	writes workqueue.TypedRateLimitingInterface[string]
	// unserved, counts and configs are each a bell: there are nodes to serve, numbers to tell, objects
	// to look at.
	unserved, counts, configs signal
	// guarded are the ClusterCIDRConfigs that are known to have the finalizer. Only tendConfigs uses it.
	guarded map[types.UID]bool
}

// signal wakes the one who waits for it. To ring it again before it was heard changes nothing.
type signal chan struct{}

func newSignal() signal { return make(signal, 1) }

func (b signal) notify() {
	select {
	case b <- struct{}{}:
	default:
	}
}

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
			workqueue.NewTypedItemExponentialFailureRateLimiter[string](100*time.Millisecond, 30*time.Second)),
		unserved: newSignal(),
		counts:   newSignal(),
		configs:  newSignal(),
		guarded:  map[types.UID]bool{},
	}, nil
}

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (*leader) NeedLeaderElection() bool { return true }

// Start implements manager.Runnable: it leads until the context ends.
func (l *leader) Start(ctx context.Context) error {
	l.health.starting.Store(true)
	if err := l.start(ctx); err != nil {
		return fmt.Errorf("cannot find out what nodes hold: %w", err)
	}
	l.health.starting.Store(false)
	l.log.Info("leading", "unserved", l.pendingNodes())

	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return l.serve(ctx) })
	group.Go(func() error { return l.syncConfigs(ctx) })
	for range writers {
		group.Go(func() error { return l.write(ctx) })
	}
	group.Go(func() error {
		<-ctx.Done()
		l.writes.ShutDown()
		return nil
	})
	return group.Wait()
}

// start fills the book. Nodes come last: what is wrong with their podCIDRs depends on the rest.
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
	// The cache may lag behind the last writes of the leader before. This list does not.
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

// watch has a handler called for every object of a kind, and every change. It returns when the cache
// has all objects.
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

// serve promises blocks to nodes as they come.
func (l *leader) serve(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-l.unserved:
		}
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

// observe books Nodes as the API server has, or had, them.
func (l *leader) observe(nodes ...ledger.Node) {
	l.update(func(book *ledger.Ledger) []ledger.Report { return book.Observe(nodes...) })
}

func (l *leader) observeObject(object any) {
	if node, ok := object.(*corev1.Node); ok {
		l.observe(ledgerNode(node))
	}
}

// forgetObject books that a Node is gone. Where the watch missed that, the object is wrapped.
func (l *leader) forgetObject(object any) {
	if last, ok := object.(toolscache.DeletedFinalStateUnknown); ok {
		object = last.Obj
	}
	if node, ok := object.(*corev1.Node); ok {
		l.forget(node.Name, node.UID)
	}
}

func (l *leader) forget(name string, uid types.UID) {
	l.update(func(book *ledger.Ledger) []ledger.Report {
		book.Forget(name, uid)
		return nil
	})
}

// setRanges books the ClusterCIDRConfigs and the ranges of Services.
func (l *leader) setRanges(configs []allocator.Config, reserved []netip.Prefix) error {
	var err error
	l.update(func(book *ledger.Ledger) []ledger.Report {
		book.SetReserved(reserved)
		err = book.SetConfigs(configs)
		return nil
	})
	return err
}

// update changes the book, tells what came of it, and has nodes served that can be served now.
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

func (l *leader) pendingNodes() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.book.Pending()
}

// emitEvents makes Events of reports.
func (l *leader) emitEvents(reports []ledger.Report) {
	for _, r := range reports {
		l.metrics.failures.WithLabelValues(string(r.Reason)).Inc()
		l.log.Warn(r.Message, "node", r.Node, "reason", r.Reason)
		node := &corev1.Node{}
		node.Name, node.UID = r.Node, r.UID
		l.recorder.Eventf(node, nil, corev1.EventTypeWarning, string(r.Reason), "AssignPodCIDRs", "%s", short(r.Message))
	}
}

// short keeps a message within what an Event takes.
func short(message string) string {
	const most = 1000 // bytes, of 1024
	if len(message) <= most {
		return message
	}
	return message[:most] + "..."
}
