package kernel

import (
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
	"go4.org/netipx"
	"golang.org/x/sys/unix"
)

// Table is the name of the agent's nftables table, of family inet.
const Table = "dualstrap"

const (
	clusterSet, localSet, natChain = "cluster4", "local4", "postrouting"
	// A socket takes a batch as a whole, and a message at most 64 KiB.
	writeBuffer, elementsPerMessage = 4 << 20, 1024
)

// NAT says which IPv4 traffic leaves with the node's address: that of Local which goes out of Uplink
// and not to Cluster. Both are ranges in order that neither overlap nor touch.
type NAT struct {
	Cluster, Local []netipx.IPRange
	Uplink         string
}

// Equal reports whether two translate alike. None is like none.
func (n *NAT) Equal(other *NAT) bool {
	if n == nil || other == nil {
		return n == other
	}
	return n.Uplink == other.Uplink && slices.Equal(n.Cluster, other.Cluster) && slices.Equal(n.Local, other.Local)
}

// NATTable is the agent's table as it is. NAT is nil when the table is not as the agent makes it.
type NATTable struct {
	Exists bool
	NAT    *NAT
}

// ReadNAT reads the agent's table.
func ReadNAT() (NATTable, error) {
	conn, err := nftables.New()
	if err != nil {
		return NATTable{}, fmt.Errorf("cannot open nftables: %w", err)
	}
	table, err := findTable(conn)
	if table == nil || err != nil {
		return NATTable{}, err
	}
	nat, err := readTable(conn, table)
	if err != nil {
		return NATTable{}, fmt.Errorf("cannot read nftables table inet %s: %w", Table, err)
	}
	return NATTable{Exists: true, NAT: nat}, nil
}

func findTable(conn *nftables.Conn) (*nftables.Table, error) {
	tables, err := conn.ListTablesOfFamily(nftables.TableFamilyINet)
	if err != nil {
		return nil, fmt.Errorf("cannot list nftables tables: %w", err)
	}
	at := slices.IndexFunc(tables, func(t *nftables.Table) bool { return t.Name == Table })
	if at < 0 {
		return nil, nil // no table is an answer, not a failure
	}
	return tables[at], nil
}

func readTable(conn *nftables.Conn, table *nftables.Table) (*NAT, error) {
	sets, err := conn.GetSets(table)
	if err != nil {
		return nil, err
	}
	chains, err := conn.ListChainsOfTableFamily(table.Family)
	if err != nil {
		return nil, err
	}
	chains = slices.DeleteFunc(chains, func(c *nftables.Chain) bool { return c.Table.Name != Table })
	if len(sets) != 2 || len(chains) != 1 || !isOurs(chains[0]) {
		return nil, nil // another's idea of the table
	}
	nat, err := readSets(conn, sets)
	if err != nil {
		return nil, err
	}
	rules, err := conn.GetRules(table, chains[0])
	if err != nil {
		return nil, err
	}
	if len(rules) != 1 {
		return nil, nil // as above
	}
	nat.Uplink = uplinkOf(rules[0].Exprs)
	if !reflect.DeepEqual(withoutSetIDs(rules[0].Exprs), withoutSetIDs(natRule(nat.Uplink))) {
		return nil, nil // as above
	}
	return nat, nil
}

func readSets(conn *nftables.Conn, sets []*nftables.Set) (*NAT, error) {
	nat := &NAT{}
	for _, set := range sets {
		elements, err := conn.GetSetElements(set)
		if err != nil {
			return nil, err
		}
		switch set.Name {
		case clusterSet:
			nat.Cluster = rangesOf(elements)
		case localSet:
			nat.Local = rangesOf(elements)
		}
	}
	return nat, nil
}

// isOurs reports whether a chain is where the agent would have it.
func isOurs(chain *nftables.Chain) bool {
	return chain.Name == natChain && chain.Type == nftables.ChainTypeNAT && chain.Hooknum != nil && chain.Priority != nil &&
		*chain.Hooknum == *nftables.ChainHookPostrouting && *chain.Priority == natPriority()
}

// natPriority comes after kube-proxy's own chain.
func natPriority() nftables.ChainPriority { return *nftables.ChainPriorityNATSource + 10 }

// WriteNAT makes the agent's table say nat, in one step; without one, there is no table.
func WriteNAT(nat *NAT) error {
	conn, err := nftables.New(nftables.WithSockOptions(func(c *netlink.Conn) error { return c.SetWriteBuffer(writeBuffer) }))
	if err != nil {
		return fmt.Errorf("cannot open nftables: %w", err)
	}
	// To add the table first makes its removal succeed always.
	table := conn.AddTable(&nftables.Table{Family: nftables.TableFamilyINet, Name: Table})
	conn.DelTable(table)
	if nat != nil {
		if err := addTable(conn, nat); err != nil {
			return fmt.Errorf("cannot encode nftables table inet %s: %w", Table, err)
		}
	}
	if err := conn.Flush(); err != nil {
		return fmt.Errorf("cannot write nftables table inet %s: %w", Table, err)
	}
	return nil
}

func addTable(conn *nftables.Conn, nat *NAT) error {
	table := conn.AddTable(&nftables.Table{Family: nftables.TableFamilyINet, Name: Table})
	for _, set := range []struct {
		name   string
		ranges []netipx.IPRange
	}{{clusterSet, nat.Cluster}, {localSet, nat.Local}} {
		made := &nftables.Set{Table: table, Name: set.name, KeyType: nftables.TypeIPAddr, Interval: true}
		err := conn.AddSet(made, nil)
		for chunk := range slices.Chunk(elementsOf(set.ranges), elementsPerMessage) {
			err = errors.Join(err, conn.SetAddElements(made, chunk))
		}
		if err != nil {
			return err
		}
	}
	priority := natPriority()
	chain := conn.AddChain(&nftables.Chain{
		Table: table, Name: natChain, Type: nftables.ChainTypeNAT, Hooknum: nftables.ChainHookPostrouting, Priority: &priority,
	})
	conn.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: natRule(nat.Uplink)})
	return nil
}

// natRule is: ip saddr @local4 ip daddr != @cluster4 oifname UPLINK masquerade fully-random.
func natRule(uplink string) []expr.Any {
	const source, destination, length = 12, 16, 4 // of an IPv4 header
	const register = 1
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: register},
		&expr.Cmp{Op: expr.CmpOpEq, Register: register, Data: []byte{unix.NFPROTO_IPV4}},
		&expr.Payload{DestRegister: register, Base: expr.PayloadBaseNetworkHeader, Offset: source, Len: length},
		&expr.Lookup{SourceRegister: register, SetName: localSet},
		&expr.Payload{DestRegister: register, Base: expr.PayloadBaseNetworkHeader, Offset: destination, Len: length},
		&expr.Lookup{SourceRegister: register, SetName: clusterSet, Invert: true},
		&expr.Meta{Key: expr.MetaKeyOIFNAME, Register: register},
		&expr.Cmp{Op: expr.CmpOpEq, Register: register, Data: interfaceName(uplink)},
		&expr.Masq{FullyRandom: true},
	}
}

// withoutSetIDs leaves out what the kernel chooses.
func withoutSetIDs(exprs []expr.Any) []expr.Any {
	exprs = slices.Clone(exprs)
	for i := range exprs {
		if lookup, ok := exprs[i].(*expr.Lookup); ok {
			exprs[i] = &expr.Lookup{SourceRegister: lookup.SourceRegister, SetName: lookup.SetName, Invert: lookup.Invert}
		}
	}
	return exprs
}

// uplinkOf finds the name of the interface in a rule of the agent's; what others made may have none.
func uplinkOf(exprs []expr.Any) string {
	for _, e := range exprs {
		if cmp, ok := e.(*expr.Cmp); ok && len(cmp.Data) == unix.IFNAMSIZ {
			return unix.ByteSliceToString(cmp.Data)
		}
	}
	return ""
}

// interfaceName is a name as the kernel compares it, filled up with zeros.
func interfaceName(name string) []byte {
	padded := make([]byte, unix.IFNAMSIZ)
	copy(padded, name)
	return padded
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
func rangesOf(elements []nftables.SetElement) []netipx.IPRange {
	elements = slices.Clone(elements)
	slices.SortFunc(elements, func(a, b nftables.SetElement) int { return slices.Compare(a.Key, b.Key) })
	last := netip.AddrFrom4([4]byte{255, 255, 255, 255})
	var ranges []netipx.IPRange
	for i, element := range elements {
		from, ok := netip.AddrFromSlice(element.Key)
		if !ok || element.IntervalEnd {
			continue
		}
		to := last
		if i+1 < len(elements) {
			next, _ := netip.AddrFromSlice(elements[i+1].Key)
			to = next.Prev()
		}
		ranges = append(ranges, netipx.IPRangeFrom(from, to))
	}
	return ranges
}
