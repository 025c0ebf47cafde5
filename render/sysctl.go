package render

// sysctlData fills sysctl.conf and is the same for hosts with the same answers.
type sysctlData struct {
	// Interface is the uplink's name, or a placeholder; InterfacePrefix comments its lines out then.
	// Its keys are written with slashes, because the name of an interface may hold dots.
	Interface, InterfacePrefix string
	AcceptRA                   bool
	// ProxyNeighbours is set when the node agent answers for pods.
	ProxyNeighbours bool
	FlatIPv4        bool
	// NonlocalBind lets HAProxy listen on the VIP where it is not held.
	NonlocalBind bool
}

// LimitsFile has the settings of the kernel of which a host may have more than a node needs.
const LimitsFile = "/etc/sysctl.d/10-dualstrap-limits.conf"

// neighbourLimits are how many neighbours the kernel keeps without a look at them, from how many on it
// forgets those that were not used for five seconds, and how many there can be.
type neighbourLimits struct{ Kept, Soft, Most int }

// newNeighbourLimits leaves room for twice as many neighbours as a node has when it speaks to all others
// and to all its pods. A power of two, so that a cluster that grows does not change its hosts each time; the
// others are as far from it as the kernel's own.
func newNeighbourLimits(nodes, podsPerNode int) neighbourLimits {
	const least, soft, most = 1024, 4, 8
	kept := least
	for kept < 2*(nodes+podsPerNode) {
		kept *= 2
	}
	return neighbourLimits{Kept: kept, Soft: soft * kept, Most: most * kept}
}

// sysctlFiles are the kernel's settings and modules.
func (r *hostRenderer) sysctlFiles(h *host) ([]File, error) {
	data := sysctlData{
		Interface:       h.interfaceName(),
		AcceptRA:        h.facts.AcceptsRouterAdvertisements,
		ProxyNeighbours: r.cfg.Network.Builtin,
		FlatIPv4:        r.cfg.Network.FlatIPv4,
		NonlocalBind:    r.cfg.BalancesControlPlane(h.pool.Role),
	}
	if data.Interface == KnownAfterProbe {
		data.InterfacePrefix = "# "
	}
	sysctl, err := sharedFile(r, "sysctl.conf", "/etc/sysctl.d/90-dualstrap.conf", data)
	if err != nil {
		return nil, err
	}
	limits, err := sharedFile(r, "limits.conf", LimitsFile, newNeighbourLimits(len(r.hosts), r.cfg.MaxPodsPerNode))
	if err != nil {
		return nil, err
	}
	modules, err := sharedFile(r, "modules.conf", "/etc/modules-load.d/dualstrap.conf", noData{})
	return []File{sysctl, limits, modules}, err
}
