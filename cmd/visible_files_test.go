package cmd_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestHostileWordsOfFiles tries control characters in names of files and directories, manifests, flags and bundles.
func TestHostileWordsOfFiles(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	dir := filepath.Join(t.TempDir(), drives)
	good, err := os.ReadFile("../examples/dual-stack.yaml")
	if err != nil {
		t.Fatal(err)
	}
	named := filepath.Join(dir, drives+".yaml")
	put(t, named, string(good))
	quoted := strings.NewReplacer(
		"\x1b", `\x1b`, "\a", `\a`, "\r", `\r`, "\x7f", `\x7f`, "\xff", `\xff`, "\x08", `\b`,
	).Replace(drives)
	wrong := filepath.Join(dir, "wrong.yaml")
	put(t, wrong, strings.NewReplacer(
		"dual-stack", `"`+quoted+`"`, "10.2.0.175", `"`+quoted+`"`, "bundled", `"`+quoted+`"`,
	).Replace(string(good)))
	put(t, filepath.Join(dir, "raw.yaml"), strings.ReplaceAll(string(good), "dual-stack", drives))
	put(t, filepath.Join(dir, "unknown.yaml"), "kind: Cluster\n\""+quoted+"\": 1\n")
	bundle := wholeBundle(t)
	short := func(args []string) string {
		return strings.NewReplacer(dir, "DIR", bundle, "BUNDLE", drives, "NAME").Replace(strings.Join(args, " "))
	}
	manifest, err := os.ReadFile(filepath.Join(bundle, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(bundle, "manifest.json"), strings.ReplaceAll(string(manifest), "tiny", inJSON(t, drives)))
	for _, args := range [][]string{
		{"check", "config", "-f", wrong},
		{"check", "config", "-f", wrong, "-o", "json"},
		{"check", "config", "-f", dir},
		{"check", "config", "-f", dir, "-o", "json"},
		{"check", "config", "-f", filepath.Join(dir, "raw.yaml")},
		{"check", "config", "-f", filepath.Join(dir, "unknown.yaml")},
		{"plan", "-f", wrong},
		{"plan", "-f", drives},
		{"plan", "-f", named, "-o", drives},
		{drives},
		{"plan", "--" + drives},
		{"render", "-f", named, "--output-dir", filepath.Join(dir, "out"+drives)},
		{"create", "cluster", "-f", wrong, "--dry-run"},
		{"create", "cluster", "-f", named, "--bundle", drives},
		{"check", "preflight", "-f", named, "--ignore-checks", drives},
		{"reset", "nodes", "-f", named, "--addresses", drives},
		{"bundle", "inspect", bundle},
		{"bundle", "inspect", bundle, "-o", "json"},
		{"bundle", "inspect", dir},
		{"bundle", "extract", bundle, drives, "--output-dir", dir},
		{"bundle", "build", "--output", dir, "--kubernetes-version", drives},
	} {
		t.Run(short(args), func(t *testing.T) { arrived(t, call(t, args...)) })
	}
	again := filepath.Join(dir, "again"+drives)
	for _, args := range [][]string{
		{"plan", "-f", named, "-o", "text"},
		{"plan", "-f", named, "-o", "json"},
		{"plan", "-f", named, "-o", "yaml"},
		{"plan", "-f", named, "-o", "svg"},
		{"check", "config", "-f", named},
		{"check", "config", "-f", named, "-o", "json"},
		{"render", "-f", named, "--output-dir", again, "-o", "json"},
		{"create", "cluster", "-f", named, "--dry-run"},
		{"create", "cluster", "-f", named, "--dry-run", "-o", "json"},
	} {
		t.Run(short(args), func(t *testing.T) { call(t, args...) })
	}
	for _, args := range [][]string{
		{"schema"},
		{"version"},
		{"completion", "bash"},
		{"completion", "zsh"},
		{"completion", "fish"},
		{"--help"},
	} {
		call(t, args...)
	}
}
