package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
)

// maxDials bounds how many connections are set up at once. Handshakes are work for both sides, and a
// jump host's sshd drops connections when many come at once.
const maxDials = 32

// Pool holds one connection to each host, and to each host on the way, for the whole run.
type Pool struct {
	resolver resolver
	keyring  *keyring
	dials    chan struct{}
	// life ends with the pool, and with it what still connects.
	life context.Context
	end  context.CancelFunc

	mu      sync.Mutex
	closed  bool
	flights map[string]*dialCall
	trust   map[string]*hostKeys
	targets map[netip.Addr]*endpoint
}

// dialCall is a connection that is being set up, or was, or that failed.
type dialCall struct {
	done chan struct{} // closed when it is known which
	conn *connection
	err  error
}

// retryable reports whether the flight is of no use any more, so that a new one is worth starting. What a
// person has to mend first, and what happened to a jump host, does not get better by trying: it would
// be one more failed login, or one more timeout, for each host behind it.
func (f *dialCall) retryable(jump bool) bool {
	select {
	case <-f.done:
	default:
		return false
	}
	switch {
	case f.err == nil:
		return f.conn.isGone()
	case errors.Is(f.err, context.Canceled), errors.Is(f.err, context.DeadlineExceeded):
		return true
	case errors.Is(f.err, ErrAuthentication), errors.Is(f.err, ErrHostKeyUnknown),
		errors.Is(f.err, ErrHostKeyChanged), errors.Is(f.err, ErrHostKeyRevoked):
		return false
	default:
		return !jump
	}
}

// NewPool reads the SSH configuration. It connects to nothing.
func NewPool(settings Settings) (*Pool, error) {
	settings, err := settings.complete()
	if err != nil {
		return nil, err
	}
	config, err := loadSSHConfig(settings.ConfigPath)
	if err != nil {
		return nil, err
	}
	life, end := context.WithCancel(context.Background())
	return &Pool{
		life:     life,
		end:      end,
		resolver: resolver{settings: settings, config: config},
		keyring: &keyring{files: map[string]fileKey{}, agent: sshAgent{
			socket: settings.AgentSocket, wait: min(agentWait, settings.ConnectTimeout), sign: settings.ConnectTimeout, note: settings.Note,
		}},
		dials:   make(chan struct{}, maxDials),
		flights: map[string]*dialCall{},
		trust:   map[string]*hostKeys{},
		targets: map[netip.Addr]*endpoint{},
	}, nil
}

// Host gives the host, connected. The first call connects; so does the first one after a connection
// was lost.
func (p *Pool) Host(ctx context.Context, address netip.Addr) (Host, error) {
	end, err := p.target(address)
	if err != nil {
		return nil, err
	}
	conn, err := p.connection(ctx, end, false)
	if err != nil {
		return nil, err
	}
	return &host{connection: conn, address: address, log: p.resolver.settings.Log(address), secrets: p.resolver.settings.Secrets}, nil
}

// target gives the endpoint of a host, which the SSH configuration is asked for once.
func (p *Pool) target(address netip.Addr) (*endpoint, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if end := p.targets[address]; end != nil {
		return end, nil
	}
	end, err := p.resolver.target(address.Unmap().String())
	if err == nil {
		p.targets[address] = end
	}
	return end, err
}

// Close ends all connections. What still runs on them fails.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	flights := p.flights
	p.flights = map[string]*dialCall{}
	p.mu.Unlock()
	p.end()
	p.keyring.agent.close()
	var conns []*connection
	for _, each := range flights {
		if <-each.done; each.conn != nil {
			conns = append(conns, each.conn)
		}
	}
	// Those who go through others first: theirs is the way the goodbye takes.
	for through := maxJumps; through >= 0; through-- {
		for _, conn := range conns {
			if conn.end.jumps() == through {
				conn.close()
			}
		}
	}
}

// connection gives the connection of an endpoint. Those who ask while one is being set up share it.
func (p *Pool) connection(ctx context.Context, end *endpoint, jump bool) (*connection, error) {
	for {
		own, each, err := p.dialCall(end, jump)
		if err != nil {
			return nil, err
		}
		if own {
			each.conn, each.err = p.dial(ctx, end)
			close(each.done)
			return each.conn, each.err
		}
		select {
		case <-each.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if each.err == nil || !errors.Is(each.err, context.Canceled) && !errors.Is(each.err, context.DeadlineExceeded) {
			return each.conn, each.err
		}
		// Whoever started it gave up. That is no answer for others.
	}
}

// dialCall gives the flight to wait for, and whether it is the caller's to fly.
func (p *Pool) dialCall(end *endpoint, jump bool) (own bool, each *dialCall, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false, nil, &Error{Op: "cannot connect to " + end.String(), Reason: ErrConnectionLost, Err: errClosed, HintText: "run again"}
	}
	name := end.String()
	each = p.flights[name]
	if each == nil || each.retryable(jump) {
		each = &dialCall{done: make(chan struct{})}
		p.flights[name] = each
		return true, each, nil
	}
	return false, each, nil
}

// hostKeys gives what a set of files says, read once.
func (p *Pool) hostKeys(files knownHostsFiles) (*hostKeys, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	name := strings.Join(files, "\n")
	if known := p.trust[name]; known != nil {
		return known, nil
	}
	known, err := loadHostKeys(files, p.resolver.settings.HostKeyPolicy)
	if err == nil {
		p.trust[name] = known
	}
	return known, err
}

// Dial connects to an address as the host sees it, through the host's SSH server.
func (p *Pool) Dial(ctx context.Context, address netip.Addr, to netip.AddrPort) (net.Conn, error) {
	end, err := p.target(address)
	if err != nil {
		return nil, err
	}
	conn, err := p.connection(ctx, end, false)
	if err != nil {
		return nil, err
	}
	through, err := conn.client.DialContext(ctx, "tcp", to.String())
	var refused *ssh.OpenChannelError
	switch {
	case !errors.As(err, &refused):
		return through, err
	case refused.Reason == ssh.Prohibited:
		return nil, &Error{
			Op: fmt.Sprintf("cannot connect to %s through %s", to, end), Reason: ErrProtocol, Err: err,
			HintText: "allow AllowTcpForwarding local in sshd_config on the host",
		}
	default: // the host tried
		return nil, fmt.Errorf("connect failed: %s", refused.Message)
	}
}
