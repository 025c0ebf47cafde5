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
	modules, err := sharedFile(r, "modules.conf", "/etc/modules-load.d/dualstrap.conf", noData{})
	return []File{sysctl, modules}, err
}
