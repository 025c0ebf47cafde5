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

// recipe is everything that an image is made of: changing any of it makes another image.
//
//go:embed build.sh packages.txt files
var recipe embed.FS

// The distribution; its packages are checked against the keys of debian-archive-keyring.
const (
	suite  = "bookworm"
	mirror = "http://deb.debian.org/debian"
)

// digestLength is how much of the digest names an image.
const digestLength = 12

// Digest names the image that this program makes.
func Digest() (string, error) {
	sum := sha256.New()
	sum.Write([]byte(suite + "\n"))
	err := fs.WalkDir(recipe, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := recipe.ReadFile(path)
		sum.Write(fmt.Appendf(nil, "%s %d\n%s", path, len(content), content))
		return err
	})
	if err != nil {
		return "", fmt.Errorf("cannot read the image's recipe: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil))[:digestLength], nil
}

// packages gives the packages to install, as debootstrap wants them.
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

// files gives what is put over the packages, as a tar.
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
