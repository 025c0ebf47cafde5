package step

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/dualstrap/dualstrap/hostprep/change"
	"github.com/dualstrap/dualstrap/hostprep/check"
	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/session"
	"github.com/dualstrap/dualstrap/provision/workflow"
	"github.com/dualstrap/dualstrap/render"
)

// PreparePhaseName is the name of the phase that brings hosts to the state a node needs.
const PreparePhaseName = "prepare"

// PreparePhase returns the phase that prepares hosts, joined ones included.
func PreparePhase(s *session.Session, rendered func() (HostFiles, error)) workflow.Phase {
	return workflow.Phase{
		Name:  PreparePhaseName,
		Short: "bring every host to the state a node needs",
		Plan: func(ctx context.Context, host remote.Reader) ([]workflow.Action, error) {
			files, err := rendered()
			if err != nil {
				return nil, err
			}
			desired, err := desiredState(s, files[host.Address()], s.Host(host.Address()))
			if err != nil {
				return nil, err
			}
			return planPreparation(ctx, host, desired)
		},
	}
}

// planPreparation compares a host with its desired state. All changes are one action, because package change needs few
// round trips for all of them.
func planPreparation(ctx context.Context, host remote.Reader, desired change.Desired) ([]workflow.Action, error) {
	state, err := change.Survey(ctx, host, desired)
	if err != nil {
		return nil, err
	}
	actions := change.Plan(state, desired)
	if len(actions) == 0 {
		return nil, nil
	}
	prepare := workflow.Action{
		Summary: "prepare the host",
		Do: func(ctx context.Context, host remote.Host) error {
			return change.Apply(ctx, host, actions, workflow.StepReporter(ctx))
		},
	}
	// Dry runs and reports list the changes one by one.
	for _, action := range actions {
		prepare.Changes = append(prepare.Changes, workflow.Change{Summary: action.Summary, Diff: action.Diff})
	}
	return []workflow.Action{prepare}, nil
}

// isForJoining reports whether a file is written only when the host joins the cluster or initializes it. kubeadm's
// configuration holds secrets that do not exist before.
func isForJoining(file string) bool {
	return isStaticPod(file) || strings.HasPrefix(file, path.Dir(render.KubeadmConfig)+"/")
}

// isStaticPod reports whether a file is the manifest of a static pod. Only nodes get it: on another host, kubeadm's
// preflight would take it for a leftover and fail.
func isStaticPod(file string) bool { return path.Dir(file) == render.StaticPods }

// desiredState returns the desired state of a host: that of a host that is about to join, or of a node if it has joined.
func desiredState(s *session.Session, files render.HostFiles, host *check.Host) (change.Desired, error) {
	desired := change.Desired{
		Firewalld: files.Firewalld,
		Units:     []change.Unit{{Name: containerdUnit, Start: true}, {Name: kubeletUnit}},
		Baseline:  baseline(host),
		Family:    host.Facts.PackageFamily(),
	}
	for _, program := range host.Programs(&s.Cluster) {
		desired.Programs = append(desired.Programs, change.Program{Name: program.Name, Package: desired.Family.Package(program.Name)})
	}
	for _, file := range files.Files {
		isForNow := !isForJoining(file.Path) || host.Facts.Membership.Joined && isStaticPod(file.Path)
		if !strings.HasPrefix(file.Path, "/") || !isForNow { // a relative path is not a file on the host
			continue
		}
		// The placeholder would be written literally.
		if bytes.Contains(file.Content, []byte(render.KnownAfterInit)) {
			return change.Desired{}, fmt.Errorf("cannot prepare the host: %s holds what is known only after init", file.Path)
		}
		// A file that only root can read holds a secret, and its diff is not shown.
		desired.Files = append(desired.Files, change.File{
			Path: file.Path, Mode: file.Mode, Content: file.Content, Secret: file.Mode.Perm()&0o044 == 0, Restarts: restartedBy(file.Path),
		})
		// The files take effect at the next boot. Their settings are part of the desired state so that they apply now, too.
		switch {
		case strings.HasPrefix(file.Path, "/etc/sysctl.d/"):
			sysctls, err := sysctlsOf(host, file)
			if err != nil {
				return change.Desired{}, err
			}
			desired.Sysctls = append(desired.Sysctls, sysctls...)
		case strings.HasPrefix(file.Path, "/etc/modules-load.d/"):
			desired.Modules = append(desired.Modules, change.ParseModules(file.Content)...)
		}
	}
	if s.Options.Bundle == nil {
		return desired, nil
	}
	return desired, addBundle(&desired, s.Options.Bundle, files.Role)
}

// The services of the bundle's programs.
const (
	containerdUnit = "containerd.service"
	kubeletUnit    = "kubelet.service"
	unitDir        = "/etc/systemd/system/"
)

// restartedBy returns the units that must restart when a file changes: those that read it only when they start.
func restartedBy(path string) []string {
	switch {
	case path == "/etc/containerd/config.toml", strings.HasPrefix(path, unitDir+containerdUnit):
		return []string{containerdUnit}
	case strings.HasPrefix(path, unitDir+kubeletUnit): // its drop-ins, too
		return []string{kubeletUnit}
	}
	return nil
}
