package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/crypto/ssh"
)

// hostPort formats an address for messages and for dialing, with brackets around IPv6 addresses.
func hostPort(host string, port uint16) string {
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}

// connectError returns the error for a host to which no byte stream could be opened.
func connectError(ctx context.Context, end *endpoint, err error) error {
	if ctx.Err() != nil {
		return giveUpError(ctx, "cannot connect to "+end.String())
	}
	failure := &Error{Op: "cannot connect to " + end.String(), Reason: ErrNoRoute, Err: shortNetError(err)}
	address := hostPort(end.host, end.port)
	var refused *ssh.OpenChannelError
	var dns *net.DNSError
	switch {
	case errors.As(err, &refused):
		return throughError(end, failure, refused)
	case errors.As(err, &dns):
		failure.HintText = "check the name: " + end.host
	case errors.Is(err, syscall.ECONNREFUSED):
		failure.Reason, failure.Err = ErrRefused, nil
		failure.HintText = "check that sshd runs on the host and listens at " + address
	case isDisconnect(err) && end.via != nil:
		failure.Reason, failure.Err = ErrConnectionLost, err
		failure.HintText = "check the jump host " + end.via.String()
	default:
		failure.HintText = "check that the host is up, and that no firewall is between it and here: " + address
	}
	return failure
}

// throughError returns the error for a jump host that did not connect to the host.
func throughError(end *endpoint, failure *Error, refused *ssh.OpenChannelError) error {
	failure.Err = fmt.Errorf("the jump host says: %s", refused.Message)
	switch {
	case refused.Reason == ssh.Prohibited:
		failure.HintText = "allow it on the jump host: AllowTcpForwarding and PermitOpen in its sshd_config"
		// OpenSSH reports all failures of the connection with one code, so its text has to tell them apart.
	case strings.Contains(strings.ToLower(refused.Message), "refused"):
		failure.Reason = ErrRefused
		failure.HintText = "check that sshd runs on the host and listens at " + hostPort(end.host, end.port)
	default:
		failure.HintText = "check that the jump host reaches " + hostPort(end.host, end.port)
	}
	return failure
}

// shortNetError strips the operation and addresses, which the message has already.
func shortNetError(err error) error {
	var op *net.OpError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return errNoAnswer
	case errors.As(err, &op):
		return op.Err
	default:
		return err
	}
}

var (
	errNoAnswer = errors.New("connection timed out")
	errClosed   = errors.New("the run is over")
)

// giveUpError returns the error for a connection whose caller did not wait any longer.
func giveUpError(ctx context.Context, doing string) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &Error{Op: doing, Reason: ErrTimeout, Err: ctx.Err(), HintText: "look at the load of the host and of the network"}
	}
	return fmt.Errorf("%s: %w", doing, ctx.Err())
}

// explain returns the error for a failed login. ctx is the caller's; limited bounds the attempt alone.
func (l *login) explain(ctx, limited context.Context, err error) error {
	doing := "cannot log in as " + l.end.String()
	var negotiation *ssh.AlgorithmNegotiationError
	switch {
	case l.distrust != nil:
		return l.distrust
	case ctx.Err() != nil:
		return giveUpError(ctx, doing)
	case limited.Err() != nil:
		return &Error{
			Op: doing, Reason: ErrTimeout, Err: errors.New("the host accepts connections, but does not finish the login"),
			HintText: "look for high load, or slow name or account lookups by sshd on the host",
		}
	case isDisconnect(err):
		return &Error{
			Op: doing, Reason: ErrConnectionLost, Err: errors.New("the host closed the connection"),
			HintText: "look at the host's sshd log; MaxStartups and PerSourcePenalties in sshd_config turn connections away",
		}
	case errors.As(err, &negotiation):
		return &Error{Op: doing, Reason: ErrProtocol, Err: err, HintText: "update sshd on the host: it offers old algorithms only"}
	case l.hostKey:
		return l.authenticationError(doing, err)
	case errors.Is(err, net.ErrClosed):
		// This side closed the stream after input that it could not parse. The package does not report the input.
		err = fmt.Errorf("it names itself %q, and what it says then is not SSH", l.version)
		fallthrough
	default:
		return &Error{
			Op: doing, Reason: ErrProtocol, Err: err,
			HintText: "check that it is an SSH server that answers at " + hostPort(l.end.host, l.end.port),
		}
	}
}

// authenticationError lists the keys that were tried, the methods that the host offers, and why other keys cannot be used.
func (l *login) authenticationError(doing string, cause error) error {
	var said []string
	if len(l.keys) == 0 {
		said = append(said, "there is no key to try")
	} else {
		tried := make([]string, len(l.keys))
		for i, key := range l.keys {
			tried[i] = key.String()
		}
		said = append(said, "it accepts none of "+strings.Join(tried, ", "))
	}
	if len(l.methods) > 0 {
		said = append(said, "it takes "+strings.Join(l.methods, ", "))
	} else {
		said = append(said, strings.TrimPrefix(cause.Error(), "ssh: handshake failed: "))
	}
	said = append(said, l.notes...)
	return &Error{
		Op: doing, Reason: ErrAuthentication, Err: errors.New(strings.Join(said, "; ")),
		HintText: fmt.Sprintf("put a public key into ~%s/.ssh/authorized_keys on the host, and name its private key with privateKeyPath "+
			"or hold it in the SSH agent", l.end.user),
	}
}
