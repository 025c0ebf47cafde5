package reset

import (
	"context"
	"errors"
	"strings"

	"github.com/dualstrap/dualstrap/hostprep/change"
	"github.com/dualstrap/dualstrap/hostprep/check"
	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/step"
	"github.com/dualstrap/dualstrap/provision/workflow"
	"github.com/dualstrap/dualstrap/render"
)

// foreignTables returns the nftables tables of a node that the agent does not own: those of kube-proxy and of the portmap
// plugin.
func foreignTables() []string {
	return []string{"ip kube-proxy", "ip6 kube-proxy", "inet cni_hostport"}
}

// planReset plans to revert everything that dualstrap did on a host. The files that identify the host's cluster go last, so
// that the next run recognizes a host on which this run was interrupted. There is nothing to do on a host without traces.
func (r *run) planReset(ctx context.Context, host remote.Reader) ([]workflow.Action, error) {
	traces, err := change.ReadUndoState(ctx, host)
	switch owner := r.s.Host(host.Address()).OwnedBy(&r.s.Cluster); {
	case err != nil, !traces.Any && owner == check.Fresh:
		return nil, err
	case !traces.Any: // the host is prepared, and cannot be restored without a record
		return nil, errNoRecord
	}
	args := remote.Args{"tables": strings.Join(foreignTables(), ","), "force": ""}
	if r.options.Force {
		args["force"] = "yes"
	}
	// The summary of the action also describes the script in logs.
	const ending = "end all pods and remove their network"
	end := workflow.Action{Summary: ending, Do: func(ctx context.Context, host remote.Host) error {
		if err := runScript(ctx, host, ending, "stop_pods", args); err != nil {
			return err
		}
		return step.RemoveVIP(ctx, r.s, host)
	}}
	restore := workflow.Action{
		Summary: "restore the previous state",
		Do: func(ctx context.Context, host remote.Host) error {
			// The record does not list these files: kubeadm's phases write them, not the preparation.
			keys := remote.Args{"keys": render.EncryptionConfig}
			if err := runScript(ctx, host, "remove the join marker", "remove_join_marker", keys); err != nil {
				return err
			}
			return change.Undo(ctx, host, r.s.Host(host.Address()).Facts.PackageFamily(), render.ClusterFile)
		},
	}
	for _, line := range traces.Record.UndoSummary() {
		restore.Changes = append(restore.Changes, workflow.Change{Summary: line})
	}
	// The kubelet stops first, because it would start the pods again. Pods end before files are restored: their programs
	// and configuration are among them.
	return []workflow.Action{
		action("stop the kubelet", "stop_kubelet"),
		end,
		restore,
	}, nil
}

// errNoRecord reports a host that was prepared, but whose record of the previous state is missing.
var errNoRecord = errors.New("the host was prepared for this cluster, and its record of the previous state is gone from " +
	"/var/lib/dualstrap: reinstall the host")

// action returns an action that runs one of the package's scripts.
func action(summary, file string) workflow.Action {
	return workflow.Action{Summary: summary, Do: func(ctx context.Context, host remote.Host) error {
		return runScript(ctx, host, summary, file, nil)
	}}
}
