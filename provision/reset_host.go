package provision

import (
	"context"
	"errors"
	"strings"

	"github.com/dualstrap/dualstrap/hostprep"
	"github.com/dualstrap/dualstrap/hostprep/change"
	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/workflow"
	"github.com/dualstrap/dualstrap/render"
)

// foreignTables are the nftables tables of a node that are not the agent's: kube-proxy's and the portmap
// plugin's.
func foreignTables() []string {
	return []string{"ip kube-proxy", "ip6 kube-proxy", "inet cni_hostport"}
}

// planReset takes back what was done on a host, if anything was. What says whose the host is goes last, so
// that a run that is cut off leaves a host that the next one knows.
func (r *resetRun) planReset(ctx context.Context, host remote.Reader) ([]workflow.Action, error) {
	traces, err := change.ReadUndoState(ctx, host)
	switch whose := r.index[host.Address()].OwnedBy(&r.cluster); {
	case err != nil, !traces.Any && whose == hostprep.Fresh:
		return nil, err
	case !traces.Any:
		return nil, errNoRecord
	}
	force := ""
	if r.options.Force {
		force = "force"
	}
	const ending = "end all pods and remove their network"
	end := workflow.Action{Summary: ending, Do: func(ctx context.Context, host remote.Host) error {
		if err := run(ctx, host, ending, "stop_pods", strings.Join(foreignTables(), ","), force); err != nil {
			return err
		}
		return r.removeVIP(ctx, host)
	}}
	back := workflow.Action{
		Summary: "go back to what there was",
		Do: func(ctx context.Context, host remote.Host) error {
			if err := run(ctx, host, "remove the join marker", "remove_join_marker", render.EncryptionConfig); err != nil {
				return err
			}
			return change.Undo(ctx, host, render.ClusterFile)
		},
	}
	for _, line := range traces.Record.UndoSummary() {
		back.Changes = append(back.Changes, workflow.Change{Summary: line})
	}
	return []workflow.Action{
		action("stop the kubelet", "stop_kubelet"),
		end,
		back,
	}, nil
}

// errNoRecord is a host on which nothing says what there was.
var errNoRecord = errors.New("the host was prepared for this cluster, and its record of what there was before is gone from " +
	"/var/lib/dualstrap: install the host anew")

// action runs one of the package's scripts.
func action(summary, file string, args ...string) workflow.Action {
	return workflow.Action{Summary: summary, Do: func(ctx context.Context, host remote.Host) error {
		return run(ctx, host, summary, file, args...)
	}}
}
