package allocator_test

import (
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/allocator"
)

// TestHostileCIDRConfigs tries ClusterCIDRConfigs that leave no addresses to allocate, or are ambiguous: each is
// refused.
func TestHostileCIDRConfigs(t *testing.T) {
	t.Parallel()
	const prefix = "cannot use ClusterCIDRConfig "
	for _, test := range []struct {
		name    string
		configs []string
		want    string
	}{
		{"neither family", []string{"c "}, prefix + "c: IPv4 range: it is missing; a config has one of each family\n" +
			prefix + "c: IPv6 range: it is missing; a config has one of each family"},
		{"IPv4 only", []string{"c 10.0.0.0/16>24"}, prefix + "c: IPv6 range: it is missing; a config has one of each family"},
		{"no prefix", []string{"c test>24 fd00::/112>120"}, prefix + "c: IPv4 range: it is missing"},
		{"octet too large", []string{"c 1000.2.0.0/16>24 fd00::/112>120"}, prefix + "c: IPv4 range: it is missing"},
		{"IPv4 prefix too long", []string{"c 10.0.0.0/33>33 fd00::/112>120"}, prefix + "c: IPv4 range: it is missing"},
		{"group too long", []string{"c 10.0.0.0/16>24 aaaaa:1:1::/112>120"}, prefix + "c: IPv6 range: it is missing"},
		{"IPv6 prefix too long", []string{"c 10.0.0.0/16>24 ::/129>129"}, prefix + "c: IPv6 range: it is missing"},
		{"IPv4 as IPv6", []string{"c 10.0.0.0/16>24 10.2.0.0/16>24"}, prefix + "c: IPv6 range: 10.2.0.0/16 is not of this family"},
		{"IPv6 as IPv4", []string{"c fd00::/112>120 fd00::/112>120"}, prefix + "c: IPv4 range: fd00::/112 is not of this family"},
		{
			"mapped IPv4",
			[]string{"c 10.0.0.0/16>24 ::ffff:10.0.0.0/112>120"},
			prefix + "c: IPv6 range: ::ffff:10.0.0.0/112 is not of this family",
		},
		// Upstream masks them silently.
		{
			"IPv4 host bits",
			[]string{"c 127.123.234.0/8>24 fd00::/112>120"},
			prefix + "c: IPv4 range: 127.123.234.0/8 has host bits set; write 127.0.0.0/8",
		},
		{
			"IPv6 host bits",
			[]string{"c 10.0.0.0/16>24 2001:beef:1234:369b::/60>64"},
			prefix + "c: IPv6 range: 2001:beef:1234:369b::/60 has host bits set; write 2001:beef:1234:3690::/60",
		},
		// Upstream accepts it and reports it as exhausted from the start.
		{
			"IPv4 block larger than the range",
			[]string{"c 10.0.0.0/24>23 fd00::/112>120"},
			prefix + "c: IPv4 range: blocks of /23 do not fit into 10.0.0.0/24; the node mask is 24 to 32",
		},
		{
			"IPv6 block larger than the range",
			[]string{"c 10.0.0.0/16>24 fd00::/120>116"},
			prefix + "c: IPv6 range: blocks of /116 do not fit into fd00::/120; the node mask is 120 to 128",
		},
		{
			"IPv4 block smaller than an address",
			[]string{"c 10.0.0.0/24>33 fd00::/112>120"},
			prefix + "c: IPv4 range: blocks of /33 are smaller than an address; the node mask is 24 to 32",
		},
		{
			"IPv6 block smaller than an address",
			[]string{"c 10.0.0.0/24>24 fd00::/112>129"},
			prefix + "c: IPv6 range: blocks of /129 are smaller than an address; the node mask is 112 to 128",
		},
		{"negative mask", []string{"c 10.0.0.0/24>-1 fd00::/112>120"}, prefix + "c: IPv4 range: blocks of /-1 do not fit"},
		{
			"duplicate name",
			[]string{"c 10.0.0.0/16>24 fd00::/112>120", "c 10.1.0.0/16>24 fd01::/112>120"},
			prefix + "c: there are two of this name",
		},
		{"no name", []string{" 10.0.0.0/16>24 fd00::/112>120"}, prefix + "1 of 1: it has no name"},
		{
			"all at once",
			[]string{"a 10.0.0.0/16>24 fd00::/112>111", "b 10.0.0.1/16>24 fd00::/112>120"},
			prefix + "a: IPv6 range: blocks of /111 do not fit into fd00::/112; the node mask is 112 to 128\n" +
				prefix + "b: IPv4 range: 10.0.0.1/16 has host bits set; write 10.0.0.0/16",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := allocator.New(configs(test.configs...))
			if err == nil {
				t.Fatal("accepted")
			}
			// A case may state only the beginning of a message of one line.
			if got := err.Error(); !strings.HasPrefix(got, test.want) || strings.Count(got, "\n") != strings.Count(test.want, "\n") {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestGoodConfigs(t *testing.T) {
	t.Parallel()
	for _, ranges := range []string{
		"10.1.0.0/16>16 fd00:1:1::/64>64",
		"10.1.0.0/16>28 fd00:1:1::/64>124",
		"10.1.0.0/16>32 fd00::/16>28",
		"0.0.0.0/0>32 ::/0>128",
		"10.1.0.0/16>24 fd00::/104>120",
		"10.1.0.0/16>24 fd00::/103>120",
		"10.1.0.0/16>24 fd00:1:1::/64>120",
		"10.1.0.0/16>24 beef:1234::/32>49",
	} {
		if _, err := allocator.New(configs("c " + ranges)); err != nil {
			t.Errorf("%s: %v", ranges, err)
		}
	}
}
