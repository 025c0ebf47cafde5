package cmd_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/bundle"
)

// tinyBundle implements the command tinybundle DIR of test scripts, which writes a valid bundle with one file.
func tinyBundle(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: tinybundle DIR")
	}
	ts.Check(writeTinyBundle(ts.MkAbs(args[0])))
}

// writeTinyBundle writes a valid bundle with one small program to a directory.
func writeTinyBundle(dir string) error {
	digest := func(data []byte) string {
		sum := sha256.Sum256(data)
		return hex.EncodeToString(sum[:])
	}
	program := []byte("#!/bin/true\n")
	var compressed bytes.Buffer
	zipper := gzip.NewWriter(&compressed)
	if _, err := zipper.Write(program); err != nil {
		return err
	}
	if err := zipper.Close(); err != nil {
		return err
	}
	manifest, err := bundle.Manifest{
		SchemaVersion: bundle.SchemaVersion, KubernetesVersion: "v1.36.3", Architecture: "amd64", GoVersion: "go1.26",
		Files: []bundle.File{{
			Path: "bin/tiny.gz", Kind: bundle.KindExecutable, Name: "tiny", Version: "v1",
			Roles: []api.Role{api.RoleControlPlane, api.RoleWorker},
			Size:  int64(compressed.Len()), SHA256: digest(compressed.Bytes()),
			Executable: &bundle.Executable{Path: "/usr/local/bin/tiny", Mode: "0755", Size: int64(len(program)), SHA256: digest(program)},
		}},
	}.Encode()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, "bin"), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "bin", "tiny.gz"), compressed.Bytes(), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, bundle.ManifestName), manifest, 0o644)
}
