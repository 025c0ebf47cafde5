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

// RotateOutcome is what giving a cluster another key came to.
type RotateOutcome struct {
	// Key is the name of the key that Secrets are encrypted with when the run has come to its end; empty when it did not
	// begin.
	Key string
	// Resumed says that the run finished an earlier one, and made no key of its own.
	Resumed bool
	// Rewritten is how many Secrets were stored again.
	Rewritten int
	// Run is what was done, phase by phase; nil when it was not come to.
	Run *workflow.Report
}

// RotateEncryptionKey gives the cluster another key to encrypt Secrets with, stores all Secrets again with it, and takes
// the old one away. Every API server can read every Secret at all times. It can be interrupted anywhere: the next call
// finishes it. The error is a [RefusedError] where the cluster does not encrypt Secrets, or some control plane node could
// not take part. The outcome is of use also where there is an error.
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
	if reasons := s.absentReasons(members, nodes, found); len(reasons) > 0 {
		return RotateOutcome{}, &RefusedError{Reasons: reasons}
	}
	r := &rotationRun{
		keyFiles: s.keyFiles(), runner: s.runner(members), servers: map[netip.Addr]encryptor{}, rewriter: client, stored: s.storedWithout,
	}
	for _, member := range members {
		r.servers[member] = s.api.clientOf(member)
	}
	return r.run(ctx, found)
}

// checkEncryptedCluster looks for a cluster that encrypts Secrets, all of whose control plane nodes answer.
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
		return nil, &RefusedError{Reasons: []string{"the hosts are no cluster yet: dualstrap create cluster makes one, with a key of its own"}}
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

// controlPlaneLabel is on control plane nodes, by kubeadm.
const controlPlaneLabel = "node-role.kubernetes.io/control-plane"

// absentReasons says who has an API server, or is about to have one, and would not get the new key.
func (s *Session) absentReasons(members []netip.Addr, nodes []kube.Node, found map[netip.Addr]keyFile) []string {
	var reasons []string
	taking := map[netip.Addr]bool{}
	for _, member := range members {
		taking[s.index[member].K8sIP] = true
	}
	for _, node := range nodes {
		if _, isControlPlane := node.Labels[controlPlaneLabel]; isControlPlane && !taking[node.K8sIP] {
			reasons = append(reasons, fmt.Sprintf("%s is a control plane node that the manifests do not have, or that has not joined: "+
				"it could not read what the new key encrypts", node.Name))
		}
	}
	for _, address := range s.controlPlanes() {
		isMember := slices.Contains(members, address)
		switch there := found[address].exists(); {
		case isMember && !there:
			reasons = append(reasons, fmt.Sprintf("%s has no %s: dualstrap create cluster brings it back", address, s.keyFiles().path))
		case !isMember && there:
			reasons = append(reasons, fmt.Sprintf("%s has the key and has not joined: dualstrap create cluster finishes that", address))
		}
	}
	return reasons
}

// clientOf returns a client of one control plane node's own API server. It has sent nothing yet.
func (a *apiAccess) clientOf(address netip.Addr) *kube.Client {
	return kube.Connect(a.admin, a.session.cluster.Endpoint, a.dialer(address))
}

// storedWithout lists the keys in etcd of the Secrets that are stored otherwise than with a prefix.
func (s *Session) storedWithout(ctx context.Context, prefix string) ([]string, error) {
	client, err := s.etcd(ctx)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	return client.KeysWithout(ctx, secretsPath, prefix)
}

// secretsPath is where API servers keep Secrets in etcd.
const secretsPath = "/registry/secrets/"

// rotationOf returns how far a rotation has come, from the files of the control plane nodes that take part.
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
