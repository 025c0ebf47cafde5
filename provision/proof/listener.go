package proof

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/dualstrap/dualstrap/bundle"
	"github.com/dualstrap/dualstrap/hostprep/check"
	"github.com/dualstrap/dualstrap/hostprep/facts"
	"github.com/dualstrap/dualstrap/hostprep/remote"
)

var (
	//go:embed scripts/serve.sh
	serveScript string
	//go:embed scripts/remove.sh
	removeScript string
)

const (
	// clientDir is the directory under which the server's directory is created on the client while it runs.
	clientDir = "/var/lib"
	// The server listens at a random port from firstPort on. The range is below the ephemeral ports of Linux, so no
	// outgoing connection of the client occupies it.
	firstPort, ports = 20000, 10000
	// cleanPatience bounds the removal of what the proof has created.
	cleanPatience = time.Minute
)

// listener is the server that runs on the client. A nil listener is one that was not started.
type listener struct {
	// input is the standard input of the script that runs the server. The server ends when it is closed.
	input *io.PipeWriter
	// ended receives the result of the script.
	ended chan error
}

// startClient determines the client's addresses and starts a server there. It returns no error: what prevents it is
// recorded in s.client and becomes the reason for which checks are skipped.
func (s *testbed) startClient(ctx context.Context) *listener {
	s.client = client{address: s.Config.VerifyClient}
	if !s.client.address.IsValid() {
		s.client.why = "the manifests name no host outside of the cluster"
		return nil
	}
	host, err := s.Connections.Host(ctx, s.client.address)
	if err == nil {
		err = s.client.readAddresses(ctx, host)
	}
	if err != nil {
		s.client.why = fmt.Sprintf("%s cannot be used as the client: %v", s.client, err)
		return nil
	}
	running, err := s.listen(ctx, host)
	if err != nil {
		s.client.unserved = fmt.Sprintf("no server runs on %s for pods to call: %v", s.client, err)
	}
	return running
}

// readAddresses fills in the client's addresses and its firewalld zone.
func (c *client) readAddresses(ctx context.Context, host remote.Reader) error {
	known, err := facts.Probe(ctx, host)
	if err != nil {
		return err
	}
	for _, link := range known.Links {
		for _, address := range link.Addresses {
			c.own = append(c.own, address.Addr())
		}
	}
	self := check.Host{Node: check.Node{Address: c.address, K8sIP: c.address}, Facts: known}
	as := self.NodeFacts()
	c.v4, c.v6, c.zone = as.IPv4.Addr(), as.IPv6.Addr(), as.FirewalldZone
	return nil
}

// errNoBundle reports that the client's server, which is part of the bundle, is not available.
var errNoBundle = errors.New("its program is in the bundle, and no bundle is given (--bundle DIR)")

// listen uploads the server to the client, starts it, and waits until it answers. A listener that is returned must be
// stopped, even if there is an error.
func (s *testbed) listen(ctx context.Context, host remote.Host) (*listener, error) {
	if s.Bundle == nil {
		return nil, errNoBundle
	}
	dir := path.Join(clientDir, s.namespace)
	if err := upload(ctx, host, s.Bundle, path.Join(dir, helloName)); err != nil {
		return nil, errors.Join(err, remove(ctx, host, dir))
	}
	// A random port avoids a collision with another proof that uses the same client.
	s.client.port = firstPort + uint16(rand.IntN(ports))
	script, err := remote.NewScript("serve on the client", remote.Args{
		"dir": dir, "program": helloName, "port": fmt.Sprint(s.client.port), "zone": s.client.zone,
	}, serveScript)
	if err != nil {
		return nil, errors.Join(err, remove(ctx, host, dir))
	}
	read, write := io.Pipe()
	script.Stdin, script.Lasts = read, true
	running := &listener{input: write, ended: make(chan error, 1)}
	go func() {
		// The script ends with its input, and not with ctx: an interrupt must not keep it from cleaning up.
		_, err := host.Run(context.WithoutCancel(ctx), script)
		read.CloseWithError(io.ErrClosedPipe)
		running.ended <- err
	}()
	// The client calls its own server first: a failure here is one of the server, and not of the network.
	own := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), s.client.port)
	if _, err := eventually(ctx, func(ctx context.Context) (netip.Addr, error) { return s.seenBy(ctx, s.client.address, own) }); err != nil {
		return running, err
	}
	return running, nil
}

// stop ends the server and waits until the script has removed it from the client.
func (l *listener) stop(ctx context.Context) error {
	if l == nil {
		return nil
	}
	l.input.Close() //nolint:errcheck // closing a pipe cannot fail
	select {
	// The script reports here whether it could close the port and delete the directory.
	case err := <-l.ended:
		if err != nil {
			return fmt.Errorf("cannot clean up on the client: %w", err)
		}
		return nil
	case <-ctx.Done():
		return errors.New("cannot clean up on the client: it does not answer")
	}
}

// upload copies a program from the bundle to a host. It is extracted to a temporary directory first, because the
// transfer needs its size and digest.
func upload(ctx context.Context, host remote.Host, bundleDir *bundle.Dir, to string) (err error) {
	dir, err := os.MkdirTemp("", "dualstrap-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	name := path.Base(to)
	if err := bundleDir.Extract(name, dir); err != nil {
		return err
	}
	content, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	// The host verifies the digest of what it has received.
	digest := sha256.Sum256(content)
	_, err = host.Upload(ctx, remote.Upload{
		Path: to, Mode: 0o755, SHA256: hex.EncodeToString(digest[:]), Size: int64(len(content)),
		Open: func() (io.ReadCloser, error) { return os.Open(filepath.Join(dir, name)) },
	})
	return err
}

// remove deletes what a failed upload may have left on the host. It is not interrupted by the end of ctx.
func remove(ctx context.Context, host remote.Host, dir string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanPatience)
	defer cancel()
	script, err := remote.NewScript("remove "+dir, remote.Args{"dir": dir}, removeScript)
	if err != nil {
		return err
	}
	_, err = host.Run(ctx, script)
	return err
}
