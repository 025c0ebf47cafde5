package step

import (
	"net/netip"
	"sync"

	"github.com/dualstrap/dualstrap/provision/session"
	"github.com/dualstrap/dualstrap/render"
)

// RenderOnce returns a function that renders the files of all hosts before they join. The files are rendered in the first
// call, when the facts of the hosts are known.
func RenderOnce(s *session.Session) func() (HostFiles, error) {
	return sync.OnceValues(func() (HostFiles, error) { return RenderHosts(s, render.Discovered{}) })
}

// renderInput returns the input for all rendering: the configuration, the plan, discovered, and the facts of the hosts that
// answered.
func renderInput(s *session.Session, discovered render.Discovered) render.Input {
	in := render.Input{Config: s.Config, Plan: s.Plan, Version: s.Options.Version, Discovered: discovered}
	in.Discovered.Hosts = map[netip.Addr]render.HostFacts{}
	for i := range s.Hosts {
		if s.Hosts[i].Err != nil { // without facts; its values stay placeholders
			continue
		}
		node := s.Hosts[i].NodeFacts()
		in.Discovered.Hosts[s.Hosts[i].Address] = render.HostFacts{
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

// HostFiles holds the rendered files of every host, by its address.
type HostFiles map[netip.Addr]render.HostFiles

// RenderHosts renders the files of every host. Fields of discovered that are not known yet become placeholders.
func RenderHosts(s *session.Session, discovered render.Discovered) (HostFiles, error) {
	mirrors, err := s.Mirrors()
	if err != nil {
		return nil, err
	}
	discovered.Mirrors = mirrors
	hosts, err := render.Hosts(renderInput(s, discovered))
	if err != nil {
		return nil, err
	}
	files := make(HostFiles, len(hosts))
	for _, host := range hosts {
		files[host.Address] = host
	}
	return files, nil
}
