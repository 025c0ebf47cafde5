package step

import (
	"io"
	"io/fs"
	"path"
	"strconv"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/bundle"
	"github.com/dualstrap/dualstrap/hostprep/change"
)

// addBundle adds the bundle's executables and images for a role to the desired state of a host.
func addBundle(desired *change.Desired, bundleDir *bundle.Dir, role api.Role) error {
	for _, file := range bundleDir.Manifest.For(role) {
		open := func() (io.ReadCloser, error) { return bundleDir.Open(file) }
		switch file.Kind {
		case bundle.KindExecutable:
			mode, err := strconv.ParseUint(file.Executable.Mode, 8, 12) // 12 bits: permissions, setuid, setgid and sticky
			if err != nil {
				return err
			}
			desired.Executables = append(desired.Executables, change.Executable{
				Path: file.Executable.Path, Mode: fs.FileMode(mode), SHA256: file.Executable.SHA256,
				Open: open, Size: file.Size, Restarts: restartedByProgram(file.Executable.Path),
			})
		case bundle.KindImage:
			desired.Images = append(desired.Images, change.Image{
				Reference: file.Image.Reference, Digest: file.Image.Digest, Open: open, Size: file.Size, SHA256: file.SHA256,
			})
		}
	}
	return nil
}

// restartedByProgram returns the units that must restart when a program changes: those that run it. Most programs of the
// bundle are not services.
func restartedByProgram(program string) []string {
	switch unit := path.Base(program) + ".service"; unit {
	case containerdUnit, kubeletUnit:
		return []string{unit}
	}
	return nil
}
