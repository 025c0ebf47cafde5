package rotate

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/dualstrap/dualstrap/provision/keys"
	"github.com/dualstrap/dualstrap/provision/kube"
	"github.com/dualstrap/dualstrap/provision/refusal"
	"github.com/dualstrap/dualstrap/provision/session"
	"github.com/dualstrap/dualstrap/provision/step"
	"github.com/dualstrap/dualstrap/render"
)

// EncryptionKey replaces the key that encrypts Secrets: it distributes a new key, stores all Secrets again with it,
// and removes the old key. Every API server can read every Secret at all times. A rotation can be interrupted anywhere; the
// next call finishes it.
//
// The error is a [refusal.Error] if the cluster does not encrypt Secrets, or if a control plane node cannot take part. The
// outcome is valid also if there is an error.
func EncryptionKey(ctx context.Context, s *session.Session) (keys.Outcome, error) {
	release, err := s.Lock(ctx)
	if err != nil {
		return keys.Outcome{}, err
	}
	defer release()
	client, err := checkEncryptedCluster(ctx, s)
	if err != nil {
		return keys.Outcome{}, err
	}
	found, err := step.ReadKeys(ctx, s)
	if err != nil {
		return keys.Outcome{}, err
	}
	nodes, err := client.Nodes(ctx)
	if err != nil {
		return keys.Outcome{}, err
	}
	members := s.API.JoinedControlPlanes()
	// An API server that does not get the new key could not read what the others write.
	if err := refusal.IfAny(absentReasons(s, members, nodes, found)); err != nil {
		return keys.Outcome{}, err
	}
	r := &keys.Rotation{
		Files: step.KeyFiles(s), Runner: s.Runner(members), Servers: map[netip.Addr]keys.Encryptor{}, Rewriter: client,
		Stored: func(ctx context.Context, prefix string) ([]string, error) { return storedWithout(ctx, s, prefix) },
	}
	// Each API server loads its file on its own, so each is queried through a connection of its own.
	for _, member := range members {
		r.Servers[member] = s.API.ClientOf(member)
	}
	return r.Run(ctx, found)
}

// checkEncryptedCluster returns a client of the cluster if the cluster encrypts Secrets and all of its control plane hosts
// answer. It reads the setting from the cluster, because the manifests may have changed since it was created.
func checkEncryptedCluster(ctx context.Context, s *session.Session) (*kube.Client, error) {
	if err := s.Probe(ctx, s.ControlPlanes()); err != nil {
		return nil, err
	}
	var failures []error
	for _, address := range s.ControlPlanes() {
		if err := s.Host(address).Err; err != nil {
			failures = append(failures, fmt.Errorf("%s has to take part, and nothing was changed: %w", address, err))
		}
	}
	if len(failures) > 0 {
		return nil, errors.Join(failures...)
	}
	if err := s.RefuseForeign(); err != nil {
		return nil, err
	}
	if !s.IsInitialized() {
		return nil, refusal.Because("the hosts are not a cluster yet: dualstrap create cluster makes one, with a key of its own")
	}
	client, err := s.API.Client(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot ask the cluster that is there: %w", err)
	}
	var settings step.ClusterConfiguration
	if err := step.DecodeConfig(ctx, client, "kubeadm-config", "ClusterConfiguration", &settings); err != nil {
		return nil, err
	}
	if !settings.Security().EncryptSecrets {
		return nil, refusal.Because("the cluster does not encrypt Secrets, so there is no key: " +
			"clusterSecurity.encryptSecrets in ProvisionOptions is for clusters that are made with it")
	}
	return client, nil
}

// controlPlaneLabel is the label that kubeadm sets on control plane nodes.
const controlPlaneLabel = "node-role.kubernetes.io/control-plane"

// absentReasons returns a reason for each node that has an API server, or is about to have one, and would not get the new
// key: control plane nodes that are not among members, members without a key file, and hosts with a key file that have not
// joined.
func absentReasons(s *session.Session, members []netip.Addr, nodes []kube.Node, found map[netip.Addr]keys.File) []string {
	var reasons []string
	takesPart := map[netip.Addr]bool{} // by Kubernetes address, as Nodes have it
	for _, member := range members {
		takesPart[s.Host(member).K8sIP] = true
	}
	for _, node := range nodes {
		if _, isControlPlane := node.Labels[controlPlaneLabel]; isControlPlane && !takesPart[node.K8sIP] {
			reasons = append(reasons, fmt.Sprintf("%s is a control plane node that the manifests do not have, or that has not joined: "+
				"it could not read what the new key encrypts", node.Name))
		}
	}
	for _, address := range s.ControlPlanes() {
		isMember := slices.Contains(members, address)
		switch exists := found[address].Exists(); {
		case isMember && !exists:
			reasons = append(reasons, fmt.Sprintf("%s has no %s: dualstrap create cluster brings it back", address, render.EncryptionConfig))
		case !isMember && exists:
			reasons = append(reasons, fmt.Sprintf("%s has the key and has not joined: dualstrap create cluster finishes that", address))
		}
	}
	return reasons
}

// storedWithout returns the etcd keys of the Secrets whose stored values do not begin with a prefix.
func storedWithout(ctx context.Context, s *session.Session, prefix string) ([]string, error) {
	client, err := step.Etcd(ctx, s)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	return client.KeysWithout(ctx, keys.SecretsPath, prefix)
}
