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
	// stuckAfter is how long a round may be out before the agent counts as dead. There is one every
	// [resync], with or without an API server.
	stuckAfter = 2 * time.Minute
	// serveTimeout bounds how long a client may take to ask, and how long open answers hold up the end.
	serveTimeout = 5 * time.Second
)

// health tells others how the agent does.
type health struct {
	registry *prometheus.Registry
	rounds   prometheus.Histogram
	changes  *prometheus.CounterVec
	failing  *prometheus.GaugeVec

	mu     sync.Mutex
	last   time.Time // of the last round
	faults []string  // of the last round
}

func newHealth() *health {
	h := &health{
		registry: prometheus.NewRegistry(),
		rounds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "dualstrap_agent_round_seconds", Help: "How long it takes to compare what is wanted with what there is, and to put it right.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 8),
		}),
		changes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dualstrap_agent_changes_total", Help: "Changes made to the node, by part of the pod network.",
		}, []string{"part"}),
		failing: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "dualstrap_agent_failing", Help: "1 for parts of the pod network that the last round could not put right.",
		}, []string{"part"}),
		last:   time.Now(),
		faults: []string{"no round has ended yet"},
	}
	h.registry.MustRegister(h.rounds, h.changes, h.failing, newDrops())
	return h
}

// waiting records that there is nothing to go by yet.
func (h *health) waiting(why string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last, h.faults = time.Now(), []string{why}
}

// record takes note of a round, and reports whether all of it went well.
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

// alive fails when rounds have stopped.
func (h *health) alive() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if age := time.Since(h.last); age > stuckAfter {
		return []string{fmt.Sprintf("the last round was %s ago", age.Round(time.Second))}
	}
	return nil
}

// ready fails while the node's part of the pod network is not in place.
func (h *health) ready() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.faults)
}

// serve answers until the context ends.
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
	server := &http.Server{Handler: mux, ReadHeaderTimeout: serveTimeout}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // what is asked then gets no answer
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("cannot serve health on %s: %w", address, err)
	}
	return nil
}

// answer says ok, or what is wrong, a line each.
func answer(faults func() []string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if wrong := faults(); len(wrong) > 0 {
			http.Error(w, strings.Join(wrong, "\n"), http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprintln(w, "ok") // the client may be gone
	})
}
