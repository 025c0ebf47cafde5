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

// searchPath is the PATH of images: kubeadm's manifests start programs by name.
const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// compressionLevel is the level of zstd. Above 9 it takes several times as long and saves 2 %.
const compressionLevel = 9

// nameAnnotation is the annotation in which containerd looks for the full reference of an image in an archive.
const nameAnnotation = "io.containerd.image.name"

// Image describes an image to write: a single layer of files that are owned by root.
type Image struct {
	Reference string
	// Entrypoint is the command line of the program, without a shell.
	Entrypoint []string
	// User is the user that runs the entrypoint, as uid:gid. Empty means root.
	User string
	// Environment has variables as NAME=VALUE, in addition to PATH.
	Environment []string
	Files       []File
}

// File is a file of an image. Parent directories are added automatically.
type File struct {
	// Path is the absolute path in the image.
	Path string
	// Mode has the permission bits; others are ignored.
	Mode fs.FileMode
	// Open opens the content. It may be called more than once, and the reader must be an io.Seeker.
	Open func() (io.ReadCloser, error)
}

// epoch returns the time stamp of everything in an image, so that its bytes do not depend on when it was built.
func epoch() time.Time { return time.Unix(0, 0).UTC() }

// assemble returns the image in the form that an archive's index refers to.
func assemble(image Image) (v1.Image, error) {
	layer, err := tarball.LayerFromOpener(layerOpener(image.Files),
		tarball.WithCompression(compression.ZStd),
		tarball.WithCompressionLevel(compressionLevel),
		tarball.WithMediaType(types.OCILayerZStd),
		// Without caching, the layer would be compressed once for its digest and once more for the archive.
		tarball.WithCompressedCaching)
	if err != nil {
		return nil, err
	}
	// The library's default is Docker's format.
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
			// The root always exists, so no further directory has to be in the image.
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
