package image

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"strings"
)

// recipe holds everything that determines the image. Changing any of it, even a comment, changes the digest and makes the next
// run build the image again.
//
//go:embed build.sh packages.txt files
var recipe embed.FS

// The distribution. debootstrap verifies its packages with the keys of debian-archive-keyring.
const (
	suite  = "bookworm"
	mirror = "http://deb.debian.org/debian"
)

// digestLength is the number of hexadecimal digits of the digest in names of images.
const digestLength = 12

// Digest returns the abbreviated digest of the recipe, which identifies the image.
func Digest() (string, error) {
	sum := sha256.New()
	sum.Write([]byte(suite + "\n"))
	err := fs.WalkDir(recipe, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := recipe.ReadFile(path)
		// Lengths separate the files, so that moving content from one to another changes the digest.
		sum.Write(fmt.Appendf(nil, "%s %d\n%s", path, len(content), content))
		return err
	})
	if err != nil {
		return "", fmt.Errorf("cannot read the image's recipe: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil))[:digestLength], nil
}

// packages returns the packages to install, as a comma-separated list for debootstrap.
func packages() (string, error) {
	list, err := recipe.ReadFile("packages.txt")
	if err != nil {
		return "", fmt.Errorf("cannot read the image's recipe: %w", err)
	}
	var names []string
	for line := range strings.Lines(string(list)) {
		if name := strings.TrimSpace(line); name != "" && !strings.HasPrefix(name, "#") {
			names = append(names, name)
		}
	}
	return strings.Join(names, ","), nil
}

// files returns a tar archive of the files that are added to the packages.
func files() ([]byte, error) {
	var out bytes.Buffer
	archive := tar.NewWriter(&out)
	err := fs.WalkDir(recipe, "files", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := recipe.ReadFile(path)
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path, "files/")
		// embed.FS does not keep the mode of files.
		header := &tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}
		if strings.Contains(name, "bin/") {
			header.Mode = 0o755
		}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		_, err = archive.Write(content)
		return err
	})
	if err == nil {
		err = archive.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the image's recipe: %w", err)
	}
	return out.Bytes(), nil
}
