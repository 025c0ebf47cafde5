package planview

import (
	"math/big"
	"net/netip"
	"testing"

	"go4.org/netipx"
)

func TestCount(t *testing.T) {
	t.Parallel()
	power := func(bits uint, add int64) *big.Int { return new(big.Int).Add(powerOfTwo(bits), big.NewInt(add)) }
	tests := []struct {
		n    *big.Int
		want string
	}{
		{big.NewInt(0), "0"},
		{big.NewInt(999), "999"},
		{big.NewInt(1000), "1,000"},
		{big.NewInt(65_536), "65,536"},
		{power(32, 0), "4,294,967,296"},
		{power(56, 0), "2^56"},
		{power(56, -3), "2^56 - 3"},
		{power(56, -5000), "2^56 - 5,000"},
		{power(56, 1), "~2^56"},
		{power(56, -(1 << 30)), "~2^56"},
		{power(57, -(1 << 55)), "~2^57"},
		{power(56, 1<<54), "~2^56"},
		{power(128, 0), "2^128"},
	}
	for _, tt := range tests {
		if got := count(tt.n); got != tt.want {
			t.Errorf("count(%s) = %s, want %s", tt.n, got, tt.want)
		}
	}
}

func TestPercentNeverRoundsToNoneOrAll(t *testing.T) {
	t.Parallel()
	huge := powerOfTwo(56)
	almost := new(big.Int).Sub(huge, big.NewInt(3))
	tests := []struct {
		part, whole *big.Int
		want        string
	}{
		{big.NewInt(0), big.NewInt(256), "0.0%"},
		{big.NewInt(253), big.NewInt(256), "98.8%"},
		{big.NewInt(256), big.NewInt(256), "100.0%"},
		{big.NewInt(3), huge, "<0.1%"},
		{almost, huge, ">99.9%"},
		{huge, huge, "100.0%"},
		{big.NewInt(0), big.NewInt(0), "-"},
	}
	for _, tt := range tests {
		if got := percent(tt.part, tt.whole); got != tt.want {
			t.Errorf("%s of %s: %s, want %s", tt.part, tt.whole, got, tt.want)
		}
	}
}

func TestBlocksIn(t *testing.T) {
	t.Parallel()
	tests := []struct {
		first, last string
		bits        int
		want        string
	}{
		{"192.168.3.0", "192.168.255.255", 24, "253"},
		{"192.168.0.0", "192.168.0.255", 24, "1"},
		{"192.168.0.1", "192.168.1.255", 24, "1"}, // the first block is not whole
		{"192.168.0.0", "192.168.1.254", 24, "1"}, // the last is not
		{"192.168.0.1", "192.168.0.254", 24, "0"},
		{"0.0.0.0", "255.255.255.255", 24, "16777216"},
		{"fd12::1:300", "fd12::1:ffff", 120, "253"},
		{"fd12::", "fd12::ffff:ffff:ffff:ffff", 120, "72057594037927936"},
		{"fd12::1", "fd12::2", 64, "0"},
	}
	for _, tt := range tests {
		got := blocksIn(netipx.IPRangeFrom(netip.MustParseAddr(tt.first), netip.MustParseAddr(tt.last)), tt.bits)
		if got.String() != tt.want {
			t.Errorf("%s - %s /%d: %s, want %s", tt.first, tt.last, tt.bits, got, tt.want)
		}
	}
}

func TestWiden(t *testing.T) {
	t.Parallel()
	tests := []struct{ first, last, want string }{
		{"10.2.0.4", "10.2.0.4", "10.2.0.4/32"},
		{"10.2.0.4", "10.2.0.6", "10.2.0.4/30"},
		{"10.2.0.4", "10.2.0.221", "10.2.0.0/24"},
		{"10.2.0.4", "192.168.0.1", "0.0.0.0/0"},
		{"fd12::1:0", "fd12::4:110", "fd12::/109"},
		{"fd12::1", "2001:db8::1", "::/0"},
	}
	for _, tt := range tests {
		first := widen(netip.Prefix{}, netip.MustParseAddr(tt.first))
		if got := widen(first, netip.MustParseAddr(tt.last)); got.String() != tt.want {
			t.Errorf("%s and %s: %s, want %s", tt.first, tt.last, got, tt.want)
		}
	}
	if got := widen(netip.MustParsePrefix("10.2.0.0/24"), netip.MustParseAddr("10.2.0.9")); got.Bits() != 24 {
		t.Errorf("a prefix that holds the address became %s", got)
	}
}
