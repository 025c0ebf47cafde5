package lab_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/lab"
)

func defaults() lab.Spec {
	return lab.Spec{Name: "lab", ControlPlanes: 1, Workers: 2, RHELLike: 1}
}

func TestDefaultHostsAreThoseOfTheDocumentation(t *testing.T) {
	t.Parallel()
	want := []string{
		"lab-cp-1 control-plane 10.2.0.4 fd12::2:4 debian",
		"lab-worker-1 worker 10.2.0.5 fd12::2:5 rhel",
		"lab-worker-2 worker 10.2.0.6 fd12::2:6 debian",
		"client client 10.2.0.100 fd12::3:1 debian",
	}
	var got []string
	for _, h := range defaults().Hosts() {
		got = append(got, strings.Join([]string{h.Name, string(h.Role), h.IPv4.String(), h.IPv6.String(), string(h.OS)}, " "))
	}
	if !slices.Equal(got, want) {
		t.Errorf("hosts:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// largest returns the spec with the maximum number of hosts.
func largest() lab.Spec {
	return lab.Spec{Name: "lab", ControlPlanes: 9, Workers: 95, LoadBalancers: 9, RHELLike: 1}
}

func TestNoAddressIsUsedTwice(t *testing.T) {
	t.Parallel()
	users := map[string]string{"10.2.0.175": "the VIP", "10.2.0.0": "the range", "10.2.0.255": "broadcast"}
	for _, prefix := range lab.Segment() {
		users[prefix.Addr().String()] = "this machine"
	}
	for pool := netip.MustParseAddr("10.2.0.212"); pool != netip.MustParseAddr("10.2.0.222"); pool = pool.Next() {
		users[pool.String()] = "the pool"
	}
	segment := lab.Segment()
	elsewhere := []netip.Prefix{ // the ranges of pods, Services and VIPs
		netip.MustParsePrefix("fd12::1:0/112"), netip.MustParsePrefix("fd12::5:0/116"), netip.MustParsePrefix("fd12::4:0/112"),
	}
	for _, host := range largest().Hosts() {
		for i, address := range []netip.Addr{host.IPv4, host.IPv6} {
			if other, used := users[address.String()]; used {
				t.Errorf("%s has the address %s of %s", host.Name, address, other)
			}
			users[address.String()] = host.Name
			if !segment[i].Contains(address) {
				t.Errorf("%s is not in %s", address, segment[i])
			}
			for _, prefix := range elsewhere {
				if prefix.Contains(address) {
					t.Errorf("%s is in %s", address, prefix)
				}
			}
		}
		for _, unique := range []string{host.MAC, host.Name} {
			if other, used := users[unique]; used {
				t.Errorf("%s and %s share %s", host.Name, other, unique)
			}
			users[unique] = host.Name
		}
	}
}

func TestOtherNumbersRenumberNoHost(t *testing.T) {
	t.Parallel()
	first := map[string]lab.Host{}
	for _, host := range largest().Hosts() {
		first[host.Name] = host
	}
	for _, spec := range []lab.Spec{
		{Name: "lab", ControlPlanes: 1},
		{Name: "lab", ControlPlanes: 3, Workers: 7, LoadBalancers: 2},
		{Name: "lab", ControlPlanes: 5, Workers: 1},
	} {
		for _, host := range spec.Hosts() {
			want := first[host.Name]
			want.OS = host.OS
			if host != want {
				t.Errorf("%+v: %+v, in a larger lab %+v", spec, host, want)
			}
		}
	}
}

func TestAnotherLabHasOtherMACs(t *testing.T) {
	t.Parallel()
	other := defaults()
	other.Name = "other"
	for i, host := range defaults().Hosts() {
		if mac := other.Hosts()[i].MAC; mac == host.MAC {
			t.Errorf("%s and its like in another lab share %s", host.Name, mac)
		}
	}
}

func TestRHELLikeHosts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		spec lab.Spec
		want []string
	}{
		{lab.Spec{Name: "l", ControlPlanes: 1, Workers: 2}, nil},
		{lab.Spec{Name: "l", ControlPlanes: 1, Workers: 2, RHELLike: 2}, []string{"l-worker-1", "l-worker-2"}},
		{
			lab.Spec{Name: "l", ControlPlanes: 3, Workers: 1, LoadBalancers: 1, RHELLike: 4},
			[]string{"l-cp-1", "l-cp-2", "l-lb-1", "l-worker-1"},
		},
	} {
		var got []string
		for _, host := range test.spec.Hosts() {
			if host.OS == lab.RHEL {
				got = append(got, host.Name)
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%+v: %v, want %v", test.spec, got, test.want)
		}
	}
}

// TestHostileLabs tries invalid labs, and names that are not host names or contain a path.
func TestHostileLabs(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		change func(*lab.Spec)
		want   string
	}{
		{func(s *lab.Spec) { s.Name = "" }, "cannot be the name of a lab"},
		{func(s *lab.Spec) { s.Name = "Lab" }, "cannot be the name of a lab"},
		{func(s *lab.Spec) { s.Name = "-lab" }, "cannot be the name of a lab"},
		{func(s *lab.Spec) { s.Name = "../lab" }, "cannot be the name of a lab"},
		{func(s *lab.Spec) { s.Name = strings.Repeat("l", 51) }, "50 at most"},
		{func(s *lab.Spec) { s.ControlPlanes = 0 }, "0 control planes"},
		{func(s *lab.Spec) { s.ControlPlanes = 2 }, "2 control planes: etcd needs a majority"},
		{func(s *lab.Spec) { s.ControlPlanes = 11 }, "11 control planes"},
		{func(s *lab.Spec) { s.Workers = -1 }, "-1 workers"},
		{func(s *lab.Spec) { s.Workers = 96 }, "96 workers"},
		{func(s *lab.Spec) { s.LoadBalancers = 10 }, "10 load balancers"},
		{func(s *lab.Spec) { s.RHELLike = 3 }, "3 of 3 nodes like RHEL: ask for 0 to 2"},
		{func(s *lab.Spec) { s.RHELLike = -1 }, "-1 of 3"},
	} {
		spec := defaults()
		test.change(&spec)
		t.Run(fmt.Sprintf("%+v", spec), func(t *testing.T) {
			t.Parallel()
			if err := spec.Check(); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
}

func TestGoodSpecs(t *testing.T) {
	t.Parallel()
	for _, good := range []lab.Spec{defaults(), largest()} {
		if err := good.Check(); err != nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
}
