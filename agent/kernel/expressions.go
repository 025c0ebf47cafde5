package kernel

import (
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// Rules are lists of expressions, which these parts make. All go by one register of 16 bytes; what is behind an interface
// in a concatenation goes by the register of 4 bytes that follows its first 4.
const (
	register       = 1
	behindRegister = unix.NFT_REG32_01
)

// metaIIFKind is the kind of the interface that a packet came in by, as in "veth". The library has no
// name for it.
const metaIIFKind expr.MetaKey = 26

// ipHeader is where the header of a family has its addresses.
type ipHeader struct {
	protocol                byte
	sourceAt, destinationAt uint32
	length                  uint32
}

// ipHeaders has IPv4 first.
func ipHeaders() [2]ipHeader {
	return [2]ipHeader{{unix.NFPROTO_IPV4, 12, 16, 4}, {unix.NFPROTO_IPV6, 8, 24, 16}}
}

func (h ipHeader) is() []expr.Any {
	return append(meta(expr.MetaKeyNFPROTO), equals([]byte{h.protocol})...)
}

func (h ipHeader) source() []expr.Any {
	return payload(expr.PayloadBaseNetworkHeader, h.sourceAt, h.length)
}

func (h ipHeader) destination() []expr.Any {
	return payload(expr.PayloadBaseNetworkHeader, h.destinationAt, h.length)
}

// linkAndSource is: iif . ip saddr.
func (h ipHeader) linkAndSource() []expr.Any {
	return append(meta(expr.MetaKeyIIF),
		&expr.Payload{DestRegister: behindRegister, Base: expr.PayloadBaseNetworkHeader, Offset: h.sourceAt, Len: h.length})
}

func meta(key expr.MetaKey) []expr.Any { return []expr.Any{&expr.Meta{Key: key, Register: register}} }

func payload(base expr.PayloadBase, offset, length uint32) []expr.Any {
	return []expr.Any{&expr.Payload{DestRegister: register, Base: base, Offset: offset, Len: length}}
}

func equals(data []byte) []expr.Any {
	return []expr.Any{&expr.Cmp{Op: expr.CmpOpEq, Register: register, Data: data}}
}

func inSet(name string) []expr.Any {
	return []expr.Any{&expr.Lookup{SourceRegister: register, SetName: name}}
}

func notInSet(name string) []expr.Any {
	return []expr.Any{&expr.Lookup{SourceRegister: register, SetName: name, Invert: true}}
}

// learns is: add @SET { ... }. One that is full learns nothing more, and the rule has no effect.
func learns(name string) []expr.Any {
	return []expr.Any{&expr.Dynset{SrcRegKey: register, SetName: name, Operation: unix.NFT_DYNSET_OP_ADD}}
}

// startsWith compares the first bits only.
func startsWith(mask, data []byte) []expr.Any {
	return append([]expr.Any{&expr.Bitwise{
		SourceRegister: register, DestRegister: register, Len: uint32(len(mask)), Mask: mask, Xor: make([]byte, len(mask)),
	}}, equals(data)...)
}

func accepted() []expr.Any { return []expr.Any{&expr.Verdict{Kind: expr.VerdictAccept}} }

// dropped counts what it drops.
func dropped() []expr.Any { return []expr.Any{&expr.Counter{}, &expr.Verdict{Kind: expr.VerdictDrop}} }

func port(number uint16) []byte { return binaryutil.BigEndian.PutUint16(number) }

// interfaceName is a name as the kernel compares it, filled up with zeros.
func interfaceName(name string) []byte {
	padded := make([]byte, unix.IFNAMSIZ)
	copy(padded, name)
	return padded
}
