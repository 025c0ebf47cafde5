package tree

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/dualstrap/dualstrap/render"
)

// indexName is the name of the file in an output directory that lists the others. It also marks the directory as one that
// dualstrap may rewrite.
const indexName = "index.json"

// clusterDir is the directory for the manifests of the cluster. The directory of a host has its address as its name.
const clusterDir = "cluster"

// Index lists the files of an output directory. It is the content of index.json.
type Index struct {
	Files []File `json:"files"`
}

// File describes one file of an output directory.
type File struct {
	// File is the path relative to the output directory.
	File string `json:"file"`
	// Host is the address of the node that the file is for; empty for manifests of the cluster.
	Host string `json:"host,omitempty"`
	// Path is the path on the host.
	Path string `json:"path"`
	// Mode holds the permission bits in octal, such as 0644.
	Mode string `json:"mode"`
	// SHA256 is the digest of the content, in hexadecimal.
	SHA256 string `json:"sha256"`
}

// Write writes rendered files below dir, in one directory per host and one for the cluster, and returns their index.
// It updates a directory that an earlier Write has written, and removes files that are no longer rendered. It refuses a
// directory with other files, and does not change it.
//
// If two calls write to the same directory at the same time, the second one fails. The next call completes a call that was
// interrupted.
func Write(dir string, files []render.File) (Index, error) {
	dir = filepath.Clean(dir)
	unlock, err := lockDirectory(dir)
	if err != nil {
		return Index{}, err
	}
	defer unlock()
	before, err := readIndex(dir)
	if err != nil {
		return Index{}, err
	}
	return rewrite(dir, files, before)
}

// rewrite writes the files of a locked directory whose index was before.
func rewrite(dir string, files []render.File, before Index) (Index, error) {
	if err := removeTemporary(dir); err != nil {
		return Index{}, err
	}
	index := newIndex(files)
	// The index on disk lists every file in the directory at all times, so that the next run recognizes and completes a
	// directory wherever this run was interrupted.
	covering := mergeIndexes(before, index)
	if err := writeIndex(dir, covering); err != nil {
		return Index{}, err
	}
	if err := writeDirs(dir, files, index); err != nil {
		return Index{}, err
	}
	if len(covering.Files) == len(index.Files) { // nothing is stale, and the index on disk is final
		return index, nil
	}
	if err := removeStale(dir, before, index); err != nil {
		return Index{}, err
	}
	return index, writeIndex(dir, index)
}

// newIndex returns the index of rendered files, in their order.
func newIndex(files []render.File) Index {
	index := Index{Files: make([]File, len(files))}
	for i, file := range files {
		index.Files[i] = treeFile(file)
	}
	return index
}

// treeFile returns the index entry of a rendered file.
func treeFile(file render.File) File {
	dir := file.Host
	if dir == "" {
		dir = clusterDir
	}
	sum := sha256.Sum256(file.Content)
	return File{
		File:   filepath.Join(dir, file.Path),
		Host:   file.Host,
		Path:   file.Path,
		Mode:   fmt.Sprintf("%#o", file.Mode.Perm()),
		SHA256: hex.EncodeToString(sum[:]),
	}
}

// readIndex returns the index of a directory, or an empty index if the directory does not exist or is empty. It returns an
// error if the directory has other files, or an index that dualstrap did not write.
func readIndex(dir string) (Index, error) {
	data, err := os.ReadFile(filepath.Join(dir, indexName))
	if err == nil {
		var index Index
		if err := json.Unmarshal(data, &index); err != nil || index.Files == nil {
			return Index{}, fmt.Errorf("cannot render into %s: its %s is not one that dualstrap wrote; name a new or empty directory",
				dir, indexName)
		}
		return index, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return Index{}, fmt.Errorf("cannot use the output directory: %w", err)
	}
	entries, err := os.ReadDir(dir)
	entries = slices.DeleteFunc(entries, isTemporary) // a run may have been killed before it wrote an index
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Index{}, nil
	case err != nil:
		return Index{}, fmt.Errorf("cannot use the output directory: %w", err)
	case len(entries) > 0:
		return Index{}, fmt.Errorf("cannot render into %s: it holds other files, like %s; name a new or empty directory",
			dir, entries[0].Name())
	}
	return Index{}, nil
}

// writeIndex writes the index of a directory.
func writeIndex(dir string, index Index) error {
	data, err := json.MarshalIndent(index, "", "  ")
	if err != nil {
		return err
	}
	return replace(dir, filepath.Join(dir, indexName), append(data, '\n'), 0o644)
}

// mergeIndexes returns an index with the files of both, without duplicates. Entries of b take precedence.
func mergeIndexes(a, b Index) Index {
	all := Index{Files: append([]File{}, b.Files...)}
	listed := b.names()
	for _, file := range a.Files {
		if !listed[file.File] {
			all.Files = append(all.Files, file)
		}
	}
	return all
}

// names returns the set of the paths in the index.
func (x Index) names() map[string]bool {
	names := make(map[string]bool, len(x.Files))
	for _, file := range x.Files {
		names[file.File] = true
	}
	return names
}

// removeStale removes files that only the earlier index lists, and directories that are empty without them.
func removeStale(dir string, before, now Index) error {
	current := now.names()
	root, err := os.OpenRoot(dir) // a Root does not follow symbolic links out of the directory
	if err != nil {
		return fmt.Errorf("cannot remove what is rendered no more: %w", err)
	}
	defer root.Close()
	for _, file := range before.Files {
		// The index is not trusted: another program may have written paths outside the directory into it.
		if current[file.File] || !filepath.IsLocal(file.File) {
			continue
		}
		if err := root.Remove(file.File); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot remove what is rendered no more: %w", err)
		}
		// Remove fails for a directory that is not empty, which ends the way up.
		for parent := filepath.Dir(file.File); parent != "."; parent = filepath.Dir(parent) {
			if root.Remove(parent) != nil {
				break
			}
		}
	}
	return nil
}
