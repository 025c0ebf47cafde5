package step

import (
	"context"
	"embed"

	"github.com/dualstrap/dualstrap/hostprep/remote"
)

//go:embed scripts/*.sh
var scripts embed.FS

// script returns one of the package's scripts. name describes it in logs and errors.
func script(name, file string, args remote.Args) (remote.Script, error) {
	return remote.EmbeddedScript(scripts, name, args, file)
}

// Exclusive runs a script under the kubeadm lock of the host. All scripts that call kubeadm, or that must not run at the same
// time, use it.
func Exclusive(ctx context.Context, host remote.Host, s remote.Script) error {
	lock, err := script(s.Name, "kubeadm_lock", nil)
	if err != nil {
		return err
	}
	_, err = host.Run(ctx, s.After(lock.Body))
	return err
}

// run runs one of the package's scripts under the kubeadm lock of the host.
func run(ctx context.Context, host remote.Host, name, file string, args remote.Args) error {
	s, err := script(name, file, args)
	if err != nil {
		return err
	}
	return Exclusive(ctx, host, s)
}
