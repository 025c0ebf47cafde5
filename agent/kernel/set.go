package kernel

import (
	"bytes"
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"go4.org/netipx"
	"golang.org/x/sys/unix"
)

// elementsPerMessage bounds messages: one takes at most 64 KiB.
const elementsPerMessage = 1024

// set is a named set of the agent's table.
type set struct {
	name     string
	key      nftables.SetDatatype
	interval bool
	// learns is whether rules put into it what they meet, which it forgets in time.
	learns   bool
	elements []nftables.SetElement
}

// What sets that learn know at most, and for how long. They forget and are full without harm: what is not in them is
// looked up.
const (
	learntAtMost = 1 << 16
	learntFor    = time.Second
)

// rangeSet holds ranges of addresses.
func rangeSet(name string, key nftables.SetDatatype, ranges []netipx.IPRange) set {
	return set{name: name, key: key, interval: true, elements: elementsOf(ranges)}
}

// nameSet holds names of interfaces.
func nameSet(name string, names []string) set {
	s := set{name: name, key: nftables.TypeIFName}
	for _, name := range names {
		s.elements = append(s.elements, nftables.SetElement{Key: interfaceName(name)})
	}
	return s
}

// learningSet holds interfaces with source addresses that were found to be right.
func learningSet(name string, address nftables.SetDatatype) set {
	return set{name: name, key: nftables.MustConcatSetType(nftables.TypeIFIndex, address), learns: true}
}

// readSet reads a set; what one has learnt is the kernel's.
func readSet(conn *nftables.Conn, found *nftables.Set) (set, error) {
	read := set{name: found.Name, key: found.KeyType, interval: found.Interval}
	if found.Dynamic && found.Timeout == learntFor {
		read.learns = true
		return read, nil
	}
	var err error
	read.elements, err = conn.GetSetElements(found)
	return read, err
}

func (s set) add(conn *nftables.Conn, table *nftables.Table) error {
	made := &nftables.Set{Table: table, Name: s.name, KeyType: s.key, Interval: s.interval}
	if s.key == nftables.TypeIFName {
		made.KeyByteOrder = binaryutil.NativeEndian // for nft to list the names
	}
	if s.learns {
		made.Dynamic, made.Size = true, learntAtMost
		made.HasTimeout, made.Timeout = true, learntFor
	}
	err := conn.AddSet(made, nil)
	for chunk := range slices.Chunk(s.elements, elementsPerMessage) {
		err = errors.Join(err, conn.SetAddElements(made, chunk))
	}
	return err
}

// alike reports whether two sets are of one kind, whatever they hold.
func (s set) alike(other set) bool {
	return s.name == other.name && s.interval == other.interval && s.learns == other.learns &&
		s.key.Bytes == other.key.Bytes && s.key.Name == other.key.Name
}

// elementsOf writes ranges as the kernel has them: where one begins, and where it has ended.
func elementsOf(ranges []netipx.IPRange) []nftables.SetElement {
	elements := make([]nftables.SetElement, 0, 2*len(ranges))
	for _, r := range ranges {
		elements = append(elements, nftables.SetElement{Key: r.From().AsSlice()})
		if end := r.To().Next(); end.IsValid() {
			elements = append(elements, nftables.SetElement{Key: end.AsSlice(), IntervalEnd: true})
		}
	}
	return elements
}

// rangesOf reads ranges from elements, in whatever order they come.
func rangesOf(s set) []netipx.IPRange {
	elements := slices.Clone(s.elements)
	slices.SortFunc(elements, func(a, b nftables.SetElement) int { return slices.Compare(a.Key, b.Key) })
	var ranges []netipx.IPRange
	for i, element := range elements {
		from, ok := netip.AddrFromSlice(element.Key)
		if !ok || element.IntervalEnd {
			continue
		}
		to, _ := netip.AddrFromSlice(bytes.Repeat([]byte{0xff}, len(element.Key))) // it has a length that is one
		if i+1 < len(elements) {
			next, _ := netip.AddrFromSlice(elements[i+1].Key)
			to = next.Prev()
		}
		ranges = append(ranges, netipx.IPRangeFrom(from, to))
	}
	return ranges
}

// namesOf reads names of interfaces, in order.
func namesOf(s set) []string {
	var names []string
	for _, element := range s.elements {
		names = append(names, unix.ByteSliceToString(element.Key))
	}
	slices.Sort(names)
	return names
}
