package cmd

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/bundle/build"
	"github.com/dualstrap/dualstrap/cmd/internal/cli"
	"github.com/dualstrap/dualstrap/internal/plural"
)

// newBundleBuild returns the command bundle build. It has no -o flag: its result is the bundle itself, and bundle inspect
// describes one as JSON.
func newBundleBuild(streams cli.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "build --output DIR",
		Short: "Build a bundle of all that hosts need to become nodes, from source",
		Long: `Build a bundle of all that hosts need to become nodes: Kubernetes, containerd, runc, etcd, CoreDNS,
CNI plugins and MetalLB from Go modules at pinned versions, each verified against its checksum, and images
with nftables, HAProxy and keepalived from the distribution's packages. No container registry is used.

Building requires Go, gcc and the headers of libseccomp on a Debian 12 machine; the bundle is for hosts of
any amd64 distribution. The first build takes about 20 minutes on two cores. Results are cached in
~/.cache/dualstrap/bundle: an interrupted build resumes where it stopped, and a build with nothing to do
takes a second or two.`,
		Example: `  dualstrap bundle build --output bundle
  dualstrap bundle build --output bundle --kubernetes-version v1.36.3`,
		Args: noArgs,
	}
	output := cmd.Flags().String("output", "", "the directory of the bundle: new, empty, or an existing bundle to update")
	kubernetes := cmd.Flags().String("kubernetes-version", api.Releases()[0].Kubernetes,
		"the Kubernetes version of the bundle, one of "+knownReleases())
	_ = cmd.MarkFlagDirname("output") // it returns an error only for a flag that does not exist
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *output == "" {
			return cli.Usagef("no directory to write to: name one with --output")
		}
		release, known := api.FindRelease(*kubernetes)
		if !known {
			return cli.Usagef("unknown Kubernetes version %q: choose one of %s", *kubernetes, knownReleases())
		}
		cache, err := build.DefaultCacheDir()
		if err != nil {
			return err
		}
		// The image of the agent and the controller is made from the running executable, so that no registry has to be
		// trusted for it.
		self, err := os.Executable()
		if err != nil {
			return fmt.Errorf("cannot find dualstrap's own executable: %w", err)
		}
		result, err := build.Build(cmd.Context(), build.Options{
			Output: *output, Release: release, CacheDir: cache, Self: self, SelfVersion: cli.Version(),
			Progress: cli.Raw(streams.Err), // progress redraws lines with escape sequences
		})
		if err != nil {
			return err
		}
		return reportBuild(streams, *output, result)
	}
	return cmd
}

// reportBuild prints the result of a build: whether the bundle has changed, its size, and its digest.
func reportBuild(streams cli.Streams, dir string, result build.Result) error {
	state := "is up to date"
	if result.Changed {
		state = "is ready"
	}
	var size int64
	for _, file := range result.Manifest.Files {
		size += file.Size
	}
	_, err := fmt.Fprintf(streams.Out, "the bundle %s for Kubernetes %s %s: %s, %s; %d built now, %d from the cache\nSHA-256 %s\n",
		cli.Visible(dir), result.Manifest.KubernetesVersion, state, plural.Of(len(result.Manifest.Files), "file"), mebibytes(size),
		result.Built, len(result.Manifest.Files)-result.Built, result.SHA256)
	return err
}

// knownReleases returns the Kubernetes versions that can be built, separated by commas.
func knownReleases() string {
	var names []string
	for _, release := range api.Releases() {
		names = append(names, release.Kubernetes)
	}
	return strings.Join(names, ", ")
}

// mebibytes formats a size for a table. Sizes in a bundle are of this order, so one unit makes them comparable.
func mebibytes(bytes int64) string { return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20)) }
