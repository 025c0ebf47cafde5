package kernel

import (
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"github.com/dualstrap/dualstrap/internal/family"
)

// The functions below return parts of rules, which are lists of expressions. All of them use one register of 16 bytes.
// In a concatenation, the interface takes the first 4 bytes of it, and the part after it starts at the register of 4
// bytes that follows.
const (
	register       = 1
	behindRegister = unix.NFT_REG32_01
)

// metaIIFKind selects the kind of the interface on which a packet arrived, as in "veth" (NFT_META_IIFKIND). The library
// has no name for it.
const metaIIFKind expr.MetaKey = 26

// ipHeader describes where the header of a family has its addresses. Offsets and the length are in bytes.
type ipHeader struct {
	protocol                byte
	sourceAt, destinationAt uint32
	length                  uint32
}

// ipHeaders returns the headers of both families, IPv4 first.
func ipHeaders() family.Pair[ipHeader] {
	return family.Pair[ipHeader]{{unix.NFPROTO_IPV4, 12, 16, 4}, {unix.NFPROTO_IPV6, 8, 24, 16}}
}

// is matches packets of the family: meta nfproto ipv4 or ipv6.
func (h ipHeader) is() []expr.Any {
	return append(meta(expr.MetaKeyNFPROTO), equals([]byte{h.protocol})...)
}

// source loads the source address.
func (h ipHeader) source() []expr.Any {
	return payload(expr.PayloadBaseNetworkHeader, h.sourceAt, h.length)
}

// destination loads the destination address.
func (h ipHeader) destination() []expr.Any {
	return payload(expr.PayloadBaseNetworkHeader, h.destinationAt, h.length)
}

// linkAndSource loads a concatenation: iif . ip saddr.
func (h ipHeader) linkAndSource() []expr.Any {
	return append(meta(expr.MetaKeyIIF),
		&expr.Payload{DestRegister: behindRegister, Base: expr.PayloadBaseNetworkHeader, Offset: h.sourceAt, Len: h.length})
}

// meta loads a property of the packet that is not in its headers.
func meta(key expr.MetaKey) []expr.Any { return []expr.Any{&expr.Meta{Key: key, Register: register}} }

// payload loads length bytes at an offset of a header.
func payload(base expr.PayloadBase, offset, length uint32) []expr.Any {
	return []expr.Any{&expr.Payload{DestRegister: register, Base: base, Offset: offset, Len: length}}
}

// equals compares the loaded value. A rule ends where a comparison fails.
func equals(data []byte) []expr.Any {
	return []expr.Any{&expr.Cmp{Op: expr.CmpOpEq, Register: register, Data: data}}
}

// inSet looks the loaded value up in a set.
func inSet(name string) []expr.Any {
	return []expr.Any{&expr.Lookup{SourceRegister: register, SetName: name}}
}

// notInSet matches if the loaded value is not in a set.
func notInSet(name string) []expr.Any {
	return []expr.Any{&expr.Lookup{SourceRegister: register, SetName: name, Invert: true}}
}

// learns adds the loaded value to a set: add @SET { ... }. If the set is full, the rule has no effect.
func learns(name string) []expr.Any {
	return []expr.Any{&expr.Dynset{SrcRegKey: register, SetName: name, Operation: unix.NFT_DYNSET_OP_ADD}}
}

// startsWith compares the first bits of the loaded value, those that are set in mask.
func startsWith(mask, data []byte) []expr.Any {
	return append([]expr.Any{&expr.Bitwise{
		SourceRegister: register, DestRegister: register, Len: uint32(len(mask)), Mask: mask, Xor: make([]byte, len(mask)),
	}}, equals(data)...)
}

// accepted ends the evaluation of the chain with accept.
func accepted() []expr.Any { return []expr.Any{&expr.Verdict{Kind: expr.VerdictAccept}} }

// dropped counts the packet and drops it.
func dropped() []expr.Any { return []expr.Any{&expr.Counter{}, &expr.Verdict{Kind: expr.VerdictDrop}} }

// port returns a port in network byte order.
func port(number uint16) []byte { return binaryutil.BigEndian.PutUint16(number) }

// interfaceName returns the name of an interface as the kernel compares it, padded with zeros to IFNAMSIZ bytes.
func interfaceName(name string) []byte {
	padded := make([]byte, unix.IFNAMSIZ)
	copy(padded, name)
	return padded
}
