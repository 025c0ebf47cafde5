package planview

import (
	"fmt"
	"math/big"
	"net/netip"
	"strconv"

	"go4.org/netipx"
)

// plainBits is the size, in bits, up to which a number is written digit by digit.
const plainBits = 33

// count writes a number, which is not negative, so that people can compare it: 65,536, and beyond [plainBits] 2^56,
// 2^56 - 3, or ~2^56 when it is far from a power of two.
func count(n *big.Int) string {
	if n.BitLen() <= plainBits {
		return thousands(n.String())
	}
	power := uint(n.BitLen()-1) + n.Bit(n.BitLen()-2) // rounded up from 1.5 times a power of two
	below := new(big.Int).Sub(powerOfTwo(power), n)
	switch {
	case below.Sign() == 0:
		return fmt.Sprintf("2^%d", power)
	case below.Sign() > 0 && below.BitLen() <= 20:
		return fmt.Sprintf("2^%d - %s", power, thousands(below.String()))
	}
	return fmt.Sprintf("~2^%d", power)
}

// plural writes a small count and what it counts.
func plural(n int, one string) string {
	if n != 1 {
		one += "s"
	}
	return thousands(strconv.Itoa(n)) + " " + one
}

// thousands puts a comma between groups of three decimal digits.
func thousands(digits string) string {
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// percent writes a share with one decimal; what is neither none nor all never rounds to it.
func percent(part, whole *big.Int) string {
	if whole.Sign() == 0 {
		return "-"
	}
	share, _ := new(big.Rat).SetFrac(new(big.Int).Mul(part, big.NewInt(100)), whole).Float64()
	switch {
	case part.Sign() > 0 && share < 0.1:
		return "<0.1%"
	case part.Cmp(whole) < 0 && share > 99.9:
		return ">99.9%"
	}
	return fmt.Sprintf("%.1f%%", share)
}

// powerOfTwo is 2^bits, which for IPv6 is beyond every integer type.
func powerOfTwo(bits uint) *big.Int { return new(big.Int).Lsh(big.NewInt(1), bits) }

// blocksIn is how many aligned blocks of a prefix length fit into a range.
func blocksIn(r netipx.IPRange, bits int) *big.Int {
	shift, one := uint(r.From().BitLen()-bits), big.NewInt(1)
	begin := integer(r.From()) // and of the first block that does not begin before it
	begin.Sub(begin, one).Rsh(begin, shift).Add(begin, one)
	end := integer(r.To())
	end.Add(end, one).Rsh(end, shift).Sub(end, begin)
	if end.Sign() < 0 {
		return new(big.Int)
	}
	return end
}

// integer is an address as a number.
func integer(a netip.Addr) *big.Int { return new(big.Int).SetBytes(a.AsSlice()) }

// sizeOf is how many addresses a range has.
func sizeOf(r netipx.IPRange) *big.Int { return blocksIn(r, r.From().BitLen()) }

// addresses writes how many addresses a range has.
func addresses(r netipx.IPRange) string {
	if r.From() == r.To() {
		return "1 address"
	}
	return superscript(count(sizeOf(r))) + " addresses"
}

// single is the range of one address; not valid if the address is not.
func single(a netip.Addr) netipx.IPRange { return netipx.IPRangeFrom(a, a) }

// span writes a range of addresses.
func span(r netipx.IPRange) string {
	if r.From() == r.To() {
		return r.From().String()
	}
	return r.From().String() + " – " + r.To().String()
}

// widen returns the smallest prefix that holds a prefix, if that is valid, and an address of its family.
func widen(p netip.Prefix, a netip.Addr) netip.Prefix {
	if !p.IsValid() {
		return netip.PrefixFrom(a, a.BitLen())
	}
	for !p.Contains(a) {
		p = netip.PrefixFrom(p.Addr(), p.Bits()-1).Masked()
	}
	return p
}
