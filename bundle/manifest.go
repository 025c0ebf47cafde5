package bundle

import (
	"bytes"
	"encoding/json"

	"github.com/dualstrap/dualstrap/api"
)

const (
	// ManifestName is the file that makes a directory a bundle.
	ManifestName = "manifest.json"
	// SchemaVersion is that of the manifest; a reader refuses others.
	SchemaVersion = 1
)

// The kinds of files.
const (
	KindExecutable = "executable"
	KindImage      = "image"
)

// Manifest says what a bundle holds.
type Manifest struct {
	SchemaVersion     int    `json:"schemaVersion"`
	KubernetesVersion string `json:"kubernetesVersion"`
	// Architecture is Go's name of it: amd64.
	Architecture string `json:"architecture"`
	// GoVersion is the toolchain that built the programs: another one gives other bytes.
	GoVersion string `json:"goVersion"`
	// Files are sorted by path.
	Files []File `json:"files"`
}

// File is a file of a bundle.
type File struct {
	// Path is relative to the bundle, with slashes.
	Path string `json:"path"`
	Kind string `json:"kind"`
	// Name is the executable's or image's, Version what it says of itself.
	Name    string `json:"name"`
	Version string `json:"version"`
	// Size and SHA256 are those of the file as it lies in the bundle.
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	// Roles are those of the nodes that need it.
	Roles []api.Role `json:"roles"`
	// Executable is set where Kind is executable, Image where it is image.
	Executable *Executable `json:"executable,omitempty"`
	Image      *Image      `json:"image,omitempty"`
}

// Executable is a program that goes onto hosts; the file is its gzip.
type Executable struct {
	// Path and Mode, in octal, are those on the host.
	Path string `json:"path"`
	Mode string `json:"mode"`
	// Size and SHA256 are those of the executable itself.
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Image is an image that hosts import.
type Image struct {
	Reference string `json:"reference"`
	// Digest is that of the image's manifest, as in sha256:HEX: what a runtime knows the image by.
	Digest string `json:"digest"`
	// Program is the path in the image of what it runs.
	Program string `json:"program"`
}

// Encode gives the manifest's bytes.
func (m Manifest) Encode() ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(m)
	return out.Bytes(), err
}

// For gives the files that a node of the role needs.
func (m Manifest) For(role api.Role) []File {
	var files []File
	for _, file := range m.Files {
		for _, needing := range file.Roles {
			if needing == role {
				files = append(files, file)
			}
		}
	}
	return files
}

// Dualstrap is the version of dualstrap's own image: what runs in the cluster is what the bundle brings,
// whatever the program is that brings it there. It is empty when the bundle has none.
func (m Manifest) Dualstrap() string {
	for _, file := range m.Files {
		if file.Kind == KindImage && file.Name == "dualstrap" {
			return file.Version
		}
	}
	return ""
}
