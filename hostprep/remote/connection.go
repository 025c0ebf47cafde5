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
	// maxSessions bounds how many scripts run on a host at once. sshd allows 10 by default (MaxSessions), and a
	// third-party tunnel over the same connection may use one.
	maxSessions = 8
	// missedKeepalives is how many keepalive intervals a request may stay unanswered. With the interval before the
	// request, a host may be silent for three.
	missedKeepalives = 2
	// sessionWait is how long sshd may refuse sessions while this program has none open.
	sessionWait = 10 * time.Second
)

// connection is a live connection to a host or a jump host.
type connection struct {
	end    *endpoint
	client *ssh.Client
	raw    *idleConn // the stream below client
	// sessions is a semaphore of maxSessions slots; open counts the sessions that the host has opened.
	sessions chan struct{}
	open     atomic.Int32
	limits   Limits

	gone    chan struct{} // closed when the connection ended
	lost    sync.Once
	cause   error // why it ended; may be read after gone is closed
	watched sync.WaitGroup
}

// loggedIn holds the results of ssh.NewClientConn.
type loggedIn struct {
	conn     ssh.Conn
	channels <-chan ssh.NewChannel
	requests <-chan *ssh.Request
}

// newConnection starts the goroutines that serve and watch a connection. They end with it; close waits for them.
func newConnection(end *endpoint, login loggedIn, raw *idleConn, settings *Settings) *connection {
	c := &connection{
		// ssh.NewClient starts three goroutines for what refuse does in one. With a thousand hosts they add up.
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

// refuse rejects all requests and channels from the host until the connection ends.
func (l loggedIn) refuse() {
	for {
		select {
		case request, more := <-l.requests:
			if !more {
				return
			}
			request.Reply(false, nil)
		case offered, more := <-l.channels:
			if !more {
				return
			}
			offered.Reject(ssh.UnknownChannelType, "nothing is served here")
		}
	}
}

// watch sends keepalive requests until the connection ends. A host that is too busy to answer them, but sends anything
// else in time, is alive.
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

// ask sends a keepalive request and waits for any answer. A refusal is one, too.
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

// errHungUp replaces the various errors of a connection that the other side closed.
var errHungUp = errors.New("the other side closed it")

// lose ends the connection and everything that runs on it. Only the first cause is kept.
func (c *connection) lose(cause error) {
	c.lost.Do(func() {
		if cause == nil || isDisconnect(cause) || errors.Is(cause, net.ErrClosed) {
			cause = errHungUp
		}
		c.cause = cause
		close(c.gone)
		// The stream is closed first. Closing the client sends a message, which would block forever on a host that reads
		// nothing.
		c.raw.Close()
		c.client.Close()
	})
}

// isGone reports whether the connection has ended.
func (c *connection) isGone() bool {
	select {
	case <-c.gone:
		return true
	default:
		return false
	}
}

// close ends the connection and waits for its goroutines.
func (c *connection) close() {
	c.lose(errClosed)
	c.watched.Wait()
}

// lostError returns the error for an operation on a connection that has ended.
func (c *connection) lostError(doing string) error {
	return &Error{
		Op: doing, Reason: ErrConnectionLost, Err: fmt.Errorf("connection to %s: %w", c.end, c.cause),
		HintText: "check the host and the network, then run again: completed steps are not repeated",
	}
}

// session opens a session, and retries while sshd refuses: as long as other sessions are open, since MaxSessions may be
// lower than maxSessions, and up to sessionWait after that, since sshd counts a session until it has cleaned up after it.
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
			// A failed connection cannot open other sessions either.
			c.lose(open.err)
			return open, c.lostError(doing)
		}
		// Another script's end frees a session on the host, so the deadline counts from the last time one was open.
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

// errNotOpened reports a host that neither opens nor refuses a session.
var errNotOpened = errors.New("the host does not answer a request for a session")

// openSession is OpenChannel with a context and a timeout.
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
		return opened{err: errNotOpened} // session then ends the connection
	case <-ctx.Done():
		go func() {
			if late := <-result; late.err == nil {
				go ssh.DiscardRequests(late.requests)
				late.channel.Close()
			}
		}()
		return opened{err: ctx.Err()}
	}
}

// ended returns the error for a script whose caller did not wait any longer.
func ended(ctx context.Context, doing string) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("%s: %w: %w", doing, ErrTimeout, ctx.Err())
	}
	return fmt.Errorf("%s: %w", doing, ctx.Err())
}
