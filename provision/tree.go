package provision

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

// indexName is the file in a rendered directory that lists the others. It also marks the directory as
// dualstrap's to rewrite.
const indexName = "index.json"

// clusterDir holds what goes into the cluster; every host has a directory named by its address.
const clusterDir = "cluster"

// TreeIndex lists what a rendered directory holds.
type TreeIndex struct {
	Files []TreeFile `json:"files"`
}

// TreeFile is one file of a rendered directory.
type TreeFile struct {
	// File is the path in the directory.
	File string `json:"file"`
	// Host is the address of the node it is for; empty for the cluster.
	Host string `json:"host,omitempty"`
	// Path is the path on the host.
	Path string `json:"path"`
	// Mode is in octal, as in 0644.
	Mode   string `json:"mode"`
	SHA256 string `json:"sha256"`
}

// WriteTree writes rendered files below dir, a directory per host and one for the cluster. A directory
// that an earlier WriteTree filled is brought up to date, and files that are rendered no more are
// removed; a directory that holds anything else is refused untouched.
//
// Of two that write to one directory at a time the second fails. A WriteTree that was cut off leaves
// nothing behind that the next one does not put right.
func WriteTree(dir string, files []render.File) (TreeIndex, error) {
	dir = filepath.Clean(dir)
	unlock, err := lockDirectory(dir)
	if err != nil {
		return TreeIndex{}, err
	}
	defer unlock()
	before, err := readIndex(dir)
	if err != nil {
		return TreeIndex{}, err
	}
	return writeTree(dir, files, before)
}

func writeTree(dir string, files []render.File, before TreeIndex) (TreeIndex, error) {
	if err := removeTemporary(dir); err != nil {
		return TreeIndex{}, err
	}
	index := newIndex(files)
	// The index on disk always covers what is there, so that a run cut off at any point leaves a
	// directory that the next run recognises as its own.
	covering := mergeIndexes(before, index)
	if err := writeIndex(dir, covering); err != nil {
		return TreeIndex{}, err
	}
	if err := writeDirs(dir, files, index); err != nil {
		return TreeIndex{}, err
	}
	if len(covering.Files) == len(index.Files) {
		return index, nil
	}
	if err := removeStale(dir, before, index); err != nil {
		return TreeIndex{}, err
	}
	return index, writeIndex(dir, index)
}

func newIndex(files []render.File) TreeIndex {
	index := TreeIndex{Files: make([]TreeFile, len(files))}
	for i, file := range files {
		index.Files[i] = treeFile(file)
	}
	return index
}

func treeFile(file render.File) TreeFile {
	dir := file.Host
	if dir == "" {
		dir = clusterDir
	}
	sum := sha256.Sum256(file.Content)
	return TreeFile{
		File:   filepath.Join(dir, file.Path),
		Host:   file.Host,
		Path:   file.Path,
		Mode:   fmt.Sprintf("%#o", file.Mode.Perm()),
		SHA256: hex.EncodeToString(sum[:]),
	}
}

// readIndex gives the index of a directory, an empty one for a directory that is new or empty.
func readIndex(dir string) (TreeIndex, error) {
	data, err := os.ReadFile(filepath.Join(dir, indexName))
	if err == nil {
		var index TreeIndex
		if err := json.Unmarshal(data, &index); err != nil || index.Files == nil {
			return TreeIndex{}, fmt.Errorf("cannot render into %s: its %s is not one that dualstrap wrote; name a new or empty directory",
				dir, indexName)
		}
		return index, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return TreeIndex{}, fmt.Errorf("cannot use the output directory: %w", err)
	}
	entries, err := os.ReadDir(dir)
	entries = slices.DeleteFunc(entries, isTemporary)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return TreeIndex{}, nil
	case err != nil:
		return TreeIndex{}, fmt.Errorf("cannot use the output directory: %w", err)
	case len(entries) > 0:
		return TreeIndex{}, fmt.Errorf("cannot render into %s: it holds other files, like %s; name a new or empty directory",
			dir, entries[0].Name())
	}
	return TreeIndex{}, nil
}

func writeIndex(dir string, index TreeIndex) error {
	data, err := json.MarshalIndent(index, "", "  ")
	if err != nil {
		return err
	}
	return replace(dir, filepath.Join(dir, indexName), append(data, '\n'), 0o644)
}

// mergeIndexes lists the files of both indexes, each once.
func mergeIndexes(a, b TreeIndex) TreeIndex {
	all := TreeIndex{Files: append([]TreeFile{}, b.Files...)}
	listed := b.names()
	for _, file := range a.Files {
		if !listed[file.File] {
			all.Files = append(all.Files, file)
		}
	}
	return all
}

func (x TreeIndex) names() map[string]bool {
	names := make(map[string]bool, len(x.Files))
	for _, file := range x.Files {
		names[file.File] = true
	}
	return names
}

// removeStale removes files that only the earlier index lists, and the directories they leave empty.
func removeStale(dir string, before, now TreeIndex) error {
	current := now.names()
	root, err := os.OpenRoot(dir) // follows no symbolic link that leads out of the directory
	if err != nil {
		return fmt.Errorf("cannot remove what is rendered no more: %w", err)
	}
	defer root.Close() //nolint:errcheck // nothing was written
	for _, file := range before.Files {
		// The index is a file like any other: what it names outside the directory is not ours.
		if current[file.File] || !filepath.IsLocal(file.File) {
			continue
		}
		if err := root.Remove(file.File); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot remove what is rendered no more: %w", err)
		}
		for parent := filepath.Dir(file.File); parent != "."; parent = filepath.Dir(parent) {
			if root.Remove(parent) != nil {
				break // not empty
			}
		}
	}
	return nil
}
