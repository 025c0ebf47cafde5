package render

// sysctlData fills sysctl.conf. Hosts with equal values share the file.
type sysctlData struct {
	// Interface is the uplink's name, or a placeholder, in which case InterfacePrefix turns its lines into comments.
	// The template writes its keys with slashes, because an interface's name may contain dots.
	Interface, InterfacePrefix string
	// AcceptRA keeps router advertisements in effect on a host that forwards packets.
	AcceptRA bool
	// ProxyNeighbours is set if the node agent answers neighbour solicitations on behalf of pods.
	ProxyNeighbours bool
	// FlatIPv4 is set if the agent does so for IPv4 as well.
	FlatIPv4 bool
	// NonlocalBind lets HAProxy listen on the VIP on nodes that do not hold it.
	NonlocalBind bool
}

// LimitsFile is the path of the kernel settings that are minimums: a host that has a higher value keeps it.
const LimitsFile = "/etc/sysctl.d/10-dualstrap-limits.conf"

// neighbourLimits are thresholds of the kernel's neighbour table: up to Kept entries it does not collect garbage
// (gc_thresh1), above Soft it drops entries that were not used for five seconds (gc_thresh2), and Most is the maximum
// (gc_thresh3).
type neighbourLimits struct{ Kept, Soft, Most int }

// newNeighbourLimits returns limits for a node that communicates with all other nodes and all of its own pods, with
// room for twice as many neighbours. Kept is a power of two, so that adding a node rarely changes the files of all
// hosts. Soft and Most are in the same proportion to Kept as the kernel's defaults (128, 512, 1024), and Kept is at
// least the kernel's Most.
func newNeighbourLimits(nodes, podsPerNode int) neighbourLimits {
	const least, soft, most = 1024, 4, 8
	kept := least
	for kept < 2*(nodes+podsPerNode) {
		kept *= 2
	}
	return neighbourLimits{Kept: kept, Soft: soft * kept, Most: most * kept}
}

// sysctlFiles returns the files with kernel settings and kernel modules.
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
