package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/dualstrap/dualstrap/bundle"
	"github.com/dualstrap/dualstrap/bundle/signature"
	"github.com/dualstrap/dualstrap/cmd/internal/cli"
	"github.com/dualstrap/dualstrap/internal/plural"
)

// inspection is the result of `bundle inspect -o json`.
type inspection struct {
	OK bool `json:"ok"`
	// SHA256 is the digest of manifest.json, in hexadecimal. The manifest has the digests of all other files.
	SHA256 string `json:"sha256"`
	// Signed reports whether there is a signature, valid or not.
	Signed bool `json:"signed"`
	// SignedBy is the allowed signer who made the signature; nil when it is not valid, or was not verified for want of
	// --allowed-signers.
	SignedBy *signature.Signer `json:"signedBy,omitempty"`
	Flaws    []bundle.Flaw     `json:"flaws"`
	Manifest bundle.Manifest   `json:"manifest"`
}

// newBundleInspect returns the command bundle inspect. Everything a bundle consists of is listed in its manifest.json.
func newBundleInspect(streams cli.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "inspect DIR",
		Short: "List the contents of a bundle and verify its digests",
		Long: `List the contents of a bundle and the nodes they are for, and verify the digest of every file. The command
fails if a file is missing, damaged, or not listed in the bundle's manifest.json, and, with --allowed-signers,
if the bundle is not signed by one of them.

The SHA-256 that it prints is the digest of manifest.json, which lists the digests of all other files, and so
identifies the whole bundle. Set bundleSHA256 in ProvisionOptions to it to accept no other bundle.`,
		Example: `  dualstrap bundle inspect bundle
  dualstrap bundle inspect bundle --allowed-signers allowed_signers
  dualstrap bundle inspect bundle -o json | jq -r '.manifest.files[].name'`,
		Args: oneBundle,
	}
	format := cli.AddFormat(cmd, cli.Text, cli.JSON)
	signers := cmd.Flags().String("allowed-signers", "",
		"a file in the ALLOWED SIGNERS format of ssh-keygen; one of its signers must have signed the bundle")
	_ = cmd.MarkFlagFilename("allowed-signers") // it returns an error only for a flag that does not exist
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		bundleDir, err := bundle.Open(args[0])
		if err != nil {
			return err
		}
		report, verified := inspect(cmd.Context(), bundleDir, *signers)
		// A flawed or unsigned bundle is listed all the same. Any other error, as of a file that cannot be read, is not a
		// finding about the bundle.
		var flawed *bundle.FlawedError
		var unsigned *bundle.SignatureError
		if verified != nil && !errors.As(verified, &flawed) && !errors.As(verified, &unsigned) {
			return verified
		}
		if format.String() == cli.JSON {
			err = cli.WriteJSON(streams.Out, report)
		} else {
			err = errors.Join(listBundle(streams.Out, bundleDir.Manifest), describeBundle(streams.Out, report))
		}
		return errors.Join(verified, err)
	}
	return cmd
}

// inspect verifies a bundle and, if signers names a file of allowed signers, its signature. It returns the findings in
// either case, and an error when something is wrong.
func inspect(ctx context.Context, bundleDir *bundle.Dir, signers string) (inspection, error) {
	report := inspection{
		SHA256: bundleDir.SHA256, Signed: bundleDir.Signed(), Flaws: []bundle.Flaw{}, Manifest: bundleDir.Manifest,
	}
	verified := bundleDir.Verify(ctx)
	var flawed *bundle.FlawedError
	if errors.As(verified, &flawed) {
		report.Flaws = flawed.Flaws
	}
	if signers != "" {
		signer, err := bundleDir.VerifySignature(signers, time.Now())
		if err == nil {
			report.SignedBy = &signer
		}
		verified = errors.Join(verified, err)
	}
	report.OK = verified == nil
	return report, verified
}

// describeBundle prints the digest that identifies a bundle, and who has signed it.
func describeBundle(w io.Writer, report inspection) error {
	signed := "not signed"
	switch {
	case report.SignedBy != nil:
		signed = "signed by " + cli.Visible(report.SignedBy.String())
	case report.Signed:
		signed = "with a signature that was not verified (--allowed-signers FILE)"
	}
	_, err := fmt.Fprintf(w, "SHA-256 %s, %s\n", report.SHA256, signed)
	return err
}

// listBundle prints the files of a bundle as a table.
func listBundle(w io.Writer, manifest bundle.Manifest) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "KIND\tNAME\tVERSION\tSIZE\tNODES")
	var size int64
	for _, file := range manifest.Files {
		roles := make([]string, len(file.Roles))
		for i, role := range file.Roles {
			roles[i] = string(role)
		}
		size += file.Size
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n",
			cli.Visible(file.Kind), cli.Visible(file.Name), cli.Visible(file.Version), mebibytes(file.Size), cli.Visible(strings.Join(roles, ",")))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "Kubernetes %s for %s, built with %s: %s, %s\n", cli.Visible(manifest.KubernetesVersion),
		cli.Visible(manifest.Architecture), cli.Visible(manifest.GoVersion), plural.Of(len(manifest.Files), "file"), mebibytes(size))
	return err
}
