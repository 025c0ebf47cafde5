package bundle

import (
	"bytes"
	"encoding/json"

	"github.com/dualstrap/dualstrap/api"
)

const (
	// ManifestName is the name of the manifest, which makes a directory a bundle.
	ManifestName = "manifest.json"
	// SchemaVersion is the version of the manifest's schema. Readers refuse any other.
	SchemaVersion = 1
)

// The kinds of files in a bundle.
const (
	KindExecutable = "executable"
	KindImage      = "image"
)

// Manifest lists the contents of a bundle. It is encoded as manifest.json.
type Manifest struct {
	SchemaVersion     int    `json:"schemaVersion"`
	KubernetesVersion string `json:"kubernetesVersion"`
	// Architecture is Go's name of the processor architecture: amd64.
	Architecture string `json:"architecture"`
	// GoVersion is the toolchain that built the programs. Another toolchain produces other bytes.
	GoVersion string `json:"goVersion"`
	// Files is sorted by path.
	Files []File `json:"files"`
}

// File is a file of a bundle.
type File struct {
	// Path is relative to the bundle, with forward slashes.
	Path string `json:"path"`
	// Kind is KindExecutable or KindImage.
	Kind string `json:"kind"`
	// Name is the name of the executable or image, and Version the version that the program reports.
	Name    string `json:"name"`
	Version string `json:"version"`
	// Size, in bytes, and SHA256, in hexadecimal, describe the file as it is stored in the bundle.
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	// Roles are the roles of the nodes that need the file.
	Roles []api.Role `json:"roles"`
	// Executable is set if Kind is KindExecutable, and Image if it is KindImage.
	Executable *Executable `json:"executable,omitempty"`
	Image      *Image      `json:"image,omitempty"`
}

// Executable is a program that is installed on hosts. The bundle stores it compressed with gzip.
type Executable struct {
	// Path and Mode, in octal, are those of the executable on the host.
	Path string `json:"path"`
	Mode string `json:"mode"`
	// Size and SHA256 describe the uncompressed executable.
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Image is an image that hosts import.
type Image struct {
	Reference string `json:"reference"`
	// Digest is the digest of the image's manifest, as in sha256:HEX, by which a container runtime identifies the
	// image.
	Digest string `json:"digest"`
	// Program is the path, in the image, of the program that it runs.
	Program string `json:"program"`
}

// Encode returns the content of manifest.json. Equal manifests have equal encodings.
func (m Manifest) Encode() ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(m)
	return out.Bytes(), err
}

// For returns the files that a node of the role needs.
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

// Dualstrap returns the version of dualstrap's own image, or an empty string if the bundle has none. Workloads in the
// cluster run this version, which may differ from that of the program that installs the bundle.
func (m Manifest) Dualstrap() string {
	for _, file := range m.Files {
		if file.Kind == KindImage && file.Name == "dualstrap" {
			return file.Version
		}
	}
	return ""
}
