package cni_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/render/cni"
)

func TestConfListErrors(t *testing.T) {
	t.Parallel()
	pair := cni.PodCIDRs{V4: netip.MustParsePrefix("192.168.1.0/24"), V6: netip.MustParsePrefix("fd12::1:100/120")}
	for name, wrong := range map[string]cni.PodCIDRs{
		"nothing": {}, "IPv4 only": {V4: pair.V4}, "IPv6 only": {V6: pair.V6}, "exchanged": {V4: pair.V6, V6: pair.V4},
		"two IPv4": {V4: pair.V4, V6: pair.V4},
	} {
		if out, err := cni.ConfList(wrong, 0); err == nil {
			t.Errorf("%s: no error, but %s", name, out)
		}
	}
	out, err := cni.ConfList(pair, 0)
	if err != nil || strings.Contains(string(out), "mtu") {
		t.Errorf("an unknown MTU must be left out: %s, %v", out, err)
	}
}
