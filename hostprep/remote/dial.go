package remote

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
)

const (
	// dialTries is how many times ConnectTimeout all attempts together may take.
	dialTries = 4
	// The pause before the next attempt doubles from firstPause to lastPause. Half of it is random, so that hosts
	// which sshd rejected together are not retried together.
	firstPause = 100 * time.Millisecond
	lastPause  = 3 * time.Second
)

// dial connects to an endpoint and logs in. It retries transient rejections: a connection that is closed before the host
// has shown its key is how sshd rejects logins beyond MaxStartups.
func (p *Pool) dial(ctx context.Context, end *endpoint) (*connection, error) {
	// The pool's end cancels an attempt as the caller's context does.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(p.life, cancel)()
	timeout := p.resolver.settings.ConnectTimeout
	deadline := time.Now().Add(dialTries * timeout)
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		conn, transient, err := p.try(ctx, end)
		if err == nil || !transient || !sleep(ctx, pause/2+rand.N(pause/2), deadline) {
			return conn, err
		}
	}
}

// sleep waits for pause. It returns false at once if pause would pass the deadline, and as soon as ctx ends.
func sleep(ctx context.Context, pause time.Duration, deadline time.Time) bool {
	if time.Now().Add(pause).After(deadline) {
		return false
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(pause):
		return true
	}
}

// try makes one attempt to connect and log in. transient reports whether another attempt may succeed.
func (p *Pool) try(ctx context.Context, end *endpoint) (conn *connection, transient bool, err error) {
	known, err := p.hostKeys(end.knownHosts)
	if err != nil {
		return nil, false, err
	}
	var jump *connection
	if end.via != nil {
		if jump, err = p.connection(ctx, end.via, true); err != nil {
			return nil, false, err
		}
	}
	select {
	case p.dials <- struct{}{}:
		defer func() { <-p.dials }()
	case <-ctx.Done():
		// The slot is taken after the jump host is connected: its login needs a slot of its own, and
		// waiting for that while holding one could deadlock.
		return nil, false, ctx.Err()
	}
	attempt := &login{end: end, known: known}
	attempt.keys, attempt.notes = p.keyring.keys(end.identity)
	timeout := p.resolver.settings.ConnectTimeout
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	stream, err := open(limited, end, jump)
	if err != nil {
		return nil, false, connectError(ctx, end, err)
	}
	raw := newIdleConn(stream)
	login, err := attempt.handshake(limited, raw)
	if err != nil {
		raw.Close()
		attempt.version = raw.greeting.named()
		// A server that does not speak SSH is not retried, and its own words explain more than the client's error.
		if said := raw.greeting.other(); said != "" && ctx.Err() == nil {
			return nil, false, noServerError(end, said)
		}
		return nil, attempt.transient(ctx, err), attempt.explain(ctx, limited, err)
	}
	return newConnection(end, login, raw, &p.resolver.settings), false, nil
}

// open opens the byte stream to a host, over TCP or through the jump host.
func open(ctx context.Context, end *endpoint, jump *connection) (net.Conn, error) {
	if jump != nil {
		return jump.client.DialContext(ctx, "tcp", hostPort(end.host, end.port))
	}
	addresses, err := lookup(ctx, end.host)
	if err != nil {
		return nil, err
	}
	var dialer net.Dialer
	for _, address := range addresses {
		var conn *net.TCPConn
		conn, err = dialer.DialTCP(ctx, "tcp", netip.AddrPort{}, netip.AddrPortFrom(address, end.port))
		if err == nil {
			return conn, nil
		}
	}
	return nil, err
}

// lookup returns the addresses of a host, which usually is an address already. IPv4 addresses are unmapped.
func lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if address, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{address.Unmap()}, nil
	}
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	for i := range addresses {
		addresses[i] = addresses[i].Unmap()
	}
	return addresses, err
}

// login is one attempt to log in. It records what explain needs to tell why the attempt failed.
type login struct {
	// end is the endpoint to log in to.
	end   *endpoint
	known *hostKeys
	keys  []key
	notes []string // why keys cannot be used

	// hostKey reports whether the host has shown its key. distrust is the reason why the key was rejected, or nil.
	hostKey  bool
	distrust error
	// version is the host's SSH version line; empty when it did not send one.
	version string
	// methods lists the authentication methods that the host offers.
	methods []string
}

// handshake performs the SSH handshake and the login. When ctx ends, it closes raw and returns.
func (l *login) handshake(ctx context.Context, raw net.Conn) (loggedIn, error) {
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	defer stop()
	signers := make([]ssh.Signer, len(l.keys))
	for i := range l.keys {
		signers[i] = l.keys[i].Signer
	}
	entries := l.known.entries(l.end.hostKeyName)
	config := &ssh.ClientConfig{
		User:              l.end.user,
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(signers...)},
		HostKeyAlgorithms: algorithms(entries),
		HostKeyCallback: func(_ string, _ net.Addr, shown ssh.PublicKey) error {
			l.hostKey = true
			l.distrust = l.known.verify(l.end.hostKeyName, entries, shown)
			return l.distrust
		},
		AuthCallback: func(auth *ssh.ClientAuthContext) (ssh.AuthMethod, error) {
			l.methods = auth.AllowedMethods
			return nil, nil // Auth provides the method: this callback only records what is offered
		},
	}
	conn, channels, requests, err := ssh.NewClientConn(raw, l.end.hostKeyName, config)
	if err != nil {
		return loggedIn{}, err
	}
	// The handshake has succeeded, but the context ended meanwhile: stop reports that raw is being closed.
	if !stop() {
		conn.Close()
		return loggedIn{}, ctx.Err()
	}
	return loggedIn{conn, channels, requests}, nil
}

// transient reports whether an attempt that failed with err may succeed a moment later.
func (l *login) transient(ctx context.Context, err error) bool {
	return ctx.Err() == nil && !l.hostKey && isDisconnect(err)
}

// isDisconnect reports whether err means that the other side closed the connection.
func isDisconnect(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
