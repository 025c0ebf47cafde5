package reset

import (
	"context"
	"embed"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/step"
)

//go:embed scripts/*.sh
var scripts embed.FS

// runScript runs one of the package's scripts under the kubeadm lock of the host. name describes it in logs and errors.
func runScript(ctx context.Context, host remote.Host, name, file string, args remote.Args) error {
	script, err := remote.EmbeddedScript(scripts, name, args, file)
	if err != nil {
		return err
	}
	return step.Exclusive(ctx, host, script)
}
