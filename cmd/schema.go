package cmd

import (
	"github.com/spf13/cobra"

	"github.com/dualstrap/dualstrap/cmd/internal/cli"
	"github.com/dualstrap/dualstrap/render/schema"
)

// newSchema returns the command schema. The schema is generated from the types of package api, so it matches what
// check config accepts.
func newSchema(streams cli.Streams) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the manifests, for editors",
		Long: `Print the JSON Schema of the manifests. Editors that apply a schema to each document of a YAML file, such as
those with yaml-language-server, complete fields and mark mistakes with it.`,
		Example: `  dualstrap schema > dualstrap.schema.json
  sed -i '1i # yaml-language-server: $schema=dualstrap.schema.json' cluster.yaml`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			document, err := schema.JSON()
			if err != nil {
				return err
			}
			_, err = streams.Out.Write(document)
			return err
		},
	}
}
