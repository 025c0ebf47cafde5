package provision

import (
	"context"
	"errors"
	"net/netip"
	"sync"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/encryption"
	"github.com/dualstrap/dualstrap/provision/workflow"
	"github.com/dualstrap/dualstrap/render"
)

// encryptionKeyPhaseName is the name of the phase that gives control plane nodes the keys of Secrets.
const encryptionKeyPhaseName = "encryption-key"

// encryptionKeyPhase gives every control plane node the same keys before its API server starts.
func (s *Session) encryptionKeyPhase(ctx context.Context, found map[netip.Addr]keyFile) workflow.Phase {
	first := s.controlPlanes()[0]
	giving := &keyDistribution{keyFiles: s.keyFiles(), found: found, first: first, connect: s.pool.Host}
	return workflow.Phase{
		Name: encryptionKeyPhaseName, Short: "give control plane nodes the key that Secrets are encrypted with",
		Hosts: func(host netip.Addr) bool {
			return s.loaded.Config.Security.EncryptSecrets && s.index[host].ControlPlane
		},
		// It makes the key, and has a record from then on.
		After: []workflow.Dependency{{Phase: PreparePhase, Hosts: func(host netip.Addr) bool { return host == first }}},
		Plan:  giving.plan(ctx),
	}
}

// keyDistribution brings control plane nodes the keys that another one has. Where none has any, the first one makes one:
// [checkKeyFiles] has seen to it that there is nothing then that another key has encrypted.
type keyDistribution struct {
	keyFiles

	// found are the files that there were when the run began.
	found   map[netip.Addr]keyFile
	first   netip.Addr
	connect func(ctx context.Context, host netip.Addr) (remote.Host, error)
}

// plan is that of all hosts of a run.
func (g *keyDistribution) plan(ctx context.Context) planFunc {
	content := sync.OnceValues(func() ([]byte, error) { return g.foundOrNew(ctx) })
	return func(ctx context.Context, host remote.Reader) ([]workflow.Action, error) {
		file, err := g.read(ctx, host)
		if err != nil || file.exists() && !file.exposed {
			return nil, err
		}
		return []workflow.Action{{Summary: "write " + g.path, Do: func(ctx context.Context, host remote.Host) error {
			wanted, err := content()
			if err != nil {
				return err
			}
			return g.write(ctx, host, wanted)
		}}}, nil
	}
}

// foundOrNew returns the file that some control plane node has, or a new one.
func (g *keyDistribution) foundOrNew(ctx context.Context) ([]byte, error) {
	for _, file := range g.found {
		if file.exists() {
			return file.content, nil
		}
	}
	host, err := g.connect(ctx, g.first)
	if err != nil {
		return nil, err
	}
	secret, err := g.draw(ctx, host)
	if err != nil {
		return nil, err
	}
	return encryption.First(secret).Encode()
}

// checkKeys reads the files of all control plane nodes, before anything is changed, and judges them.
func (s *Session) checkKeys(ctx context.Context) (map[netip.Addr]keyFile, error) {
	if !s.loaded.Config.Security.EncryptSecrets {
		return nil, nil
	}
	found, err := s.readKeys(ctx)
	if err != nil {
		return nil, err
	}
	return found, checkKeyFiles(s.controlPlanes(), found, s.isInitialized())
}

// checkKeyFiles returns a [RefusedError] where API servers could not read each other's Secrets, or there is no key although
// there may be Secrets that need one: those of a cluster that is founded.
func checkKeyFiles(hosts []netip.Addr, found map[netip.Addr]keyFile, founded bool) error {
	var different differences
	digests := map[string]bool{}
	var configs []encryption.Config
	for _, host := range hosts {
		if file := found[host]; file.exists() {
			digest := encryption.Digest(file.content)
			digests[digest] = true
			configs = append(configs, file.config)
			different.addAt("the file is "+digest, host.String())
		}
	}
	switch {
	case len(digests) > 1:
		return &RefusedError{Reasons: append([]string{differentKeys(configs)}, different.reasons()...)}
	case len(digests) == 0 && founded:
		return &RefusedError{Reasons: []string{render.EncryptionConfig + ", with the key that Secrets are encrypted with, is gone from all " +
			"control plane nodes: bring it back from a backup to one of them, with mode 0600 and owner root"}}
	}
	return nil
}

// differentKeys says why control plane nodes have different files.
func differentKeys(configs []encryption.Config) string {
	const what = render.EncryptionConfig + " is not the same on all control plane nodes"
	if stage, _, err := encryption.Find(configs); err == nil && stage != encryption.Settled {
		return what + ": a rotation of the key was interrupted, and dualstrap rotate encryption-key finishes it"
	}
	return what + ", so that API servers may not read each other's Secrets: find out which is the right one, and remove the others"
}

// readKeys reads the file of every control plane host.
func (s *Session) readKeys(ctx context.Context) (map[netip.Addr]keyFile, error) {
	files := s.keyFiles()
	var mu sync.Mutex
	found := map[netip.Addr]keyFile{}
	report, err := s.run(ctx, s.controlPlanes(), false, workflow.Phase{
		Name: "read-keys", Short: "read the keys that Secrets are encrypted with",
		ReadOnly: true,
		Plan: func(ctx context.Context, host remote.Reader) ([]workflow.Action, error) {
			file, err := files.read(ctx, host)
			mu.Lock()
			defer mu.Unlock()
			found[host.Address()] = file
			return nil, err
		},
	})
	if err != nil {
		return nil, err
	}
	return found, errors.Join(report.Err(), ctx.Err())
}
