package cmd

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/dualstrap/dualstrap/bundle"
	"github.com/dualstrap/dualstrap/bundle/signature"
	"github.com/dualstrap/dualstrap/cmd/internal/cli"
)

// newBundleSign returns the command bundle sign. Signatures have the format of ssh-keygen, so that existing SSH keys and
// agents can be used, and signatures can be verified without dualstrap.
func newBundleSign(streams cli.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sign DIR --key FILE",
		Short: "Sign a bundle with an SSH key",
		Long: `Verify every file of a bundle and sign its manifest.json, which lists the digests of all other files. The
signature is written to ` + bundle.SignatureName + ` beside it, in the format of ssh-keygen -Y sign, in the namespace
` + signature.Namespace + `.

If the file holds a public key, or a private key with a passphrase, the SSH agent at SSH_AUTH_SOCK signs.
Set bundleAllowedSigners in ProvisionOptions to accept only bundles signed by certain keys.`,
		Example: `  dualstrap bundle sign bundle --key ~/.ssh/id_ed25519
  ssh-keygen -Y sign -n ` + signature.Namespace + ` -f ~/.ssh/id_ed25519 bundle/manifest.json   # does the same`,
		Args: oneBundle,
	}
	key := cmd.Flags().String("key", "", "the file of the private key, or of the public key if the SSH agent holds the private key")
	_ = cmd.MarkFlagFilename("key") // it returns an error only for a flag that does not exist
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *key == "" {
			return cli.Usagef("no key to sign with: name one with --key")
		}
		bundleDir, err := bundle.Open(args[0])
		if err != nil {
			return err
		}
		// Sign verifies the bundle before it calls the function: a damaged bundle is never signed.
		err = bundleDir.Sign(cmd.Context(), func(message []byte) ([]byte, error) {
			return signature.SignWith(cmd.Context(), *key, os.Getenv("SSH_AUTH_SOCK"), message)
		})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(streams.Out, "%s signs the bundle with the SHA-256 %s\n",
			cli.Visible(filepath.Join(args[0], bundle.SignatureName)), bundleDir.SHA256)
		return err
	}
	return cmd
}

// oneBundle is the argument check of commands that take the directory of one bundle.
func oneBundle(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return cli.Usagef("%s takes the directory of a bundle, got %q", cmd.CommandPath(), args)
	}
	return nil
}
