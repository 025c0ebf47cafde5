package oci

import (
	"io"
	"io/fs"
	"time"

	"github.com/google/go-containerregistry/pkg/compression"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// searchPath is where programs of an image are found by name, as kubeadm starts them.
const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// compressionLevel is zstd's. Above 9 an image takes several times as long and shrinks by 2 %.
const compressionLevel = 9

// nameAnnotation is where containerd looks for the full reference of an image of an archive.
const nameAnnotation = "io.containerd.image.name"

// Image is an image to be written: one layer of files, owned by root.
type Image struct {
	Reference  string
	Entrypoint []string
	// User is who runs the entrypoint, as uid:gid; empty for root.
	User string
	// Environment is NAME=VALUE, beside PATH.
	Environment []string
	Files       []File
}

// File is a file of an image. Directories above it need no mention.
type File struct {
	// Path is absolute, in the image.
	Path string
	Mode fs.FileMode
	// Open gives the content, which may be read more than once.
	Open func() (io.ReadCloser, error)
}

// epoch is the time of everything in an image, so that it does not tell when it was made.
func epoch() time.Time { return time.Unix(0, 0).UTC() }

// assemble makes the image that the index of an archive lists.
func assemble(image Image) (v1.Image, error) {
	layer, err := tarball.LayerFromOpener(layerOpener(image.Files),
		tarball.WithCompression(compression.ZStd),
		tarball.WithCompressionLevel(compressionLevel),
		tarball.WithMediaType(types.OCILayerZStd),
		tarball.WithCompressedCaching)
	if err != nil {
		return nil, err
	}
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	configured, err := mutate.ConfigFile(base, &v1.ConfigFile{
		OS:           "linux",
		Architecture: "amd64",
		Created:      v1.Time{Time: epoch()},
		RootFS:       v1.RootFS{Type: "layers"},
		Config: v1.Config{
			Entrypoint: image.Entrypoint,
			User:       image.User,
			Env:        append([]string{"PATH=" + searchPath}, image.Environment...),
			WorkingDir: "/",
		},
	})
	if err != nil {
		return nil, err
	}
	return mutate.Append(configured, mutate.Addendum{
		Layer:     layer,
		MediaType: types.OCILayerZStd,
		History:   v1.History{Created: v1.Time{Time: epoch()}, CreatedBy: "dualstrap bundle build"},
	})
}
