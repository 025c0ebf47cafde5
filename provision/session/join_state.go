package session

import (
	"context"
	"embed"

	"github.com/dualstrap/dualstrap/hostprep/remote"
)

//go:embed scripts/*.sh
var scripts embed.FS

// JoinedPath is the marker that is written when kubeadm has finished. A host without it is not a node, whatever else
// exists there. The join_state and remove_join_marker scripts use the same path.
const JoinedPath = "/etc/dualstrap/joined"

// JoinState describes how far a host has come in becoming a node.
type JoinState struct {
	// Joined reports whether kubeadm has finished. The other fields are not set then.
	Joined bool
	// Balances reports whether the host carries the control plane's VIP with a standalone kubelet.
	Balances bool
	// Partial is the path of something that an unfinished init or join has left, or a description of a kubeadm that still
	// runs; empty if there is nothing.
	Partial string
}

// ReadJoinState reads the join state of a host. If a kubeadm still runs there, it waits for 30 seconds at most, and for two
// minutes on a node, where the lock is not held for a join.
func ReadJoinState(ctx context.Context, host remote.Reader) (JoinState, error) {
	s, err := remote.EmbeddedScript(scripts, "read the join state", nil, "join_state")
	if err != nil {
		return JoinState{}, err
	}
	answer, err := host.Probe(ctx, s)
	if err != nil {
		return JoinState{}, err
	}
	_, joined := answer.Values["joined"]
	_, balances := answer.Values["balances"]
	return JoinState{Joined: joined, Balances: balances, Partial: answer.Text("partial")}, nil
}
