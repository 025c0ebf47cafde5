package api

import (
	"go4.org/netipx"

	v1 "github.com/dualstrap/dualstrap/api/v1"
	"github.com/dualstrap/dualstrap/api/v1alpha1"
)

// buildLoadBalancer fills in the load balancer. It reads address pools in mode manual too, so that their mistakes
// are found in the same run.
func (c *checker) buildLoadBalancer() {
	wire := &c.cluster.Value.Spec.LoadBalancer
	vips := c.cluster.At("spec.loadBalancer.vips")
	lb := LoadBalancer{
		ControlPlaneVIP: c.addr(ruleVIP, vips, "controlPlaneVIP", wire.VIPs.ControlPlaneVIP),
		Port:            int(wire.Ports.ControlPlaneLBPort),
		IngressVIP:      c.addr(ruleVIP, vips, "ingressVIP", wire.VIPs.IngressVIP),
		GARPRepeat:      defaultGARPRepeat,
	}
	if wire.Mode == "bundled" {
		lb.ControlPlane, lb.Services = ControlPlaneKeepalived, ServicesLayer2
	}
	if own := c.cluster.Value.Spec.ControlPlane.LoadBalancer; own != nil {
		lb.ControlPlaneOnControlPlane = own.Mode == "bundled" && wire.NodePoolSpec != nil
		if n := own.KeepalivedVRRPGARPMasterRepeat; n != nil {
			lb.GARPRepeat = int(*n)
		}
	}
	pools := c.cluster.At("spec.loadBalancer.addressPools")
	for i := range wire.AddressPools {
		lb.Pools = append(lb.Pools, c.buildAddressPool(pools.item(i), &wire.AddressPools[i]))
	}
	c.config.LoadBalancer = lb
}

// buildAddressPool returns an address pool without the ranges that cannot be parsed.
func (c *checker) buildAddressPool(ref Ref, wire *v1.AddressPool) AddressPool {
	pool := AddressPool{Name: wire.Name, AvoidBuggyIPs: wire.AvoidBuggyIPs, ManualAssign: wire.ManualAssign, Ref: ref}
	addresses := ref.field("addresses")
	for i, s := range wire.Addresses {
		r, err := parseRange(s)
		if err != nil {
			c.keep(rulePoolRange, addresses.item(i), s, err)
			continue
		}
		pool.Addresses = append(pool.Addresses, r)
		c.addressRanges = append(c.addressRanges, placed[netipx.IPRange]{r, addresses.item(i)})
	}
	return pool
}

// buildCIDRConfig returns a ClusterCIDRConfig. An empty nodeSelector equals a missing one: the ranges are for all
// nodes.
func (c *checker) buildCIDRConfig(wire Object[v1alpha1.ClusterCIDRConfig]) CIDRConfig {
	spec := &wire.Value.Spec
	cc := CIDRConfig{Name: wire.Value.Name, Ref: wire.At("spec")}
	if spec.NodeSelector != nil {
		cc.MatchLabels = spec.NodeSelector.MatchLabels
	}
	cc.IPv4 = c.buildCIDRRange(cc.Ref.field("ipv4"), spec.IPv4, IPv4)
	cc.IPv6 = c.buildCIDRRange(cc.Ref.field("ipv6"), spec.IPv6, IPv6)
	return cc
}

// buildCIDRRange returns one family of a ClusterCIDRConfig. It does not check perNodeMaskSize; see
// CIDRRange.hostBits.
func (c *checker) buildCIDRRange(ref Ref, wire v1alpha1.CIDRRange, family Family) CIDRRange {
	r := CIDRRange{PerNodeMaskSize: int(wire.PerNodeMaskSize)}
	if wire.CIDR != "" {
		r.CIDR = c.cidr(ruleCIDRConfigRange, ref.field("cidr"), wire.CIDR, family)
	}
	return r
}

// hostBits returns the number of host bits in a node's block, or -1 when the range or the mask is not valid.
func (r CIDRRange) hostBits() int {
	if !r.CIDR.IsValid() || r.PerNodeMaskSize < r.CIDR.Bits() || r.PerNodeMaskSize > r.CIDR.Addr().BitLen() {
		return -1
	}
	return r.CIDR.Addr().BitLen() - r.PerNodeMaskSize
}
