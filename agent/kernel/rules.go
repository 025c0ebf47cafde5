package kernel

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
)

// Table is the name of the agent's nftables table, of family inet.
const Table = "dualstrap"

// writeBuffer is the size, in bytes, of the buffer of a socket that writes rules: it has to hold a whole batch.
const writeBuffer = 4 << 20

// Rules describes the content of the agent's table. Without any part there is no table.
type Rules struct {
	NAT   *NAT
	Guard *Guard
}

// Equal reports whether two tables have the same content.
func (r Rules) Equal(other Rules) bool { return r.NAT.Equal(other.NAT) && r.Guard.Equal(other.Guard) }

// RuleTable is the agent's table as it is in the kernel.
type RuleTable struct {
	// Exists is set if there is a table of that name.
	Exists bool
	// Rules is nil if the table is not one that the agent would write.
	Rules *Rules
	// Counters are the counters of its rules, or nil if Rules is nil.
	Counters Counters
}

// Counters maps the name of a chain and the position of a rule in it to the rule's counter.
type Counters map[string]map[int]expr.Counter

// Reason is the reason why a packet was dropped.
type Reason string

// The reasons to drop packets.
const (
	// PodSource means that the route back to the source does not lead to the pod that sent the packet.
	PodSource Reason = "pod-source"
	// PodControl means that a pod sent the packet to change the routes or addresses of its node.
	PodControl Reason = "pod-control"
	// OutsideSource means that the packet arrived from elsewhere than a pod, with a source that no pod of another node
	// can have.
	OutsideSource Reason = "outside-source"
)

// Dropped returns the number of dropped packets by reason. Every reason has an entry.
func (c Counters) Dropped() map[Reason]uint64 {
	packets := map[Reason]uint64{}
	for reason, chain := range map[Reason]string{
		PodSource: fromPodsChain, PodControl: fromPodsToNodeChain, OutsideSource: preroutingChain,
	} {
		packets[reason] = 0
		for _, counter := range c[chain] {
			packets[reason] += counter.Packets
		}
	}
	return packets
}

// chain is a chain of the agent's table. A chain without a hook is only entered by goto from others.
type chain struct {
	name     string
	kind     nftables.ChainType
	hook     *nftables.ChainHook
	priority *nftables.ChainPriority
	rules    [][]expr.Any
}

// parts returns all sets and chains of the table.
func (r Rules) parts() (sets []set, chains []chain) {
	if r.NAT != nil {
		sets, chains = r.NAT.parts()
	}
	if r.Guard != nil {
		moreSets, moreChains := r.Guard.parts()
		sets, chains = append(sets, moreSets...), append(chains, moreChains...)
	}
	return sets, chains
}

// ReadRules returns the agent's table, or the zero value if it does not exist.
func ReadRules() (RuleTable, error) {
	conn, found, err := open()
	if found == nil || err != nil {
		return RuleTable{}, err
	}
	table := RuleTable{Exists: true}
	if table.Rules, table.Counters, err = readTable(conn, found); err != nil {
		return RuleTable{}, fmt.Errorf("cannot read nftables table inet %s: %w", Table, err)
	}
	return table, nil
}

// ReadCounters returns the counters of the agent's table, or nil if it does not exist.
func ReadCounters() (Counters, error) {
	conn, found, err := open()
	if found == nil || err != nil {
		return nil, err
	}
	_, counters, err := readChains(conn, found)
	if err != nil {
		return nil, fmt.Errorf("cannot read the counters of nftables table inet %s: %w", Table, err)
	}
	return counters, nil
}

// open connects to nftables and returns the agent's table. Both results are nil if there is no such table.
func open() (*nftables.Conn, *nftables.Table, error) {
	conn, err := nftables.New()
	if err != nil {
		return nil, nil, fmt.Errorf("cannot open nftables: %w", err)
	}
	tables, err := conn.ListTablesOfFamily(nftables.TableFamilyINet)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot list nftables tables: %w", err)
	}
	at := slices.IndexFunc(tables, func(t *nftables.Table) bool { return t.Name == Table })
	if at < 0 {
		return nil, nil, nil
	}
	return conn, tables[at], nil
}

// readTable decodes the table. It returns nil rules if encoding them again would not yield the same table.
func readTable(conn *nftables.Conn, table *nftables.Table) (*Rules, Counters, error) {
	sets, err := readSets(conn, table)
	if err != nil {
		return nil, nil, err
	}
	chains, counters, err := readChains(conn, table)
	if err != nil {
		return nil, nil, err
	}
	rules := &Rules{}
	if _, found := chains[natChain]; found {
		rules.NAT = natFrom(sets, chains)
	}
	if _, found := chains[preroutingChain]; found {
		rules.Guard = guardFrom(sets)
	}
	if !rules.madeOf(sets, chains) {
		return nil, nil, nil // not as the agent writes it, so it will be replaced
	}
	return rules, counters, nil
}

// readSets returns the sets of a table by name.
func readSets(conn *nftables.Conn, table *nftables.Table) (map[string]set, error) {
	found, err := conn.GetSets(table)
	if err != nil {
		return nil, err
	}
	sets := map[string]set{}
	for _, one := range found {
		if sets[one.Name], err = readSet(conn, one); err != nil {
			return nil, err
		}
	}
	return sets, nil
}

// readChains returns the chains of a table by name, and the counters of their rules.
func readChains(conn *nftables.Conn, table *nftables.Table) (map[string]chain, Counters, error) {
	found, err := conn.ListChainsOfTableFamily(table.Family)
	if err != nil {
		return nil, nil, err
	}
	chains, counters := map[string]chain{}, Counters{}
	for _, one := range found {
		if one.Table.Name != table.Name {
			continue
		}
		rules, err := conn.GetRules(table, one)
		if err != nil {
			return nil, nil, err
		}
		read := chain{name: one.Name, kind: one.Type, hook: one.Hooknum, priority: one.Priority}
		counters[one.Name] = map[int]expr.Counter{}
		for i, rule := range rules {
			read.rules = append(read.rules, rule.Exprs)
			if counter := counterOf(rule.Exprs); counter != nil {
				counters[one.Name][i] = *counter
			}
		}
		chains[one.Name] = read
	}
	return chains, counters, nil
}

// counterOf returns the counter of a rule, or nil.
func counterOf(exprs []expr.Any) *expr.Counter {
	for _, e := range exprs {
		if counter, ok := e.(*expr.Counter); ok {
			return counter
		}
	}
	return nil
}

// madeOf reports whether the rules consist of exactly these sets and chains. The elements of sets are not compared,
// because the rules were decoded from them.
func (r Rules) madeOf(sets map[string]set, chains map[string]chain) bool {
	wantedSets, wantedChains := r.parts()
	if len(sets) != len(wantedSets) || len(chains) != len(wantedChains) {
		return false
	}
	// Sets and chains have equal numbers, so finding every wanted one means that there are no others.
	return !slices.ContainsFunc(wantedSets, func(s set) bool { return !s.alike(sets[s.name]) }) &&
		!slices.ContainsFunc(wantedChains, func(c chain) bool { return !c.equal(chains[c.name]) })
}

// equal reports whether two chains have the same hook and rules.
func (c chain) equal(other chain) bool {
	if c.name != other.name || c.kind != other.kind || !reflect.DeepEqual(c.hook, other.hook) ||
		!reflect.DeepEqual(c.priority, other.priority) || len(c.rules) != len(other.rules) {
		return false
	}
	for i := range c.rules {
		if !reflect.DeepEqual(withoutChosen(c.rules[i]), withoutChosen(other.rules[i])) {
			return false
		}
	}
	return true
}

// withoutChosen returns a rule's expressions without the fields that the kernel fills in: identifiers and counts.
func withoutChosen(exprs []expr.Any) []expr.Any {
	exprs = slices.Clone(exprs)
	for i := range exprs {
		switch e := exprs[i].(type) {
		case *expr.Lookup:
			exprs[i] = &expr.Lookup{SourceRegister: e.SourceRegister, SetName: e.SetName, Invert: e.Invert}
		case *expr.Dynset:
			exprs[i] = &expr.Dynset{SrcRegKey: e.SrcRegKey, SetName: e.SetName, Operation: e.Operation, Timeout: e.Timeout, Invert: e.Invert}
		case *expr.Counter:
			exprs[i] = &expr.Counter{}
		}
	}
	return exprs
}

// WriteRules replaces the agent's table in one transaction; without any rules, the table is removed. counted are the
// counters of the previous table, from which the new rules continue.
func WriteRules(rules Rules, counted Counters) error {
	// A batch is sent in one message. With thousands of nodes it exceeds the default buffer of a socket.
	conn, err := nftables.New(nftables.WithSockOptions(func(c *netlink.Conn) error { return c.SetWriteBuffer(writeBuffer) }))
	if err != nil {
		return fmt.Errorf("cannot open nftables: %w", err)
	}
	// Deleting a table that does not exist fails the transaction, so the table is added first.
	table := conn.AddTable(&nftables.Table{Family: nftables.TableFamilyINet, Name: Table})
	conn.DelTable(table)
	if rules.NAT != nil || rules.Guard != nil {
		if err := rules.add(conn, counted); err != nil {
			return fmt.Errorf("cannot encode nftables table inet %s: %w", Table, err)
		}
	}
	if err := conn.Flush(); err != nil {
		return fmt.Errorf("cannot write nftables table inet %s: %w", Table, err)
	}
	return nil
}

// add adds the table with its sets, chains and rules to the batch.
func (r Rules) add(conn *nftables.Conn, counted Counters) error {
	table := conn.AddTable(&nftables.Table{Family: nftables.TableFamilyINet, Name: Table})
	sets, chains := r.parts()
	for _, s := range sets {
		if err := s.add(conn, table); err != nil {
			return err
		}
	}
	for _, c := range chains {
		made := conn.AddChain(&nftables.Chain{Table: table, Name: c.name, Type: c.kind, Hooknum: c.hook, Priority: c.priority})
		for i, exprs := range c.rules {
			// The expressions were created for this call, so setting the counter changes no other table.
			if counter := counterOf(exprs); counter != nil {
				*counter = counted[c.name][i]
			}
			conn.AddRule(&nftables.Rule{Table: table, Chain: made, Exprs: exprs})
		}
	}
	return nil
}
