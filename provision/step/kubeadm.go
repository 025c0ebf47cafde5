package step

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/kube"
	"github.com/dualstrap/dualstrap/provision/session"
	"github.com/dualstrap/dualstrap/provision/workflow"
	"github.com/dualstrap/dualstrap/render"
)

// PlanNode makes a host a node with kubeadm init or kubeadm join, as verb says, unless it is one already.
func PlanNode(s *session.Session, summary, verb string, files func() (HostFiles, error)) workflow.PlanFunc {
	return func(ctx context.Context, host remote.Reader) ([]workflow.Action, error) {
		state, err := session.ReadJoinState(ctx, host)
		if err != nil || state.Joined {
			return nil, err
		}
		return []workflow.Action{{Summary: summary, Do: func(ctx context.Context, host remote.Host) error {
			all, err := files()
			if err != nil {
				return err
			}
			if err := cleanUpFailedJoin(ctx, s, host, state); err != nil {
				return err
			}
			if verb == "join" {
				if err := setInitialCapacity(ctx, s, host.Address()); err != nil {
					return err
				}
			}
			return kubeadm(ctx, s, host, verb, all[host.Address()])
		}}}, nil
	}
}

// setInitialCapacity writes the capacity of a host that is about to join to the status of its Node. The Node exists
// already, because create applies it with its pod ranges, and the kubelet admits static pods by the capacity in it.
func setInitialCapacity(ctx context.Context, s *session.Session, address netip.Addr) error {
	client, err := s.API.Client(ctx)
	if err != nil {
		return err
	}
	host := s.Host(address)
	return client.SetInitialCapacity(ctx, host.NodeFacts().Name, kube.Capacity{
		CPUs: host.Facts.CPUs, Memory: host.Facts.Memory, Pods: s.Config.MaxPodsPerNode,
	})
}

// kubeadm makes a host a node with kubeadm init or kubeadm join, as verb says, and writes the marker when it has finished.
// files are all files of the host; kubeadm writes those that only joining hosts get.
func kubeadm(ctx context.Context, s *session.Session, host remote.Host, verb string, files render.HostFiles) error {
	joining := slices.DeleteFunc(slices.Clone(files.Files), func(file render.File) bool { return !isForJoining(file.Path) })
	if _, err := host.WriteFiles(ctx, remoteFiles(joining)); err != nil {
		return err
	}
	// The scripts remove kubeadm's configuration when they end, because it holds secrets.
	args := remote.Args{"config": render.KubeadmConfig, "etcd": ""}
	if s.Host(host.Address()).ControlPlane {
		args["etcd"] = etcdData
	}
	if err := run(ctx, host, "kubeadm "+verb, verb, args); err != nil {
		return explain(ctx, host, verb, err)
	}
	if _, err := host.WriteFiles(ctx, []remote.File{{Path: session.JoinedPath, Mode: 0o644, Content: []byte(joinedMarker)}}); err != nil {
		return err
	}
	s.API.MarkJoined(host.Address())
	return nil
}

// remoteFiles converts rendered files to the type of package remote.
func remoteFiles(files []render.File) []remote.File {
	var to []remote.File
	for _, file := range files {
		to = append(to, remote.File{Path: file.Path, Mode: file.Mode, Content: file.Content})
	}
	return to
}

// joinedMarker is the content of session.JoinedPath. It is for administrators; dualstrap only checks that the file exists.
const joinedMarker = "kubeadm has finished on this host: it is a node.\n"

// cleanUpFailedJoin reverts an init or a join that did not finish: kubeadm cannot continue from a partially joined node. It
// does nothing if state has no leftovers.
func cleanUpFailedJoin(ctx context.Context, s *session.Session, host remote.Host, state session.JoinState) error {
	if state.Partial == "" {
		return nil
	}
	lock, err := script("stop the kubeadm of an earlier run", "kubeadm_lock", nil)
	if err != nil {
		return err
	}
	if _, err := host.Run(ctx, lock); err != nil {
		return err
	}
	// This must precede kubeadm reset, while the host's etcd still runs: an etcd of two members needs both for the quorum
	// that removes one.
	if s.Host(host.Address()).ControlPlane {
		if err := removeEtcdMember(ctx, s, host.Address()); err != nil {
			return fmt.Errorf("cannot take the host out of etcd, where an earlier try has made it a member: %w", err)
		}
	}
	if err := run(ctx, host, "clean up a failed join", "kubeadm_reset", remote.Args{"socket": render.CRISocket}); err != nil {
		return err
	}
	if err := RemoveVIP(ctx, s, host); err != nil {
		return err
	}
	client, err := s.API.Client(ctx)
	if errors.Is(err, session.ErrNoCluster) {
		return nil
	}
	if err != nil {
		return err
	}
	// kubeadm refuses to join a host as long as a ready Node has its name.
	return client.MarkUnready(ctx, s.Host(host.Address()).NodeFacts().Name)
}
