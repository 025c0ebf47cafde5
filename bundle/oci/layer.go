package oci

import (
	"archive/tar"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
)

// layerOpener returns a function that streams a layer's tar. It can be called repeatedly and does not keep the tar in
// memory.
func layerOpener(files []File) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		reader, writer := io.Pipe()
		// The goroutine ends with the layer, or when the reader is closed.
		go func() { writer.CloseWithError(writeLayer(writer, files)) }()
		return reader, nil
	}
}

// writeLayer writes a tar of the files and their parent directories, sorted by path.
func writeLayer(w io.Writer, files []File) error {
	// The map removes duplicate directories, and sorting makes the layer's bytes independent of the order of files.
	entries := map[string]*File{} // nil for directories
	for i, file := range files {
		name := strings.TrimPrefix(path.Clean(file.Path), "/")
		entries[name] = &files[i]
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			entries[dir+"/"] = nil
		}
	}
	archive := tar.NewWriter(w)
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		if err := writeEntry(archive, name, entries[name]); err != nil {
			return fmt.Errorf("cannot put /%s into an image: %w", name, err)
		}
	}
	return archive.Close()
}

// writeEntry writes a file, or a directory if file is nil.
func writeEntry(archive *tar.Writer, name string, file *File) error {
	if file == nil {
		return archive.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: 0o755, ModTime: epoch()})
	}
	content, err := file.Open()
	if err != nil {
		return err
	}
	defer content.Close()
	size, err := contentSize(content)
	if err != nil {
		return err
	}
	header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: int64(file.Mode.Perm()), ModTime: epoch()}
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	_, err = io.Copy(archive, content)
	return err
}

// contentSize returns the size of content in bytes by seeking to its end: the header of a tar entry precedes the
// content.
func contentSize(content io.Reader) (int64, error) {
	seeker, ok := content.(io.Seeker)
	if !ok {
		return 0, fmt.Errorf("its size is unknown")
	}
	size, err := seeker.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, err
	}
	_, err = seeker.Seek(0, io.SeekStart)
	return size, err
}
