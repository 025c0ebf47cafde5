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
	"github.com/dualstrap/dualstrap/hostprep"
	"github.com/dualstrap/dualstrap/hostprep/remote"
)

//go:embed scripts/serve.sh
var serveScript string

const (
	// clientDir is below which the client's server lies while it runs.
	clientDir = "/var/lib"
	// firstPort and ports are where the client's server listens: below those that kernels choose from.
	firstPort, ports = 20000, 10000
	// cleanPatience is how long what the proof has made may take to go away.
	cleanPatience = time.Minute
)

// listener is the server that runs on the client, where there is one.
type listener struct {
	// input is what the server lives by.
	input *io.PipeWriter
	ended chan error
}

// startClient learns what the client is like and starts a server there. What is in the way is noted.
func (s *testbed) startClient(ctx context.Context) *listener {
	s.client = client{address: s.Config.VerifyClient}
	if !s.client.address.IsValid() {
		s.client.why = "the manifests name no host outside of the cluster"
		return nil
	}
	host, err := s.Ways.Host(ctx, s.client.address)
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

// readAddresses asks the client for its addresses.
func (c *client) readAddresses(ctx context.Context, host remote.Reader) error {
	facts, err := hostprep.Probe(ctx, host)
	if err != nil {
		return err
	}
	for _, link := range facts.Links {
		for _, address := range link.Addresses {
			c.own = append(c.own, address.Addr())
		}
	}
	self := hostprep.Host{Node: hostprep.Node{Address: c.address, K8sIP: c.address}, Facts: facts}
	as := self.NodeFacts()
	c.v4, c.v6, c.zone = as.IPv4.Addr(), as.IPv6.Addr(), as.FirewalldZone
	return nil
}

// errNoBundle is that there is nothing to run on the client.
var errNoBundle = errors.New("its program is in the bundle, and there is none (--bundle DIR)")

// listen brings the server to the client and starts it.
func (s *testbed) listen(ctx context.Context, host remote.Host) (*listener, error) {
	if s.Bundle == nil {
		return nil, errNoBundle
	}
	dir := path.Join(clientDir, s.namespace)
	if err := upload(ctx, host, s.Bundle, path.Join(dir, helloName)); err != nil {
		return nil, errors.Join(err, remove(ctx, host, dir))
	}
	s.client.port = firstPort + uint16(rand.IntN(ports))
	read, write := io.Pipe()
	running := &listener{input: write, ended: make(chan error, 1)}
	go func() {
		// It ends with its input. An interrupt does not cut it off: it has to clean up.
		_, err := host.Run(context.WithoutCancel(ctx), remote.Script{
			Name: "serve on the client", Body: serveScript, Stdin: read, Lasts: true,
			Args: []string{dir, helloName, fmt.Sprint(s.client.port), s.client.zone},
		})
		read.CloseWithError(io.ErrClosedPipe)
		running.ended <- err
	}()
	own := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), s.client.port)
	if _, err := eventually(ctx, func(ctx context.Context) (netip.Addr, error) { return s.seenBy(ctx, s.client.address, own) }); err != nil {
		return running, err
	}
	return running, nil
}

// stop ends the server and waits until nothing of it is left.
func (l *listener) stop(ctx context.Context) error {
	if l == nil {
		return nil
	}
	l.input.Close() //nolint:errcheck // the other side ends by it, whatever it says
	select {
	case err := <-l.ended:
		if err != nil {
			return fmt.Errorf("cannot clean up on the client: %w", err)
		}
		return nil
	case <-ctx.Done():
		return errors.New("cannot clean up on the client: it does not answer")
	}
}

// upload brings a program of the bundle to a host.
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
	digest := sha256.Sum256(content)
	_, err = host.Upload(ctx, remote.Upload{
		Path: to, Mode: 0o755, SHA256: hex.EncodeToString(digest[:]), Size: int64(len(content)),
		Open: func() (io.ReadCloser, error) { return os.Open(filepath.Join(dir, name)) },
	})
	return err
}

// remove takes away what an upload that failed may have left.
func remove(ctx context.Context, host remote.Host, dir string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanPatience)
	defer cancel()
	_, err := host.Run(ctx, remote.Script{Name: "remove " + dir, Body: `rm -rf -- "$1"`, Args: []string{dir}})
	return err
}
