package step

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"slices"

	"github.com/dualstrap/dualstrap/hostprep/facts"
	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/session"
	"github.com/dualstrap/dualstrap/render"
)

// PrepareJoin creates a bootstrap token, and returns the files with which hosts join. If control plane nodes are to join,
// it also stores the control plane's certificates in the cluster for them, and removes stale members from etcd.
func PrepareJoin(ctx context.Context, s *session.Session, key string) (HostFiles, error) {
	client, err := s.API.Client(ctx)
	if err != nil {
		return nil, err
	}
	token, err := client.MintToken(ctx)
	if err != nil {
		return nil, err
	}
	s.Secrets.Add(token)
	// kubeadm join pins the certificate authority by this hash, so a wrong API server cannot take over a host.
	hash, err := facts.CAHash(client.CA())
	if err != nil || hash == "" {
		return nil, errors.Join(errors.New("cannot tell who the cluster's certificate authority is"), err)
	}
	// The certificates are uploaded only when a control plane node needs them, because they include the private keys.
	isNew := func(host netip.Addr) bool { return !s.Host(host).Facts.Membership.Joined }
	if all := s.ControlPlanes(); len(all) > 1 && slices.ContainsFunc(all, isNew) {
		if err := uploadCertificates(ctx, s, key); err != nil {
			return nil, err
		}
		if err := removeStaleEtcdMembers(ctx, s); err != nil {
			return nil, err
		}
	}
	return RenderHosts(s, render.Discovered{Initialized: true, BootstrapToken: token, CACertHash: hash, CertificateKey: key})
}

// scratchDir is where scripts keep secrets temporarily. It is a tmpfs, so they never reach a disk.
const scratchDir = "/run"

// uploadCertificates stores the control plane's certificates in the cluster for the control plane nodes that join, in the
// Secret kubeadm-certs. key encrypts them.
func uploadCertificates(ctx context.Context, s *session.Session, key string) error {
	member, err := s.API.JoinedControlPlane(ctx)
	if err != nil {
		return err
	}
	// kubeadm uses the API server in its configuration: that of the member itself, not the VIP.
	files, err := RenderHosts(s, render.Discovered{CertificateKey: key, InitNode: member.Address()})
	if err != nil {
		return err
	}
	upload, err := script("leave certificates for other control plane nodes", "upload_certs", remote.Args{"scratch": scratchDir})
	if err != nil {
		return err
	}
	for _, file := range files[member.Address()].Files {
		if file.Path == render.KubeadmConfig {
			upload.Stdin = bytes.NewReader(file.Content)
		}
	}
	_, err = member.Run(ctx, upload)
	return err
}
