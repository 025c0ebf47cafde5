package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
)

const (
	// maxSessions bounds how many scripts run on a host at once. sshd allows 10 by default
	// (MaxSessions), and somebody else's tunnel may hold one.
	maxSessions = 8
	// missedKeepalives is how many keepalive intervals a host may be silent: one until it is asked, two until
	// its answer counts as missing.
	missedKeepalives = 2
	// sessionWait is how long a host may refuse sessions although none of ours is open.
	sessionWait = 10 * time.Second
)

// connection is a live connection to a host or a jump host.
type connection struct {
	end      *endpoint
	client   *ssh.Client
	raw      *idleConn
	sessions chan struct{}
	open     atomic.Int32 // how many of the sessions the host has opened
	limits   Limits

	gone    chan struct{} // closed when the connection ended
	lost    sync.Once
	cause   error // why; to be read after gone is closed
	watched sync.WaitGroup
}

// loggedIn is what a login gives.
type loggedIn struct {
	conn     ssh.Conn
	channels <-chan ssh.NewChannel
	requests <-chan *ssh.Request
}

func newConnection(end *endpoint, login loggedIn, raw *idleConn, settings *Settings) *connection {
	c := &connection{
		// ssh.NewClient has three goroutines for what refuse does; with a thousand hosts they count.
		end: end, client: &ssh.Client{Conn: login.conn}, raw: raw,
		sessions: make(chan struct{}, maxSessions), gone: make(chan struct{}), limits: settings.Limits,
	}
	c.watched.Go(func() {
		login.refuse()
		c.lose(login.conn.Wait())
	})
	c.watched.Go(func() { c.watch(settings.KeepAlive) })
	return c
}

// refuse refuses all that the host asks for, until the connection ends.
func (l loggedIn) refuse() {
	for {
		select {
		case request, more := <-l.requests:
			if !more {
				return
			}
			request.Reply(false, nil) //nolint:errcheck // when it fails the connection is over
		case offered, more := <-l.channels:
			if !more {
				return
			}
			offered.Reject(ssh.UnknownChannelType, "nothing is served here") //nolint:errcheck // as above
		}
	}
}

// watch asks the host again and again whether it is there. Whatever it sends meanwhile is an answer, too.
func (c *connection) watch(interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-c.gone:
			return
		case <-ticker.C:
		}
		if err := c.ask(missedKeepalives * interval); err != nil && (c.isGone() || c.raw.idleFor() >= missedKeepalives*interval) {
			c.lose(err)
			return
		}
	}
}

// ask waits for any answer of the host. Even a refusal is one.
func (c *connection) ask(patience time.Duration) error {
	answered := make(chan error, 1)
	go func() {
		_, _, err := c.client.SendRequest("keepalive@openssh.com", true, nil)
		answered <- err
	}()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case err := <-answered:
		return err
	case <-c.gone:
		return c.cause
	case <-timer.C:
		return fmt.Errorf("the host has been silent for %s", patience)
	}
}

var errHungUp = errors.New("the other side closed it")

// lose ends the connection, and with it all that runs on it.
func (c *connection) lose(cause error) {
	c.lost.Do(func() {
		if cause == nil || isDisconnect(cause) || errors.Is(cause, net.ErrClosed) {
			cause = errHungUp
		}
		c.cause = cause
		close(c.gone)
		// What is below goes first: a host that takes nothing could hold up a goodbye for ever.
		c.raw.Close()    //nolint:errcheck // it is of no use any more
		c.client.Close() //nolint:errcheck // as above
	})
}

func (c *connection) isGone() bool {
	select {
	case <-c.gone:
		return true
	default:
		return false
	}
}

// close ends the connection and waits for all that belongs to it.
func (c *connection) close() {
	c.lose(errClosed)
	c.watched.Wait()
}

// lostError is why something on the connection failed, once it is known to have ended.
func (c *connection) lostError(doing string) error {
	return &Error{
		Op: doing, Reason: ErrConnectionLost, Err: fmt.Errorf("connection to %s: %w", c.end, c.cause),
		HintText: "check the host and the network, then run again: what is done is not done twice",
	}
}

// session opens a session. One that is refused is asked for again: for as long as others are open, since
// the host may allow fewer than there are places here, and for a while after them, since sshd counts one
// until it has cleaned up behind it.
func (c *connection) session(ctx context.Context, doing string) (opened, error) {
	deadline := time.Now().Add(sessionWait)
	for pause := firstPause / 4; ; pause = min(2*pause, 2*firstPause) {
		open := c.openSession(ctx)
		var refused *ssh.OpenChannelError
		switch {
		case open.err == nil:
			c.open.Add(1)
			return open, nil
		case ctx.Err() != nil:
			return open, ended(ctx, doing)
		case !errors.As(open.err, &refused):
			c.lose(open.err)
			return open, c.lostError(doing)
		}
		if c.open.Load() > 0 {
			deadline = time.Now().Add(sessionWait)
		}
		if !sleep(ctx, pause, deadline) {
			if ctx.Err() != nil {
				return open, ended(ctx, doing)
			}
			return open, &Error{
				Op: doing, Reason: ErrProtocol, Err: fmt.Errorf("sshd opens no session: %s", refused.Message),
				HintText: "raise MaxSessions in sshd_config on the host",
			}
		}
	}
}

// errNotOpened is a host that neither opens a session nor refuses it.
var errNotOpened = errors.New("the host does not answer a request for a session")

// openSession is OpenChannel that can be given up.
func (c *connection) openSession(ctx context.Context) opened {
	result := make(chan opened, 1)
	go func() {
		channel, requests, err := c.client.OpenChannel("session", nil)
		result <- opened{channel: channel, requests: requests, err: err}
	}()
	late := time.NewTimer(c.limits.Read)
	defer late.Stop()
	select {
	case open := <-result:
		return open
	case <-late.C:
		return opened{err: errNotOpened} // with it the connection is lost
	case <-ctx.Done():
		go func() {
			if late := <-result; late.err == nil {
				go ssh.DiscardRequests(late.requests)
				late.channel.Close() //nolint:errcheck // nobody wants it any more
			}
		}()
		return opened{err: ctx.Err()}
	}
}

// ended is a script that was not waited for any longer.
func ended(ctx context.Context, doing string) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("%s: %w: %w", doing, ErrTimeout, ctx.Err())
	}
	return fmt.Errorf("%s: %w", doing, ctx.Err())
}
