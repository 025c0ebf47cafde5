package facts

import (
	"context"
	_ "embed"
	"time"

	"github.com/dualstrap/dualstrap/hostprep/remote"
)

//go:embed scripts/probe.sh
var probeScript string

// ProbeScript returns the script that [Probe] runs on a host. It first waits until the host's lock is free: scripts of a
// killed run may still be working, and a firewalld that they are restarting, for example, does not answer.
func ProbeScript() remote.Script {
	return remote.Script{Name: "probe host", Body: remote.LockScript() + probeScript}
}

// Probe reads all facts about a host that the checks and the renderer need, in one round trip.
func Probe(ctx context.Context, host remote.Reader) (Host, error) {
	answer, err := host.Probe(ctx, ProbeScript())
	if err != nil {
		return Host{}, err
	}
	return decode(answer, time.Now())
}
