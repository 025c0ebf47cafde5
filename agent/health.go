package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const (
	// stuckAfter is the time without a finished round after which the agent reports itself as dead. A round runs at
	// least every [resync], with or without an API server.
	stuckAfter = 2 * time.Minute
	// serveTimeout is the time that a client has to send the headers of a request.
	serveTimeout = 5 * time.Second
)

// health serves the agent's state: liveness, readiness and metrics. Its methods are safe for concurrent use.
type health struct {
	// registry is private, so that metrics of libraries with global state do not appear.
	registry *prometheus.Registry
	// rounds has the durations of rounds. changes and failing are labelled by part.
	rounds  prometheus.Histogram
	changes *prometheus.CounterVec
	failing *prometheus.GaugeVec

	// mu guards the fields below.
	mu     sync.Mutex
	last   time.Time // end of the last round
	faults []string  // failures of the last round, empty if it succeeded
}

// newHealth returns a health that is alive, but not ready before the first round has ended.
func newHealth() *health {
	h := &health{
		registry: prometheus.NewRegistry(),
		rounds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "dualstrap_agent_round_seconds", Help: "Duration of rounds, which compare the actual with the desired state and correct it.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 8),
		}),
		changes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dualstrap_agent_changes_total", Help: "Changes made to the node, by part of the pod network.",
		}, []string{"part"}),
		// A gauge keeps its last value, so each round sets it for every part that it ran.
		failing: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "dualstrap_agent_failing", Help: "1 for parts of the pod network that the last round could not correct.",
		}, []string{"part"}),
		last:   time.Now(),
		faults: []string{"no round has ended yet"},
	}
	h.registry.MustRegister(h.rounds, h.changes, h.failing, newDrops())
	return h
}

// waiting records that a round cannot run yet, and why.
func (h *health) waiting(why string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last, h.faults = time.Now(), []string{why}
}

// record records the outcomes and the duration of a round, and reports whether all parts succeeded.
func (h *health) record(outcomes []outcome, took time.Duration) bool {
	h.rounds.Observe(took.Seconds())
	var faults []string
	for _, o := range outcomes {
		h.changes.WithLabelValues(o.part).Add(float64(o.changed))
		if o.err == nil {
			h.failing.WithLabelValues(o.part).Set(0)
			continue
		}
		h.failing.WithLabelValues(o.part).Set(1)
		faults = append(faults, o.part+": "+o.err.Error())
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last, h.faults = time.Now(), faults
	return len(faults) == 0
}

// alive returns a fault if rounds have stopped.
func (h *health) alive() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if age := time.Since(h.last); age > stuckAfter {
		return []string{fmt.Sprintf("the last round was %s ago", age.Round(time.Second))}
	}
	return nil
}

// ready returns the faults because of which the node's part of the pod network is not in place.
func (h *health) ready() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.faults)
}

// serve serves the endpoints until the context ends, and then returns nil.
func (h *health) serve(ctx context.Context, address string) error {
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", answer(h.alive))
	mux.Handle("GET /readyz", answer(h.ready))
	mux.Handle("GET /metrics", promhttp.HandlerFor(h.registry, promhttp.HandlerOpts{}))
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("cannot serve health on %s: %w", address, err)
	}
	// Without a timeout, stalled clients would hold connections open forever.
	server := &http.Server{Handler: mux, ReadHeaderTimeout: serveTimeout}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // pending requests get no answer
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("cannot serve health on %s: %w", address, err)
	}
	return nil
}

// answer returns a handler that responds with "ok", or with status 503 and one fault per line.
func answer(faults func() []string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if wrong := faults(); len(wrong) > 0 {
			http.Error(w, strings.Join(wrong, "\n"), http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprintln(w, "ok") // the client may be gone
	})
}
