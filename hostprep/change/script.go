package change

import (
	"context"
	"embed"

	"github.com/dualstrap/dualstrap/hostprep/remote"
)

//go:embed scripts/*.sh
var scripts embed.FS

// script returns an embedded script: the last of the files, preceded by those that define what it uses, and by what another
// package defines for it, or "". All scripts have the variable $state and the functions for the host's lock. name describes
// the script in logs and errors.
func script(before, name string, args remote.Args, files ...string) (remote.Script, error) {
	s, err := remote.EmbeddedScript(scripts, name, args, append([]string{"state"}, files...)...)
	return s.After(remote.LockScript() + before), err
}

// run runs one of the package's scripts.
func run(ctx context.Context, host remote.Host, name, file string, args remote.Args) error {
	s, err := script("", name, args, file)
	if err != nil {
		return err
	}
	_, err = host.Run(ctx, s)
	return err
}

// runExclusive is run for scripts that undo changes: it waits until no other run is undoing on the host, as the
// script of an interrupted run may still be.
func runExclusive(ctx context.Context, host remote.Host, name, file string, args remote.Args) error {
	s, err := script("", name, args, "undo_lock", file)
	if err != nil {
		return err
	}
	_, err = host.Run(ctx, s)
	return err
}

// probe runs a script of the package that only reads: the last of the files, preceded by those that define what it uses.
func probe(ctx context.Context, host remote.Reader, name string, args remote.Args, files ...string) (remote.Answer, error) {
	s, err := script("", name, args, files...)
	if err != nil {
		return remote.Answer{}, err
	}
	return host.Probe(ctx, s)
}
