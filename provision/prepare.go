package provision

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"path"
	"strings"
	"sync"

	"github.com/dualstrap/dualstrap/hostprep"
	"github.com/dualstrap/dualstrap/hostprep/change"
	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/workflow"
	"github.com/dualstrap/dualstrap/render"
)

// PreparePhase is the name of the phase that brings hosts to the state a node needs.
const PreparePhase = "prepare"

// renderOnce renders what hosts get before they join, when it is asked for the first time.
func (s *Session) renderOnce() func() (hostFiles, error) {
	return sync.OnceValues(func() (hostFiles, error) { return s.renderHosts(render.Discovered{}) })
}

func (s *Session) preparePhase(rendered func() (hostFiles, error)) workflow.Phase {
	return workflow.Phase{
		Name:  PreparePhase,
		Short: "bring every host to the state a node needs",
		Plan: func(ctx context.Context, host remote.Reader) ([]workflow.Action, error) {
			files, err := rendered()
			if err != nil {
				return nil, err
			}
			desired, err := s.desired(files[host.Address()], s.index[host.Address()])
			if err != nil {
				return nil, err
			}
			return planPreparation(ctx, host, desired)
		},
	}
}

// planPreparation compares a host with what it has to be. All changes are one action: together they
// take few round trips.
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
			_, err := change.Apply(ctx, host, actions)
			return err
		},
	}
	for _, action := range actions {
		prepare.Changes = append(prepare.Changes, workflow.Change{Summary: action.Summary, Diff: action.Diff})
	}
	return []workflow.Action{prepare}, nil
}

// renderInput is what everything is rendered from, with what the hosts have told.
func (s *Session) renderInput(later render.Discovered) render.Input {
	in := render.Input{Config: s.loaded.Config, Plan: s.loaded.Plan, Version: s.options.Version, Discovered: later}
	in.Discovered.Hosts = map[netip.Addr]render.HostFacts{}
	for i := range s.hosts {
		if s.hosts[i].Err != nil {
			continue
		}
		node := s.hosts[i].NodeFacts()
		in.Discovered.Hosts[s.hosts[i].Address] = render.HostFacts{
			NodeName:                    node.Name,
			IPv6:                        node.IPv6.Addr(),
			Interface:                   node.Interface,
			MTU:                         node.MTU,
			AcceptsRouterAdvertisements: node.AcceptsRouterAdvertisements,
			Container:                   node.Container,
			CgroupV1:                    node.CgroupV1,
			FirewalldZone:               node.FirewalldZone,
			Nameservers:                 node.Nameservers,
		}
	}
	return in
}

// hostFiles is what goes on every host.
type hostFiles map[netip.Addr]render.HostFiles

// renderHosts renders what goes on every host.
func (s *Session) renderHosts(later render.Discovered) (hostFiles, error) {
	mirrors, err := s.mirrors()
	if err != nil {
		return nil, err
	}
	later.Mirrors = mirrors
	hosts, err := render.Hosts(s.renderInput(later))
	if err != nil {
		return nil, err
	}
	files := make(hostFiles, len(hosts))
	for _, host := range hosts {
		files[host.Address] = host
	}
	return files, nil
}

// isForJoining reports whether a file is written when the host joins the cluster, or becomes its first
// node: kubeadm's configuration holds secrets that do not exist before.
func isForJoining(file string) bool {
	return isStaticPod(file) || strings.HasPrefix(file, path.Dir(render.KubeadmConfig)+"/")
}

// isStaticPod reports whether a file is a pod that the kubelet runs by itself. A node has to have it,
// and a host that is none must not: kubeadm would take it for something left behind.
func isStaticPod(file string) bool { return path.Dir(file) == render.StaticPods }

// desired is what a host has to be before it joins, or, when it has joined, as a node.
func (s *Session) desired(files render.HostFiles, host *hostprep.Host) (change.Desired, error) {
	desired := change.Desired{
		Firewalld: firewalldConfig(files.Firewalld),
		Units:     []change.Unit{{Name: containerdUnit, Start: true}, {Name: kubeletUnit}},
		Baseline:  baseline(host),
	}
	for _, program := range host.Programs(&s.cluster) {
		desired.Programs = append(desired.Programs, change.Program{Name: program.Name, Apt: program.Debian, Dnf: program.RPM})
	}
	for _, file := range files.Files {
		isForNow := !isForJoining(file.Path) || host.Facts.Membership.Joined && isStaticPod(file.Path)
		if !strings.HasPrefix(file.Path, "/") || !isForNow {
			continue
		}
		if bytes.Contains(file.Content, []byte(render.KnownAfterInit)) {
			return change.Desired{}, fmt.Errorf("cannot prepare the host: %s holds what is known only after init", file.Path)
		}
		desired.Files = append(desired.Files, change.File{
			Path: file.Path, Mode: file.Mode, Content: file.Content, Secret: file.Mode.Perm()&0o044 == 0, Restarts: restartedBy(file.Path),
		})
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
	if s.options.Bundle == nil {
		return desired, nil
	}
	return desired, addBundle(&desired, s.options.Bundle, files.Role)
}

// The services that the bundle's programs run as.
const (
	containerdUnit = "containerd.service"
	kubeletUnit    = "kubelet.service"
	unitDir        = "/etc/systemd/system/"
)

// restartedBy are the units that read a file when they start.
func restartedBy(path string) []string {
	switch {
	case path == "/etc/containerd/config.toml", strings.HasPrefix(path, unitDir+containerdUnit):
		return []string{containerdUnit}
	case strings.HasPrefix(path, unitDir+kubeletUnit): // its drop-ins, too
		return []string{kubeletUnit}
	}
	return nil
}
