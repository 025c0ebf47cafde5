package session

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"

	"github.com/dualstrap/dualstrap/hostprep/facts"
	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/internal/localfile"
	"github.com/dualstrap/dualstrap/provision/kube"
	"github.com/dualstrap/dualstrap/provision/load"
)

// adminKubeconfig is the path of the administrator's kubeconfig on control plane nodes, where kubeadm writes it.
const adminKubeconfig = "/etc/kubernetes/admin.conf"

// Kubeconfig returns the administrator's kubeconfig for the cluster's endpoint. Its names include the cluster's, so that
// users can merge the files of several clusters. The error is [ErrNoCluster] if no API client has been created yet.
func (a *API) Kubeconfig() ([]byte, error) {
	client, admin := a.Connected()
	if client == nil {
		return nil, ErrNoCluster
	}
	cluster := a.session.Config.Name
	user := cluster + "-admin"
	return admin.Kubeconfig(a.session.Cluster.Endpoint, kube.Names{Cluster: cluster, User: user, Context: user + "@" + cluster})
}

// KubeconfigError reports a kubeconfig that is not as kubeadm or dualstrap wrote it, or that belongs to another cluster.
// dualstrap does not use it, because a kubeconfig can name programs to run and files to send.
type KubeconfigError struct {
	// Host is the host of the file; invalid if the file is on this machine.
	Host netip.Addr
	Path string
	Err  error
}

// Error implements error.
func (e *KubeconfigError) Error() string {
	where := e.Path
	if e.Host.IsValid() {
		where = e.Host.String() + ": " + e.Path
	}
	return fmt.Sprintf("refused to use %s: %v", where, e.Err)
}

// Unwrap returns the cause.
func (e *KubeconfigError) Unwrap() error { return e.Err }

// Hint returns the way to solve the problem.
func (e *KubeconfigError) Hint() string {
	if e.Host.IsValid() {
		return "find out who changed the file: they are root on a control plane node; kubeadm kubeconfig user can make it again"
	}
	return "move the file away; the next dualstrap create cluster writes it again"
}

// readAdmin reads the administrator's credentials from a control plane node. The error is a [KubeconfigError] if the
// kubeconfig holds anything else, or belongs to another cluster than the one that the run has seen so far.
func (a *API) readAdmin(ctx context.Context, host remote.Host) (kube.Admin, error) {
	content, err := host.ReadFile(ctx, adminKubeconfig)
	if err != nil {
		return kube.Admin{}, err
	}
	admin, err := kube.ParseAdmin(content)
	if err == nil {
		err = checkCA(a.session, admin)
	}
	if err != nil {
		return kube.Admin{}, &KubeconfigError{Host: host.Address(), Path: adminKubeconfig, Err: err}
	}
	return admin, nil
}

// checkCA returns an error if the certificate authority of the credentials is not the one in the kubeconfig of an earlier
// run on this machine, or not the one that joined nodes had when they were probed. The earlier kubeconfig counts only if
// the cluster existed then: otherwise it is from a previous cluster of the same hosts.
func checkCA(s *Session, admin kube.Admin) error {
	hash, err := facts.CAHash(admin.CA)
	if err != nil {
		return err
	}
	if known := s.Cluster.CAHash; known != "" && known != hash && s.IsInitialized() {
		return fmt.Errorf("its certificate authority is %s, and that in %s is %s", hash, s.Options.Kubeconfig, known)
	}
	for i := range s.Hosts {
		member := s.Hosts[i].Facts.Membership
		// The hash is empty if a host has no certificate, or one that is incomplete.
		if member.Joined && member.CAHash != "" && member.CAHash != hash {
			return fmt.Errorf("its certificate authority is %s, and that of %s is %s", hash, s.Hosts[i].Address, member.CAHash)
		}
	}
	return nil
}

// knownCA returns the hash of the certificate authority in the kubeconfig that an earlier run left on this machine, or ""
// if the path is empty or there is no such file. The error is a [KubeconfigError] if the file holds anything that
// dualstrap does not write.
func knownCA(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	content, err := localfile.Read(path, load.MaxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("cannot read the kubeconfig of an earlier run: %w", err)
	}
	admin, err := kube.ParseAdmin(content)
	if err != nil {
		return "", &KubeconfigError{Path: path, Err: err}
	}
	return facts.CAHash(admin.CA)
}
