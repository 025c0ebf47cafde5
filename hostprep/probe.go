package hostprep

import (
	"context"
	_ "embed"
	"time"

	"github.com/dualstrap/dualstrap/hostprep/remote"
)

//go:embed scripts/probe.sh
var probeScript string

// ProbeScript is what [Probe] runs on a host. It waits for what a run that was killed has left at work: a
// firewalld that is just being restarted, say, does not answer.
func ProbeScript() remote.Script {
	return remote.Script{Name: "probe host", Body: remote.LockScript() + "wait_unlocked\n" + probeScript}
}

// Probe asks a host everything that the checks and the renderer need to know, in one round trip.
func Probe(ctx context.Context, host remote.Reader) (Facts, error) {
	answer, err := host.Probe(ctx, ProbeScript())
	if err != nil {
		return Facts{}, err
	}
	return decode(answer, time.Now())
}
