package signature

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/dualstrap/dualstrap/internal/localfile"
)

// agentTimeout is the time that an agent has to sign. It may have to ask the user to confirm, or to touch a security
// key.
const agentTimeout = time.Minute

// KeyError reports that a key cannot be used to sign.
type KeyError struct {
	Path string
	Err  error
	// HintText is the remedy.
	HintText string
}

// Error implements error.
func (e *KeyError) Error() string {
	return fmt.Sprintf("cannot sign with the key %s: %v", e.Path, e.Err)
}

// Unwrap returns the cause.
func (e *KeyError) Unwrap() error { return e.Err }

// Hint returns the remedy.
func (e *KeyError) Hint() string { return e.HintText }

// SignWith signs a message with the private key in a file. If the file holds only a public key, or a private key with a
// passphrase, the agent at a socket signs with its copy of the key.
func SignWith(ctx context.Context, path, socket string, message []byte) ([]byte, error) {
	signer, public, err := readKey(path)
	if err != nil {
		return nil, err
	}
	if signer != nil {
		return Sign(message, signer)
	}
	return signByAgent(ctx, path, socket, public, message)
}

// maxKey is the maximum size of a key's file in bytes, far above that of real ones.
const maxKey = 1 << 20

// readKey reads a key's file. It returns a signer, or only the public key if the file does not hold a usable private
// key.
func readKey(path string) (ssh.Signer, ssh.PublicKey, error) {
	data, err := localfile.Read(path, maxKey)
	if err != nil {
		var pathErr *fs.PathError
		if errors.As(err, &pathErr) {
			err = pathErr.Err
		}
		return nil, nil, &KeyError{Path: path, Err: err, HintText: "name a key that ssh-keygen has made"}
	}
	signer, err := ssh.ParsePrivateKey(data)
	if err == nil {
		return signer, nil, nil
	}
	// dualstrap does not ask for passphrases: that is for the agent.
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) {
		if locked.PublicKey != nil {
			return nil, locked.PublicKey, nil
		}
		return nil, nil, &KeyError{
			Path: path, Err: errors.New("it has a passphrase, and does not contain its public key"),
			HintText: "have the agent hold it (ssh-add), and name the file with its public key",
		}
	}
	// The public half is sufficient if an agent holds the private one, as with ssh-keygen -Y sign.
	if public, _, _, _, err := ssh.ParseAuthorizedKey(data); err == nil {
		return nil, public, nil
	}
	return nil, nil, &KeyError{Path: path, Err: errors.New("it is not an SSH key"), HintText: "name a key that ssh-keygen has made"}
}

// signByAgent signs with a key that an agent holds.
func signByAgent(ctx context.Context, path, socket string, public ssh.PublicKey, message []byte) ([]byte, error) {
	refuse := func(err error) ([]byte, error) {
		return nil, &KeyError{Path: path, Err: err, HintText: "have the agent hold it: ssh-add"}
	}
	if socket == "" {
		return refuse(errors.New("the file has no private key that can be read, and SSH_AUTH_SOCK names no agent"))
	}
	ctx, cancel := context.WithTimeout(ctx, agentTimeout)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
	if err != nil {
		return refuse(fmt.Errorf("the agent at %s cannot be reached: %w", socket, err))
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })() // interrupts a pending request
	signers, err := agent.NewClient(conn).Signers()
	if err != nil {
		return refuse(agentError(ctx, socket, err))
	}
	for _, signer := range signers {
		if !sameKey(signer.PublicKey(), public) {
			continue
		}
		signed, err := Sign(message, signer)
		if err != nil {
			return refuse(agentError(ctx, socket, err))
		}
		return signed, nil
	}
	return refuse(fmt.Errorf("the agent at %s does not hold it", socket))
}

// agentError returns the error of a request to an agent: the timeout or the caller's cancellation if the request was
// interrupted.
func agentError(ctx context.Context, socket string, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("the agent at %s has not answered for %s", socket, agentTimeout)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}
