package controller

import (
	"net/http"
	"sync/atomic"
)

// health answers probes.
type health struct {
	// starting is true while a new leader books what nodes hold.
	starting atomic.Bool
}

// live says that the process serves.
func (h *health) live(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }

// ready says that the instance leads, or is ready to.
func (h *health) ready(w http.ResponseWriter, _ *http.Request) {
	if h.starting.Load() {
		http.Error(w, "reading the Nodes", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusOK)
}
