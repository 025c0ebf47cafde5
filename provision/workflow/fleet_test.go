package workflow_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/workflow"
)

// machine is a host in memory on which the phases of these tests put words.
type machine struct {
	remote.Host // nil: no test calls the methods that machine does not define
	address     netip.Addr

	mu    sync.Mutex
	words []string
}

func (m *machine) Address() netip.Addr { return m.address }

func (m *machine) holds(word string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Contains(m.words, word)
}

func (m *machine) put(word string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.words = append(m.words, word)
}

// fleet is a set of machines, with the actions that were done on them in order.
type fleet struct {
	machines []*machine

	mu    sync.Mutex
	story []string
	// broken holds the hosts that cannot be reached, as "10.0.0.1", and the actions that fail, as "10.0.0.1 install".
	broken map[string]bool
}

func newFleet(size int) *fleet {
	f := &fleet{broken: map[string]bool{}}
	address := netip.MustParseAddr("10.0.0.1")
	for range size {
		f.machines = append(f.machines, &machine{address: address})
		address = address.Next()
	}
	return f
}

func (f *fleet) machine(address netip.Addr) *machine {
	return f.machines[slices.IndexFunc(f.machines, func(m *machine) bool { return m.address == address })]
}

func (f *fleet) runner() *workflow.Runner {
	r := &workflow.Runner{Connect: func(_ context.Context, address netip.Addr) (remote.Host, error) {
		if f.broken[address.String()] {
			return nil, errors.New("connection refused")
		}
		return f.machine(address), nil
	}}
	for _, m := range f.machines {
		r.Hosts = append(r.Hosts, m.address)
	}
	return r
}

func (f *fleet) tell(what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.story = append(f.story, what)
}

// put returns a phase that puts its name on hosts.
func (f *fleet) put(name string, after ...workflow.Dependency) workflow.Phase {
	return workflow.Phase{Name: name, After: after, Plan: func(_ context.Context, host remote.Reader) ([]workflow.Action, error) {
		if f.machine(host.Address()).holds(name) {
			return nil, nil
		}
		return []workflow.Action{{Summary: "put " + name, Do: func(_ context.Context, host remote.Host) error {
			what := host.Address().String() + " " + name
			if f.broken[what] {
				return errors.New("disk full")
			}
			f.machine(host.Address()).put(name)
			f.tell(what)
			return nil
		}}}, nil
	}}
}
