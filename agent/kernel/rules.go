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

// writeBuffer is for batches: a socket takes one as a whole.
const writeBuffer = 4 << 20

// Rules are what the agent's table says. Without any part there is no table.
type Rules struct {
	NAT   *NAT
	Guard *Guard
}

// Equal reports whether two say the same.
func (r Rules) Equal(other Rules) bool { return r.NAT.Equal(other.NAT) && r.Guard.Equal(other.Guard) }

// RuleTable is the agent's table as it is.
type RuleTable struct {
	Exists bool
	// Rules is nil when the table is not as the agent makes it.
	Rules *Rules
	// Counters are what its rules have counted; those that the agent does not know have none.
	Counters Counters
}

// Counters are what rules have counted, by chain and by the place of the rule in it.
type Counters map[string]map[int]expr.Counter

// Reason says why a packet was dropped.
type Reason string

// The reasons to drop packets.
const (
	// PodSource is that no way back leads to the pod that sent it.
	PodSource Reason = "pod-source"
	// PodControl is that a pod sent it to tell the node where to route or which address to take.
	PodControl Reason = "pod-control"
	// OutsideSource is that it came from elsewhere than a pod, with an address that no pod of another node
	// can have.
	OutsideSource Reason = "outside-source"
)

// Dropped gives the packets that were dropped, by reason.
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

// chain is a chain of the agent's table. One without a hook is gone to from others.
type chain struct {
	name     string
	kind     nftables.ChainType
	hook     *nftables.ChainHook
	priority *nftables.ChainPriority
	rules    [][]expr.Any
}

// parts are all sets and chains.
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

// ReadRules reads the agent's table.
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

// ReadCounters reads what the agent's table has counted; without one, that is nothing.
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

// open finds the agent's table; there may be none.
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
		return nil, nil, nil // another's idea of the table
	}
	return rules, counters, nil
}

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

func counterOf(exprs []expr.Any) *expr.Counter {
	for _, e := range exprs {
		if counter, ok := e.(*expr.Counter); ok {
			return counter
		}
	}
	return nil
}

// madeOf reports whether the rules are made of exactly these sets and chains. What sets hold was read
// from them.
func (r Rules) madeOf(sets map[string]set, chains map[string]chain) bool {
	wantedSets, wantedChains := r.parts()
	if len(sets) != len(wantedSets) || len(chains) != len(wantedChains) {
		return false
	}
	return !slices.ContainsFunc(wantedSets, func(s set) bool { return !s.alike(sets[s.name]) }) &&
		!slices.ContainsFunc(wantedChains, func(c chain) bool { return !c.equal(chains[c.name]) })
}

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

// withoutChosen leaves out what the kernel chooses and counts.
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

// WriteRules makes the agent's table say rules, in one step; without any, there is no table. What was
// counted is counted on.
func WriteRules(rules Rules, counted Counters) error {
	conn, err := nftables.New(nftables.WithSockOptions(func(c *netlink.Conn) error { return c.SetWriteBuffer(writeBuffer) }))
	if err != nil {
		return fmt.Errorf("cannot open nftables: %w", err)
	}
	// To add the table first makes its removal succeed always.
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
			if counter := counterOf(exprs); counter != nil {
				*counter = counted[c.name][i]
			}
			conn.AddRule(&nftables.Rule{Table: table, Chain: made, Exprs: exprs})
		}
	}
	return nil
}
