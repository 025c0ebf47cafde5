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

// maxDials bounds how many connections are set up at once. Handshakes cost CPU on both sides, and the sshd of a jump host
// drops connections when too many arrive at once (MaxStartups).
const maxDials = 32

// Pool holds one connection to each host and jump host, for the whole run. It is safe for concurrent use.
type Pool struct {
	resolver resolver
	keyring  *keyring
	dials    chan struct{} // semaphore of maxDials slots
	// life ends with the pool, and cancels attempts to connect.
	life context.Context
	end  context.CancelFunc

	mu      sync.Mutex // guards what follows
	closed  bool
	calls   map[string]*dialCall     // by the String of their endpoints
	trust   map[string]*hostKeys     // by the names of their files
	targets map[netip.Addr]*endpoint // the endpoints of hosts
}

// dialCall is one call of dial, in progress or finished, that all callers for its endpoint share.
type dialCall struct {
	done chan struct{} // closed when conn or err is set
	conn *connection
	err  error
}

// retryable reports whether the call's result is of no use any more, so that a new call is worthwhile. Failed logins and
// rejected host keys are not retried, because the user has to fix them first. Neither are failures of a jump host: every
// host behind it would add another failed login or timeout.
func (f *dialCall) retryable(jump bool) bool {
	select {
	case <-f.done:
	default:
		return false
	}
	switch {
	case f.err == nil:
		return f.conn.isGone()
	// The context belongs to one caller; the error must not be kept for the others.
	case errors.Is(f.err, context.Canceled), errors.Is(f.err, context.DeadlineExceeded):
		return true
	case errors.Is(f.err, ErrAuthentication), errors.Is(f.err, ErrHostKeyUnknown),
		errors.Is(f.err, ErrHostKeyChanged), errors.Is(f.err, ErrHostKeyRevoked):
		return false
	default:
		return !jump
	}
}

// NewPool reads the SSH configuration and returns a pool. It does not connect to any host.
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
		calls:   map[string]*dialCall{},
		trust:   map[string]*hostKeys{},
		targets: map[netip.Addr]*endpoint{},
	}, nil
}

// Host returns a connected host. The first call for an address connects, and so does the first call after its connection
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

// target returns the endpoint of a host. It evaluates the SSH configuration once per host.
func (p *Pool) target(address netip.Addr) (*endpoint, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if end := p.targets[address]; end != nil {
		return end, nil
	}
	// An address may be written as an IPv4-mapped IPv6 address; known_hosts and ssh_config list the IPv4 form.
	end, err := p.resolver.target(address.Unmap().String())
	if err == nil {
		p.targets[address] = end
	}
	return end, err
}

// Close ends all connections. Scripts that are still running on them fail.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	calls := p.calls
	p.calls = map[string]*dialCall{}
	p.mu.Unlock()
	p.end()
	p.keyring.agent.close()
	// Attempts in progress end with life; waiting for done makes their results readable.
	var conns []*connection
	for _, each := range calls {
		if <-each.done; each.conn != nil {
			conns = append(conns, each.conn)
		}
	}
	// Connections through jump hosts are closed before those that carry them, so that their last messages get through.
	for through := maxJumps; through >= 0; through-- {
		for _, conn := range conns {
			if conn.end.jumps() == through {
				conn.close()
			}
		}
	}
}

// connection returns the connection to an endpoint. Concurrent callers share one attempt to connect.
func (p *Pool) connection(ctx context.Context, end *endpoint, jump bool) (*connection, error) {
	for {
		// The lock is not held while dialing. The map entry makes later callers wait for this call.
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
		// The caller whose context the attempt used has given up. The others try again.
	}
}

// dialCall returns the call to wait for. If own is true, the caller has to make it.
func (p *Pool) dialCall(end *endpoint, jump bool) (own bool, each *dialCall, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false, nil, &Error{Op: "cannot connect to " + end.String(), Reason: ErrConnectionLost, Err: errClosed, HintText: "run again"}
	}
	name := end.String()
	each = p.calls[name]
	if each == nil || each.retryable(jump) {
		each = &dialCall{done: make(chan struct{})}
		p.calls[name] = each
		return true, each, nil
	}
	return false, each, nil
}

// hostKeys returns the content of a set of known_hosts files, which are read once.
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

// Dial connects to an address from the host's point of view, through the host's SSH server.
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
			HintText: "allow it in sshd_config on the host: AllowTcpForwarding local, and no DisableForwarding",
		}
	default: // sshd tried to connect and failed; as with a direct connection, that is not an [Error]
		return nil, fmt.Errorf("connect failed: %s", refused.Message)
	}
}
