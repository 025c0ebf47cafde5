package kernel

import (
	"bytes"
	"errors"
	"net/netip"
	"slices"

	"github.com/google/nftables"
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
	elements []nftables.SetElement
}

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

func readSet(conn *nftables.Conn, found *nftables.Set) (set, error) {
	elements, err := conn.GetSetElements(found)
	return set{name: found.Name, key: found.KeyType, interval: found.Interval, elements: elements}, err
}

func (s set) add(conn *nftables.Conn, table *nftables.Table) error {
	made := &nftables.Set{Table: table, Name: s.name, KeyType: s.key, Interval: s.interval}
	err := conn.AddSet(made, nil)
	for chunk := range slices.Chunk(s.elements, elementsPerMessage) {
		err = errors.Join(err, conn.SetAddElements(made, chunk))
	}
	return err
}

// alike reports whether two sets are of one kind, whatever they hold.
func (s set) alike(other set) bool {
	return s.name == other.name && s.interval == other.interval && s.key.Bytes == other.key.Bytes && s.key.Name == other.key.Name
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
