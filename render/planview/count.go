package planview

import (
	"fmt"
	"math/big"
	"net/netip"
	"strings"

	"go4.org/netipx"
)

// plainBits is the size, in bits, up to which a number is written digit by digit.
const plainBits = 33

// count writes a number so that people can compare it: 65,536, and beyond [plainBits] 2^56,
// 2^56 - 3, or ~2^56 when it is far from a power of two.
func count(n *big.Int) string {
	if n.BitLen() <= plainBits {
		return thousands(n.String())
	}
	if floor := uint(n.BitLen() - 1); n.TrailingZeroBits() == floor {
		return fmt.Sprintf("2^%d", floor)
	}
	power := uint(n.BitLen())
	below := new(big.Int).Sub(powerOfTwo(power), n)
	if below.BitLen() <= 20 {
		return fmt.Sprintf("2^%d - %s", power, thousands(below.String()))
	}
	if below.Cmp(powerOfTwo(power-2)) > 0 {
		power-- // 2^power * 3/4 is where rounding turns.
	}
	return fmt.Sprintf("~2^%d", power)
}

// number writes a small count.
func number(n int) string { return count(big.NewInt(int64(n))) }

// plural writes a small count and what it counts.
func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + one + "s"
}

// thousands puts a comma between groups of three decimal digits.
func thousands(digits string) string {
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
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

// sizeOf is how many addresses lie from first to last, both included.
func sizeOf(first, last netip.Addr) *big.Int {
	size := new(big.Int).Sub(integer(last), integer(first))
	return size.Add(size, big.NewInt(1))
}

// blocksIn is how many aligned blocks of a prefix length fit from first to last.
func blocksIn(first, last netip.Addr, bits int) *big.Int {
	shift := uint(first.BitLen() - bits)
	begin := new(big.Int).Sub(integer(first), big.NewInt(1)) // the block after the one before first
	begin.Rsh(begin, shift).Add(begin, big.NewInt(1))
	end := new(big.Int).Add(integer(last), big.NewInt(1))
	n := end.Rsh(end, shift).Sub(end, begin)
	if n.Sign() < 0 {
		return new(big.Int)
	}
	return n
}

// integer is an address as a number.
func integer(a netip.Addr) *big.Int { return new(big.Int).SetBytes(a.AsSlice()) }

// lastOf is a prefix's last address.
func lastOf(p netip.Prefix) netip.Addr { return netipx.PrefixLastIP(p) }

// covering is the smallest prefix that holds both addresses, which are of one family.
func covering(first, last netip.Addr) netip.Prefix {
	difference := new(big.Int).Xor(integer(first), integer(last))
	return netip.PrefixFrom(first, first.BitLen()-difference.BitLen()).Masked()
}

// span writes a range of addresses.
func span(first, last netip.Addr) string {
	if first == last {
		return first.String()
	}
	return first.String() + " – " + last.String()
}
