package change

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/dualstrap/dualstrap/hostprep/firewalld"
	"github.com/dualstrap/dualstrap/hostprep/remote"
)

// firewalld makes its changes once its files are written, and looks whether they had the effect.
func (a *applier) firewalld(ctx context.Context) error {
	w := a.work.firewalld
	if len(w.permanent)+len(w.runtime)+len(w.back) == 0 && w.how == "" {
		return nil
	}
	select {
	case <-a.written:
	case <-ctx.Done():
		return ctx.Err()
	}
	calls := firewalldCalls{
		permanent: firewalld.Commands(true, w.permanent), runtime: firewalld.Commands(false, w.runtime),
		how: w.how, back: w.back,
	}
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
	for _, command := range calls.back {
		a.result.PutBack = append(a.result.PutBack, "firewall-cmd "+strings.Join(command, " "))
	}
	return a.verify(after, firewalld.Lost(before, after, nil))
}

// verify holds firewalld to what a restart or a reload was for.
func (a *applier) verify(after firewalld.State, lost []string) error {
	w := a.work.firewalld
	switch missing := firewalld.Missing(after, w.asked); {
	case !after.Running:
		return fmt.Errorf("cannot %s firewalld: it does not run afterwards", w.how)
	case w.filterOff && after.FiltersPaths:
		return fmt.Errorf("cannot switch %s off: firewalld has restarted, but its rule is still in effect", rpfilterKey)
	case !missing.Empty():
		return fmt.Errorf("cannot change firewalld: after the %s it still lacks: %s", w.how, describe(missing))
	case len(lost) > 0:
		return fmt.Errorf("cannot keep what firewalld had: the %s took it away: %s", w.how, strings.Join(lost, ", "))
	default:
		return nil
	}
}

func describe(delta firewalld.Delta) string {
	var all []string
	for _, change := range slices.Concat(delta.Permanent, delta.Runtime) {
		all = append(all, change.String())
	}
	return strings.Join(all, ", ")
}

// firewalldCalls are changes of firewalld, in their order.
type firewalldCalls struct {
	permanent, runtime []firewalld.Command
	// how is restart, reload or nothing.
	how string
	// back comes last: what is at run time and the restart or reload takes away.
	back []firewalld.Command
}

// make makes the calls and, after a restart or a reload, gives what there is then.
func (c firewalldCalls) make(ctx context.Context, host remote.Host) (firewalld.State, error) {
	text, err := body("firewalld")
	if err != nil {
		return firewalld.State{}, err
	}
	_, err = host.Run(ctx, remote.Script{Name: "change firewalld", Body: text, Args: []string{
		firewalld.FormatCommands(c.permanent), firewalld.FormatCommands(c.runtime), c.how, firewalld.FormatCommands(c.back),
	}})
	if err != nil || c.how == "" {
		return firewalld.State{}, err
	}
	return readFirewalld(ctx, host)
}

// readFirewalld reads all of it.
func readFirewalld(ctx context.Context, host remote.Reader) (firewalld.State, error) {
	text, err := body("firewalld_read", "firewalld_state")
	if err != nil {
		return firewalld.State{}, err
	}
	answer, err := host.Probe(ctx, remote.Script{Name: "look at firewalld", Body: text})
	if err != nil {
		return firewalld.State{}, err
	}
	return parseFirewalld(answer)
}
