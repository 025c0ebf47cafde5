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

// elementsPerMessage keeps a message below the maximum of 64 KiB.
const elementsPerMessage = 1024

// set is a named set of the agent's table.
type set struct {
	name string
	key  nftables.SetDatatype
	// interval is set if the elements are ranges.
	interval bool
	// learns is set if rules add elements, which expire.
	learns   bool
	elements []nftables.SetElement
}

// Limits of sets that rules add to. Neither expiry nor a full set does harm: a packet whose source is not in the set is
// checked by a lookup of its route.
const (
	learntAtMost = 1 << 16
	learntFor    = time.Second
)

// rangeSet returns a set of ranges of addresses.
func rangeSet(name string, key nftables.SetDatatype, ranges []netipx.IPRange) set {
	return set{name: name, key: key, interval: true, elements: elementsOf(ranges)}
}

// nameSet returns a set of names of interfaces.
func nameSet(name string, names []string) set {
	s := set{name: name, key: nftables.TypeIFName}
	for _, name := range names {
		s.elements = append(s.elements, nftables.SetElement{Key: interfaceName(name)})
	}
	return s
}

// learningSet returns a set to which rules add pairs of interface and valid source address.
func learningSet(name string, address nftables.SetDatatype) set {
	return set{name: name, key: nftables.MustConcatSetType(nftables.TypeIFIndex, address), learns: true}
}

// readSet returns a set with its elements, except for those that rules have added.
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

// add adds the set and its elements to the batch.
func (s set) add(conn *nftables.Conn, table *nftables.Table) error {
	made := &nftables.Set{Table: table, Name: s.name, KeyType: s.key, Interval: s.interval}
	if s.key == nftables.TypeIFName {
		made.KeyByteOrder = binaryutil.NativeEndian // lets nft list the names
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

// alike reports whether two sets have the same name, type and flags. Elements are not compared.
func (s set) alike(other set) bool {
	return s.name == other.name && s.interval == other.interval && s.learns == other.learns &&
		s.key.Bytes == other.key.Bytes && s.key.Name == other.key.Name
}

// elementsOf encodes ranges as the kernel has them: one element for the first address, and one with a flag for the
// address after the last. A range that ends with the last address of the family has no second element.
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

// rangesOf decodes ranges from elements, which may be in any order.
func rangesOf(s set) []netipx.IPRange {
	elements := slices.Clone(s.elements)
	slices.SortFunc(elements, func(a, b nftables.SetElement) int { return slices.Compare(a.Key, b.Key) })
	var ranges []netipx.IPRange
	for i, element := range elements {
		// An interval end only bounds the range that starts before it.
		from, ok := netip.AddrFromSlice(element.Key)
		if !ok || element.IntervalEnd {
			continue
		}
		to, _ := netip.AddrFromSlice(bytes.Repeat([]byte{0xff}, len(element.Key))) // the key has the length of an address
		if i+1 < len(elements) {
			next, _ := netip.AddrFromSlice(elements[i+1].Key)
			to = next.Prev()
		}
		ranges = append(ranges, netipx.IPRangeFrom(from, to))
	}
	return ranges
}

// namesOf decodes names of interfaces, and sorts them.
func namesOf(s set) []string {
	var names []string
	for _, element := range s.elements {
		names = append(names, unix.ByteSliceToString(element.Key))
	}
	slices.Sort(names)
	return names
}
