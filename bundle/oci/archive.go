package oci

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/zstd"

	"github.com/dualstrap/dualstrap/internal/localfile"
)

// Archive is an image's archive, opened for reading. It is not safe for concurrent use.
type Archive struct {
	file localfile.File
	// blobs maps names of the tar's members to their contents.
	blobs map[string]*io.SectionReader
	// Reference is the image's name, Digest the digest of its manifest, as in sha256:HEX, and Config its runtime
	// configuration.
	Reference string
	Digest    string
	Config    v1.Config
	// layers are in order: later ones override files of earlier ones.
	layers []v1.Descriptor
}

// Bounds of an archive, many times above those of archives that [Write] writes.
const (
	maxMembers       = 1000
	maxDocumentBytes = 1 << 20
)

// Open opens an archive that [Write] wrote. It reads everything but the layers.
func Open(path string) (*Archive, error) {
	file, err := localfile.Open(path)
	if err != nil {
		return nil, err
	}
	archive := &Archive{file: file}
	if err := archive.read(); err != nil {
		file.Close()
		return nil, fmt.Errorf("cannot read image archive %s: %w", path, err)
	}
	return archive, nil
}

// Close closes the archive.
func (a *Archive) Close() error { return a.file.Close() }

// Walk calls visit for every entry of the image's layers, in order. An error of visit stops the walk and is returned
// wrapped. content is valid only during the call.
func (a *Archive) Walk(visit func(header *tar.Header, content io.Reader) error) error {
	for _, layer := range a.layers {
		if err := a.walkLayer(layer, visit); err != nil {
			return fmt.Errorf("cannot read layer %s of %s: %w", layer.Digest, a.Reference, err)
		}
	}
	return nil
}

// walkLayer decompresses one layer and visits its entries.
func (a *Archive) walkLayer(layer v1.Descriptor, visit func(*tar.Header, io.Reader) error) error {
	blob, err := a.blob(blobPath(layer.Digest))
	if err != nil {
		return err
	}
	// Write compresses all layers with zstd.
	plain, err := zstd.NewReader(blob)
	if err != nil {
		return err
	}
	defer plain.Close()
	entries := tar.NewReader(plain)
	for {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := visit(header, entries); err != nil {
			return err
		}
	}
}

// read follows the references from the index to the manifest to the configuration. It does not compare digests: the
// caller has compared that of the whole archive.
func (a *Archive) read() error {
	if err := a.locate(); err != nil {
		return err
	}
	index, err := parse(a, indexFile, v1.ParseIndexManifest)
	if err != nil {
		return err
	}
	// containerd would import every image of an archive, also one that the bundle's manifest does not list.
	if len(index.Manifests) != 1 {
		return fmt.Errorf("it holds %d images, not one", len(index.Manifests))
	}
	image := index.Manifests[0]
	manifest, err := parse(a, blobPath(image.Digest), v1.ParseManifest)
	if err != nil {
		return err
	}
	config, err := parse(a, blobPath(manifest.Config.Digest), v1.ParseConfigFile)
	if err != nil {
		return err
	}
	// The name is an annotation of the index, so it is not covered by the image's digest: Verify compares both.
	a.Reference, a.Digest = image.Annotations[nameAnnotation], image.Digest.String()
	a.Config, a.layers = config.Config, manifest.Layers
	return nil
}

// locate records the position of each member of the tar in the file.
func (a *Archive) locate() error {
	a.blobs = map[string]*io.SectionReader{}
	members := tar.NewReader(a.file)
	for {
		header, err := members.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		// Readers of tar disagree about which of two equal names counts.
		if _, twice := a.blobs[header.Name]; twice {
			return fmt.Errorf("it holds %q twice", header.Name)
		}
		if len(a.blobs) == maxMembers {
			return fmt.Errorf("it holds more than %d files", maxMembers)
		}
		// tar.Reader has read the header only, so the file's position is where the content starts.
		offset, err := a.file.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		a.blobs[header.Name] = io.NewSectionReader(a.file, offset, header.Size)
	}
}

// blob returns a member of the archive by name.
func (a *Archive) blob(name string) (*io.SectionReader, error) {
	blob, ok := a.blobs[name]
	if !ok {
		return nil, fmt.Errorf("%s is missing", name)
	}
	return blob, nil
}

// parse decodes a JSON document of the archive. It refuses documents larger than maxDocumentBytes.
func parse[T any](a *Archive, name string, parser func(io.Reader) (*T, error)) (*T, error) {
	blob, err := a.blob(name)
	if err != nil {
		return nil, err
	}
	if blob.Size() > maxDocumentBytes {
		return nil, fmt.Errorf("%s has %d bytes, at most %d are allowed", name, blob.Size(), maxDocumentBytes)
	}
	content, err := io.ReadAll(blob)
	if err != nil {
		return nil, err
	}
	parsed, err := parser(bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return parsed, nil
}
