package change

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/dualstrap/dualstrap/hostprep/firewalld"
	"github.com/dualstrap/dualstrap/hostprep/remote"
)

// firewalld changes firewalld once its configuration files are written.
func (a *applier) firewalld(ctx context.Context) error {
	if !a.work.firewalld.isNeeded() {
		return nil
	}
	if err := await(ctx, a.written); err != nil {
		return err
	}
	return a.steps.do("change firewalld", func() error { return a.changeFirewalld(ctx) })
}

// changeFirewalld makes the changes. After a restart or reload it verifies that they took effect, and that no other
// program's runtime settings were lost.
func (a *applier) changeFirewalld(ctx context.Context) error {
	w := a.work.firewalld
	calls := firewalldCalls{
		permanent: firewalld.Commands(true, w.permanent), runtime: firewalld.Commands(false, w.runtime),
		how: w.how, back: w.back,
	}
	// The survey only reads the zones and policies that are asked for, but a restart or reload drops the
	// runtime settings of all of them. So everything is read just before, to be restored and compared.
	var before firewalld.State
	if w.how != "" {
		var err error
		if before, err = readFirewalld(ctx, a.host); err != nil {
			return err
		}
		calls.back = append(firewalld.PutBack(before, w.asked), calls.back...)
	}
	after, err := calls.make(ctx, a.host)
	if err != nil || w.how == "" {
		return err
	}
	return a.verify(after, firewalld.Lost(before, after, nil))
}

// verify checks that firewalld, after its restart or reload, runs and has everything that was asked for. lost
// describes runtime settings that are missing although they were restored.
func (a *applier) verify(after firewalld.State, lost []string) error {
	w := a.work.firewalld
	switch missing := firewalld.Missing(after, w.asked); {
	case !after.Running:
		return fmt.Errorf("cannot %s firewalld: it is not running afterwards", w.how)
	case w.filterOff && after.FiltersPaths:
		return fmt.Errorf("cannot switch %s off: firewalld has restarted, but its rule is still in effect", rpfilterKey)
	case !missing.Empty():
		return fmt.Errorf("cannot change firewalld: after the %s it still lacks: %s", w.how, describe(missing))
	case len(lost) > 0:
		return fmt.Errorf("cannot preserve firewalld's runtime settings: the %s dropped: %s", w.how, strings.Join(lost, ", "))
	default:
		return nil
	}
}

// describe lists the missing changes for an error message.
func describe(delta firewalld.Delta) string {
	var all []string
	for _, change := range slices.Concat(delta.Permanent, delta.Runtime) {
		all = append(all, change.String())
	}
	return strings.Join(all, ", ")
}

// firewalldCalls holds the calls of firewall-cmd, in the order in which they are made.
type firewalldCalls struct {
	permanent, runtime []firewalld.Command
	// how is "restart", "reload", or empty.
	how string
	// back runs after the restart or reload and restores the runtime settings that it drops.
	back []firewalld.Command
}

// make makes the calls. After a restart or a reload it returns the resulting state; without one, the zero State.
func (c firewalldCalls) make(ctx context.Context, host remote.Host) (firewalld.State, error) {
	err := run(ctx, host, "change firewalld", "firewalld", remote.Args{
		"permanent": firewalld.FormatCommands(c.permanent), "runtime": firewalld.FormatCommands(c.runtime),
		"how": c.how, "back": firewalld.FormatCommands(c.back),
	})
	if err != nil || c.how == "" {
		return firewalld.State{}, err
	}
	return readFirewalld(ctx, host)
}

// readFirewalld reads all zones and policies, permanent and at run time.
func readFirewalld(ctx context.Context, host remote.Reader) (firewalld.State, error) {
	answer, err := probe(ctx, host, "read firewalld's state", nil, "firewalld_read", "firewalld_state")
	if err != nil {
		return firewalld.State{}, err
	}
	return parseFirewalld(answer)
}
