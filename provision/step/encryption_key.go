package step

import (
	"context"
	"errors"
	"net/netip"
	"sync"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/keys"
	"github.com/dualstrap/dualstrap/provision/session"
	"github.com/dualstrap/dualstrap/provision/workflow"
	"github.com/dualstrap/dualstrap/render"
)

// EncryptionKeyPhaseName is the name of the phase that distributes the keys for Secrets to control plane nodes.
const EncryptionKeyPhaseName = "encryption-key"

// EncryptionKeyPhase returns the phase that writes the same key file on every control plane node before its API server
// starts. found holds the key files that the hosts had when the run began; the plan of a dry run does not need them.
func EncryptionKeyPhase(ctx context.Context, s *session.Session, found map[netip.Addr]keys.File) workflow.Phase {
	first := s.ControlPlanes()[0]
	distribution := &keys.Distribution{Files: KeyFiles(s), Found: found, First: first, Connect: s.Connections.Host}
	return workflow.Phase{
		Name: EncryptionKeyPhaseName, Short: "distribute the key that Secrets are encrypted with to control plane nodes",
		Hosts: func(host netip.Addr) bool {
			return s.Config.Security.EncryptSecrets && s.Host(host).ControlPlane
		},
		// The first host generates the key for all. By then it is prepared, and so has the record that a reset needs.
		After: []workflow.Dependency{{Phase: PreparePhaseName, Hosts: func(host netip.Addr) bool { return host == first }}},
		Plan:  distribution.Plan(ctx),
	}
}

// KeyFiles returns the key files of the session's hosts.
func KeyFiles(s *session.Session) keys.Files {
	return keys.Files{Path: render.EncryptionConfig, Secrets: s.Secrets}
}

// CheckKeys reads and checks the key files of all control plane nodes, before anything is changed. It returns nil if the
// manifests do not ask for encryption.
func CheckKeys(ctx context.Context, s *session.Session) (map[netip.Addr]keys.File, error) {
	if !s.Config.Security.EncryptSecrets {
		return nil, nil
	}
	found, err := ReadKeys(ctx, s)
	if err != nil {
		return nil, err
	}
	return found, keys.Check(s.ControlPlanes(), found, s.IsInitialized())
}

// ReadKeys reads the key files of all control plane hosts. Hosts without one map to the zero keys.File. It returns an error
// if any host cannot be read.
func ReadKeys(ctx context.Context, s *session.Session) (map[netip.Addr]keys.File, error) {
	files := KeyFiles(s)
	var mu sync.Mutex // guards found
	found := map[netip.Addr]keys.File{}
	report, err := s.Run(ctx, s.ControlPlanes(), workflow.Phase{
		Name: "read-keys", Short: "read the keys that Secrets are encrypted with",
		ReadOnly: true,
		Plan: func(ctx context.Context, host remote.Reader) ([]workflow.Action, error) {
			file, err := files.Read(ctx, host)
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
