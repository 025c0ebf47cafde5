package family_test

import (
	"net/netip"
	"testing"

	"github.com/dualstrap/dualstrap/internal/family"
)

func TestFamilies(t *testing.T) {
	t.Parallel()
	examples := family.Pair[netip.Addr]{netip.MustParseAddr("10.2.0.4"), netip.MustParseAddr("fd12::2:4")}
	names := family.Pair[string]{"IPv4", "IPv6"}
	for _, f := range family.All() {
		if got := family.Of(examples[f]); got != f || f.Bits() != examples[f].BitLen() || f.String() != names[f] {
			t.Errorf("%s is %s, with addresses of %d bits", examples[f], got, f.Bits())
		}
	}
	if got := family.Of(netip.MustParseAddr("::ffff:10.2.0.4")); got != family.IPv6 {
		t.Errorf("an IPv4-mapped address is %s", got)
	}
}
