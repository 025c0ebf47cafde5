package clustertest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"time"

	"github.com/dualstrap/dualstrap/hostprep/remote"
)

// connection is a connection to a host. It implements remote.Host.
type connection struct{ host *Host }

// Address implements remote.Reader.
func (on connection) Address() netip.Addr { return on.host.node.Address }

// Probe implements remote.Reader.
func (on connection) Probe(ctx context.Context, script remote.Script) (remote.Answer, error) {
	if script.Name == "wait for the lock" {
		return remote.Answer{}, on.awaitLock(ctx, script.Args["holder"])
	}
	return on.run(ctx, script, probes(), false)
}

// Run implements remote.Host.
func (on connection) Run(ctx context.Context, script remote.Script) (remote.Answer, error) {
	if script.Name == "hold the lock" {
		return on.holdLock(script)
	}
	return on.run(ctx, script, changes(), true)
}

// ReadFile implements remote.Reader.
func (on connection) ReadFile(ctx context.Context, path string) ([]byte, error) {
	var content []byte
	err := on.call(ctx, Call{Name: "read " + path}, func() error {
		file, there := on.host.files[path]
		if !there {
			return fmt.Errorf("cannot read %s: %w", path, fs.ErrNotExist)
		}
		content = []byte(file.content)
		return nil
	})
	return content, err
}

// WriteFiles implements remote.Host.
func (on connection) WriteFiles(ctx context.Context, files []remote.File) ([]string, error) {
	var changed []string
	err := on.call(ctx, Call{Name: "write files", Changes: true}, func() error {
		for _, file := range files {
			if on.host.write(file.Path, file.Mode, string(file.Content)) {
				changed = append(changed, file.Path)
			}
		}
		return nil
	})
	return changed, err
}

// Upload implements remote.Host. Sessions without a bundle upload nothing.
func (on connection) Upload(_ context.Context, upload remote.Upload) (bool, error) {
	return false, on.host.unknown("upload of " + upload.Path)
}

// Download implements remote.Host.
func (on connection) Download(_ context.Context, path string, _ int64, _ io.Writer) (remote.Downloaded, error) {
	return remote.Downloaded{}, on.host.unknown("download of " + path)
}

// unknown fails the test: the host was asked for something that the simulation does not know.
func (h *Host) unknown(what string) error {
	h.cluster.tb.Errorf("%s: the simulated host does not know: %s", h.node.Address, what)
	return fmt.Errorf("not simulated: %s", what)
}

// behavior does to a host what a script does. The cluster's lock is held.
type behavior func(h *Host, script remote.Script, answer *answers) error

// run runs a script, which must be one of known.
func (on connection) run(ctx context.Context, script remote.Script, known map[string]behavior, changes bool) (remote.Answer, error) {
	do := known[script.Name]
	if do == nil {
		return remote.Answer{}, on.host.unknown("script " + script.Name)
	}
	answer := answers{values: map[string]remote.Value{}}
	err := on.call(ctx, Call{Name: script.Name, Changes: changes}, func() error { return do(on.host, script, &answer) })
	if err != nil {
		return remote.Answer{}, err
	}
	return remote.Answer{Values: answer.values}, nil
}

// call makes a call, unless the host is down or something is wrong with the call.
func (on connection) call(ctx context.Context, call Call, do func() error) error {
	c := on.host.cluster
	c.mu.Lock()
	defer c.mu.Unlock()
	call.Host = on.host.node.Address
	lost := &remote.Error{Op: call.Name, Reason: remote.ErrConnectionLost, Err: io.ErrUnexpectedEOF}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case on.host.down:
		return lost
	}
	switch c.begin(call) {
	case Before:
		return lost
	case Exits:
		return &remote.CommandError{Script: call.Name, Status: 1}
	case After:
		return errors.Join(do(), lost)
	case Halfway:
		on.host.write("/etc/kubernetes/pki/ca.crt", 0o644, string(c.ca.PEM()))
		return errors.Join(c.etcd.add(on.host), lost)
	case Lingers:
		on.host.lingers = true
		on.host.write("/etc/kubernetes/pki/ca.crt", 0o644, string(c.ca.PEM()))
		return lost
	default:
		return do()
	}
}

// answers collects the answers of a script.
type answers struct{ values map[string]remote.Value }

// add adds an answer of a command that succeeded.
func (a *answers) add(name, output string) { a.values[name] = remote.Value{Output: []byte(output)} }

// fail adds an answer of a command that failed.
func (a *answers) fail(name string) { a.values[name] = remote.Value{Status: 1} }

// holdLock holds the host's lock until the input of the script ends.
func (on connection) holdLock(script remote.Script) (remote.Answer, error) {
	h := on.host
	h.cluster.mu.Lock()
	if h.holder != "" {
		defer h.cluster.mu.Unlock()
		return remote.Answer{Values: map[string]remote.Value{"holder": {Output: []byte(h.holder)}}}, nil
	}
	h.holder = script.Args["holder"]
	h.cluster.mu.Unlock()
	_, err := io.Copy(io.Discard, script.Stdin)
	h.cluster.mu.Lock()
	defer h.cluster.mu.Unlock()
	h.holder = ""
	return remote.Answer{}, err
}

// awaitLock waits until holder holds the host's lock.
func (on connection) awaitLock(ctx context.Context, holder string) error {
	for {
		on.host.cluster.mu.Lock()
		held := on.host.holder == holder
		on.host.cluster.mu.Unlock()
		if held {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
}
