package oci

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Names of the files that the OCI image layout requires, and the content of the first.
const (
	layoutFile = "oci-layout"
	indexFile  = "index.json"
	layoutText = `{"imageLayoutVersion":"1.0.0"}`
)

// Write writes an archive with the image to w.
func Write(w io.Writer, image Image) error {
	if err := write(w, image); err != nil {
		return fmt.Errorf("cannot make image %s: %w", image.Reference, err)
	}
	return nil
}

// write is Write without the context in its errors.
func write(w io.Writer, image Image) error {
	assembled, err := assemble(image)
	if err != nil {
		return err
	}
	// The platform lets a runtime choose the image without reading its configuration.
	index := mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex), mutate.IndexAddendum{
		Add: assembled,
		Descriptor: v1.Descriptor{
			Annotations: map[string]string{nameAnnotation: image.Reference},
			Platform:    &v1.Platform{OS: "linux", Architecture: "amd64"},
		},
	})
	rawIndex, err := index.RawManifest()
	if err != nil {
		return err
	}
	archive := tar.NewWriter(w)
	// The order of members is fixed, so that equal images have equal archives.
	if err := addBlob(archive, layoutFile, []byte(layoutText)); err != nil {
		return err
	}
	if err := addBlob(archive, indexFile, rawIndex); err != nil {
		return err
	}
	if err := addImage(archive, assembled); err != nil {
		return err
	}
	return archive.Close()
}

// addImage adds an image's manifest, configuration and layers.
func addImage(archive *tar.Writer, image v1.Image) error {
	digest, err := image.Digest()
	if err != nil {
		return err
	}
	manifest, err := image.RawManifest()
	if err != nil {
		return err
	}
	configName, err := image.ConfigName()
	if err != nil {
		return err
	}
	config, err := image.RawConfigFile()
	if err != nil {
		return err
	}
	if err := addBlob(archive, blobPath(digest), manifest); err != nil {
		return err
	}
	if err := addBlob(archive, blobPath(configName), config); err != nil {
		return err
	}
	layers, err := image.Layers()
	if err != nil {
		return err
	}
	for _, layer := range layers {
		if err := addLayer(archive, layer); err != nil {
			return err
		}
	}
	return nil
}

// addLayer adds a compressed layer.
func addLayer(archive *tar.Writer, layer v1.Layer) error {
	digest, err := layer.Digest()
	if err != nil {
		return err
	}
	size, err := layer.Size()
	if err != nil {
		return err
	}
	content, err := layer.Compressed()
	if err != nil {
		return err
	}
	defer content.Close()
	return add(archive, blobPath(digest), size, content)
}

// addBlob adds a member whose content is in memory.
func addBlob(archive *tar.Writer, name string, content []byte) error {
	return add(archive, name, int64(len(content)), bytes.NewReader(content))
}

// add adds a member of the tar. size is in bytes.
func add(archive *tar.Writer, name string, size int64, content io.Reader) error {
	header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o644, ModTime: epoch()}
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	_, err := io.Copy(archive, content)
	return err
}

// blobPath returns the name of a blob in the OCI image layout.
func blobPath(digest v1.Hash) string { return "blobs/" + digest.Algorithm + "/" + digest.Hex }
