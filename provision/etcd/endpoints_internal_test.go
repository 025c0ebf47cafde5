package etcd

import (
	"net/netip"
	"slices"
	"testing"
)

func TestEndpointsOf(t *testing.T) {
	t.Parallel()
	got := endpointsOf([]string{
		"https://10.2.0.4:2379", "https://[fd12::2:4]:2379", // what kubeadm writes
		"http://10.2.0.4:2379", "https://metadata.example:443", "https://10.2.0.4",
		"https://a@10.2.0.4:1", "https://10.2.0.4:2379/x", "unix:///run/x", "",
	})
	want := []netip.AddrPort{netip.MustParseAddrPort("10.2.0.4:2379"), netip.MustParseAddrPort("[fd12::2:4]:2379")}
	if !slices.Equal(got, want) {
		t.Errorf("they are %v, want %v", got, want)
	}
}
