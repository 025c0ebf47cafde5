package facts

import (
	"context"
	_ "embed"
	"time"

	"github.com/dualstrap/dualstrap/hostprep/osfamily"
	"github.com/dualstrap/dualstrap/hostprep/remote"
)

//go:embed scripts/probe.sh
var probeScript string

// newProbeScript returns the script of [Probe]. It first waits until the host's lock is free: scripts of a killed run may
// still be working, and a firewalld that they are restarting, for example, does not answer.
func newProbeScript() (remote.Script, error) {
	args := remote.Args{"programs": remote.Lines(osfamily.Programs()...)}
	return remote.NewScript("probe host", args, remote.LockScript(), probeScript)
}

// Probe reads all facts about a host that the checks and the renderer need, in one round trip.
func Probe(ctx context.Context, host remote.Reader) (Host, error) {
	script, err := newProbeScript()
	if err != nil {
		return Host{}, err
	}
	answer, err := host.Probe(ctx, script)
	if err != nil {
		return Host{}, err
	}
	return decode(answer, time.Now())
}
