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

func newBundleSign(streams cli.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sign DIR --key FILE",
		Short: "Sign a bundle with an SSH key",
		Long: `Verify every file of a bundle and sign its manifest.json, which has the digests of all others. The
signature is ` + bundle.SignatureName + ` beside it, in the format of ssh-keygen -Y sign, in the namespace
` + signature.Namespace + `.

Where the file holds only a public key, or one under a passphrase, the agent at SSH_AUTH_SOCK signs.
Who may have signed is for bundleAllowedSigners in ProvisionOptions.`,
		Example: `  dualstrap bundle sign bundle --key ~/.ssh/id_ed25519
  ssh-keygen -Y sign -n ` + signature.Namespace + ` -f ~/.ssh/id_ed25519 bundle/manifest.json   # does the same`,
		Args: oneBundle,
	}
	key := cmd.Flags().String("key", "", "the file of the private key, or of the public half of one that the agent holds")
	_ = cmd.MarkFlagFilename("key") // it fails only for a flag that does not exist
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *key == "" {
			return cli.Usagef("no key to sign with: name one with --key")
		}
		bundleDir, err := bundle.Open(args[0])
		if err != nil {
			return err
		}
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

// oneBundle is for commands that take the directory of a bundle.
func oneBundle(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return cli.Usagef("%s takes the directory of a bundle, got %q", cmd.CommandPath(), args)
	}
	return nil
}
