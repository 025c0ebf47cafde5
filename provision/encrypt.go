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

// encryptionKeyPhaseName is the name of the phase that distributes the keys for Secrets to control plane nodes.
const encryptionKeyPhaseName = "encryption-key"

// encryptionKeyPhase returns the phase that writes the same key file on every control plane node before its API server
// starts. found holds the key files that the hosts had when the run began; the plan of a dry run does not need them.
func (s *Session) encryptionKeyPhase(ctx context.Context, found map[netip.Addr]keyFile) workflow.Phase {
	first := s.controlPlanes()[0]
	distribution := &keyDistribution{keyFiles: s.keyFiles(), found: found, first: first, connect: s.connections.Host}
	return workflow.Phase{
		Name: encryptionKeyPhaseName, Short: "distribute the key that Secrets are encrypted with to control plane nodes",
		Hosts: func(host netip.Addr) bool {
			return s.loaded.Config.Security.EncryptSecrets && s.index[host].ControlPlane
		},
		// The first host generates the key for all. By then it is prepared, and so has the record that a reset needs.
		After: []workflow.Dependency{{Phase: preparePhaseName, Hosts: func(host netip.Addr) bool { return host == first }}},
		Plan:  distribution.plan(ctx),
	}
}

// keyDistribution copies an existing key file to the control plane nodes that do not have it. If none has one, the first
// node generates a key: [checkKeyFiles] ensures that no Secrets exist then that another key has encrypted.
type keyDistribution struct {
	keyFiles

	// found holds the key files of the hosts when the run began.
	found map[netip.Addr]keyFile
	// first is the host that generates a new key.
	first   netip.Addr
	connect func(ctx context.Context, host netip.Addr) (remote.Host, error)
}

// plan returns the Plan of the phase. All hosts share one content, which is determined when the first of them writes it.
func (g *keyDistribution) plan(ctx context.Context) planFunc {
	content := sync.OnceValues(func() ([]byte, error) { return g.foundOrNew(ctx) })
	return func(ctx context.Context, host remote.Reader) ([]workflow.Action, error) {
		file, err := g.read(ctx, host)
		// An existing file is never replaced with another key, only given its mode and owner back.
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

// foundOrNew returns the content of an existing key file, or a new one. The existing files are all the same, as
// [checkKeyFiles] has verified.
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
	secret, err := g.generate(ctx, host)
	if err != nil {
		return nil, err
	}
	return encryption.First(secret).Encode()
}

// checkKeys reads and checks the key files of all control plane nodes, before anything is changed. It returns nil if the
// manifests do not ask for encryption.
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

// checkKeyFiles returns a [RefusedError] if the files differ, because API servers could not read each other's Secrets, or
// if an initialized cluster has none left: its Secrets need the lost key, and a new one must not take its place.
func checkKeyFiles(hosts []netip.Addr, found map[netip.Addr]keyFile, initialized bool) error {
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
	case len(digests) == 0 && initialized:
		return &RefusedError{Reasons: []string{render.EncryptionConfig + ", with the key that Secrets are encrypted with, is gone from all " +
			"control plane nodes: bring it back from a backup to one of them, with mode 0600 and owner root"}}
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

// readKeys reads the key files of all control plane hosts. Hosts without one map to the zero keyFile. It returns an error
// if any host cannot be read.
func (s *Session) readKeys(ctx context.Context) (map[netip.Addr]keyFile, error) {
	files := s.keyFiles()
	var mu sync.Mutex // guards found
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
