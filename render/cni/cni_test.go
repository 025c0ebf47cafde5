package cni_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/internal/family"
	"github.com/dualstrap/dualstrap/render/cni"
)

func TestConfListErrors(t *testing.T) {
	t.Parallel()
	pair := family.Pair[netip.Prefix]{netip.MustParsePrefix("192.168.1.0/24"), netip.MustParsePrefix("fd12::1:100/120")}
	for name, wrong := range map[string]family.Pair[netip.Prefix]{
		"nothing": {}, "IPv4 only": {pair[0]}, "IPv6 only": {family.IPv6: pair[1]}, "exchanged": {pair[1], pair[0]},
		"two IPv4": {pair[0], pair[0]},
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
