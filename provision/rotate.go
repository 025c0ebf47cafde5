package provision

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"sigs.k8s.io/yaml"

	"github.com/dualstrap/dualstrap/provision/encryption"
	"github.com/dualstrap/dualstrap/provision/kube"
	"github.com/dualstrap/dualstrap/provision/workflow"
)

// RotateOutcome is the result of [Session.RotateEncryptionKey].
type RotateOutcome struct {
	// Key is the name of the key that Secrets are encrypted with after a successful run; empty if the run ended before its
	// phases started.
	Key string
	// Resumed reports whether the run finished an earlier rotation instead of generating a new key.
	Resumed bool
	// Rewritten is how many Secrets were stored again.
	Rewritten int
	// Run lists the changes by host and phase; nil if the run ended before its phases started.
	Run *workflow.Report
}

// RotateEncryptionKey replaces the key that encrypts Secrets: it distributes a new key, stores all Secrets again with it,
// and removes the old key. Every API server can read every Secret at all times. A rotation can be interrupted anywhere; the
// next call finishes it.
//
// The error is a [RefusedError] if the cluster does not encrypt Secrets, or if a control plane node cannot take part. The
// outcome is valid also if there is an error.
func (s *Session) RotateEncryptionKey(ctx context.Context) (RotateOutcome, error) {
	release, err := s.lock(ctx)
	if err != nil {
		return RotateOutcome{}, err
	}
	defer release()
	client, err := s.checkEncryptedCluster(ctx)
	if err != nil {
		return RotateOutcome{}, err
	}
	found, err := s.readKeys(ctx)
	if err != nil {
		return RotateOutcome{}, err
	}
	nodes, err := client.Nodes(ctx)
	if err != nil {
		return RotateOutcome{}, err
	}
	members := s.api.joinedControlPlanes()
	// An API server that does not get the new key could not read what the others write.
	if reasons := s.absentReasons(members, nodes, found); len(reasons) > 0 {
		return RotateOutcome{}, &RefusedError{Reasons: reasons}
	}
	r := &rotationRun{
		keyFiles: s.keyFiles(), runner: s.runner(members), servers: map[netip.Addr]encryptor{}, rewriter: client, stored: s.storedWithout,
	}
	// Each API server loads its file on its own, so each is queried through a connection of its own.
	for _, member := range members {
		r.servers[member] = s.api.clientOf(member)
	}
	return r.run(ctx, found)
}

// checkEncryptedCluster returns a client of the cluster if the cluster encrypts Secrets and all of its control plane hosts
// answer. It reads the setting from the cluster, because the manifests may have changed since it was created.
func (s *Session) checkEncryptedCluster(ctx context.Context) (*kube.Client, error) {
	if err := s.probeHosts(ctx, s.controlPlanes(), s.probePhase()); err != nil {
		return nil, err
	}
	var failures []error
	for _, address := range s.controlPlanes() {
		if err := s.index[address].Err; err != nil {
			failures = append(failures, fmt.Errorf("%s has to take part, and nothing was changed: %w", address, err))
		}
	}
	if len(failures) > 0 {
		return nil, errors.Join(failures...)
	}
	if err := s.refusal(); err != nil {
		return nil, err
	}
	if !s.isInitialized() {
		return nil, &RefusedError{Reasons: []string{"the hosts are not a cluster yet: dualstrap create cluster makes one, with a key of its own"}}
	}
	client, err := s.api.client(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot ask the cluster that is there: %w", err)
	}
	content, err := client.SystemConfig(ctx, "kubeadm-config", "ClusterConfiguration")
	if err != nil {
		return nil, err
	}
	var settings kubeadmSettings
	if err := yaml.Unmarshal([]byte(content), &settings); err != nil {
		return nil, fmt.Errorf("cannot understand ConfigMap kube-system/kubeadm-config: %w", err)
	}
	if !settings.security().EncryptSecrets {
		return nil, &RefusedError{Reasons: []string{"the cluster does not encrypt Secrets, so there is no key: " +
			"clusterSecurity.encryptSecrets in ProvisionOptions is for clusters that are made with it"}}
	}
	return client, nil
}

// controlPlaneLabel is the label that kubeadm sets on control plane nodes.
const controlPlaneLabel = "node-role.kubernetes.io/control-plane"

// absentReasons returns a reason for each node that has an API server, or is about to have one, and would not get the new
// key: control plane nodes that are not among members, members without a key file, and hosts with a key file that have not
// joined.
func (s *Session) absentReasons(members []netip.Addr, nodes []kube.Node, found map[netip.Addr]keyFile) []string {
	var reasons []string
	takesPart := map[netip.Addr]bool{} // by Kubernetes address, as Nodes have it
	for _, member := range members {
		takesPart[s.index[member].K8sIP] = true
	}
	for _, node := range nodes {
		if _, isControlPlane := node.Labels[controlPlaneLabel]; isControlPlane && !takesPart[node.K8sIP] {
			reasons = append(reasons, fmt.Sprintf("%s is a control plane node that the manifests do not have, or that has not joined: "+
				"it could not read what the new key encrypts", node.Name))
		}
	}
	for _, address := range s.controlPlanes() {
		isMember := slices.Contains(members, address)
		switch exists := found[address].exists(); {
		case isMember && !exists:
			reasons = append(reasons, fmt.Sprintf("%s has no %s: dualstrap create cluster brings it back", address, s.keyFiles().path))
		case !isMember && exists:
			reasons = append(reasons, fmt.Sprintf("%s has the key and has not joined: dualstrap create cluster finishes that", address))
		}
	}
	return reasons
}

// clientOf returns a client of the API server on one control plane node. client must have succeeded before, because
// clientOf uses its credentials. It does not connect yet.
func (a *apiAccess) clientOf(address netip.Addr) *kube.Client {
	return a.session.options.API(a.admin, a.session.cluster.Endpoint, a.dialer(address))
}

// storedWithout returns the etcd keys of the Secrets whose stored values do not begin with a prefix.
func (s *Session) storedWithout(ctx context.Context, prefix string) ([]string, error) {
	client, err := s.etcd(ctx)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	return client.KeysWithout(ctx, secretsPath, prefix)
}

// secretsPath is the prefix of the etcd keys of Secrets, kube-apiserver's default --etcd-prefix included. NAMESPACE/NAME
// follows.
const secretsPath = "/registry/secrets/"

// rotationOf determines the stage of a rotation, and the content of the file that the stage writes, from the files of the
// control plane nodes that take part. The error is a [RefusedError] if the files do not belong to one rotation.
func rotationOf(found map[netip.Addr]keyFile, members []netip.Addr) (encryption.Stage, encryption.Config, error) {
	var configs []encryption.Config
	var different differences
	for _, member := range members {
		configs = append(configs, found[member].config)
		different.addAt("the file is "+encryption.Digest(found[member].content), member.String())
	}
	stage, config, err := encryption.Find(configs)
	if err != nil {
		return stage, config, &RefusedError{Reasons: append([]string{differentKeys(configs)}, different.reasons()...)}
	}
	return stage, config, nil
}
