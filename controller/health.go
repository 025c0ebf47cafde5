package controller

import (
	"net/http"
	"sync/atomic"
)

// health serves the probes of the controller's pod.
type health struct {
	// starting is true while a new leader records what nodes hold.
	starting atomic.Bool
}

// live reports that the process serves requests.
func (h *health) live(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }

// ready reports whether the instance is a standby or a leader that has recorded what nodes hold.
func (h *health) ready(w http.ResponseWriter, _ *http.Request) {
	if h.starting.Load() {
		// A leader that does not know yet what nodes hold must not count as ready in a rollout of the Deployment.
		http.Error(w, "reading the Nodes", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusOK)
}
