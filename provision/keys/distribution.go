package keys

import (
	"context"
	"net/netip"
	"sync"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/encryption"
	"github.com/dualstrap/dualstrap/provision/refusal"
	"github.com/dualstrap/dualstrap/provision/workflow"
	"github.com/dualstrap/dualstrap/render"
)

// Distribution copies an existing key file to the control plane nodes that do not have it. If none has one, the first
// node generates a key: [Check] ensures that no Secrets exist then that another key has encrypted.
type Distribution struct {
	Files

	// Found holds the key files of the hosts when the run began.
	Found map[netip.Addr]File
	// First is the host that generates a new key.
	First   netip.Addr
	Connect func(ctx context.Context, host netip.Addr) (remote.Host, error)
}

// Plan returns the Plan of the phase. All hosts share one content, which is determined when the first of them writes it.
func (g *Distribution) Plan(ctx context.Context) workflow.PlanFunc {
	content := sync.OnceValues(func() ([]byte, error) { return g.foundOrNew(ctx) })
	return func(ctx context.Context, host remote.Reader) ([]workflow.Action, error) {
		file, err := g.Read(ctx, host)
		// An existing file is never replaced with another key, only given its mode and owner back.
		if err != nil || file.Exists() && !file.Exposed {
			return nil, err
		}
		return []workflow.Action{{Summary: "write " + g.Path, Do: func(ctx context.Context, host remote.Host) error {
			wanted, err := content()
			if err != nil {
				return err
			}
			return g.write(ctx, host, wanted)
		}}}, nil
	}
}

// foundOrNew returns the content of an existing key file, or a new one. The existing files are all the same, as
// [Check] has verified.
func (g *Distribution) foundOrNew(ctx context.Context) ([]byte, error) {
	for _, file := range g.Found {
		if file.Exists() {
			return file.Content, nil
		}
	}
	host, err := g.Connect(ctx, g.First)
	if err != nil {
		return nil, err
	}
	secret, err := g.generate(ctx, host)
	if err != nil {
		return nil, err
	}
	return encryption.First(secret).Encode()
}

// Check returns a [refusal.Error] if the files differ, because API servers could not read each other's Secrets, or
// if an initialized cluster has none left: its Secrets need the lost key, and a new one must not take its place.
func Check(hosts []netip.Addr, found map[netip.Addr]File, initialized bool) error {
	var different refusal.Differences
	digests := map[string]bool{}
	var configs []encryption.Config
	for _, host := range hosts {
		if file := found[host]; file.Exists() {
			digest := encryption.Digest(file.Content)
			digests[digest] = true
			configs = append(configs, file.Config)
			different.AddAt("the file is "+digest, host.String())
		}
	}
	switch {
	case len(digests) > 1:
		return refusal.Because(append([]string{differentKeys(configs)}, different.Reasons()...)...)
	case len(digests) == 0 && initialized:
		return refusal.Because(render.EncryptionConfig + ", with the key that Secrets are encrypted with, is gone from all " +
			"control plane nodes: bring it back from a backup to one of them, with mode 0600 and owner root")
	}
	return nil
}

// differentKeys returns the reason for a refusal of different files, with the remedy: files of one rotation need only that
// to be finished.
func differentKeys(configs []encryption.Config) string {
	// Find returns Settled for files with the same keys in different bytes, which no rotation leaves behind.
	const what = render.EncryptionConfig + " is not the same on all control plane nodes"
	if stage, _, err := encryption.Find(configs); err == nil && stage != encryption.Settled {
		return what + ": a rotation of the key was interrupted, and dualstrap rotate encryption-key finishes it"
	}
	return what + ", so that API servers may not read each other's Secrets: find out which is the right one, and remove the others"
}
