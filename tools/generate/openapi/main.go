// Command openapi prints the OpenAPI schemas of Go types as JSON. It follows the same rules and markers as controller-gen
// does for CRDs, for types that are not CRDs.
//
//	openapi ./api Header ProvisionOptions
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"golang.org/x/tools/go/packages"
	apiext "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/controller-tools/pkg/crd"
	crdmarkers "sigs.k8s.io/controller-tools/pkg/crd/markers"
	"sigs.k8s.io/controller-tools/pkg/loader"
	"sigs.k8s.io/controller-tools/pkg/markers"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "openapi:", err)
		os.Exit(1)
	}
}

// run prints a JSON object with the schema of each type named in args[1:], of the package args[0].
func run(args []string) error {
	if len(args) < 2 {
		return errors.New("usage: openapi PACKAGE TYPE...")
	}
	roots, err := loader.LoadRoots(args[0])
	if err != nil {
		return fmt.Errorf("cannot load %s: %w", args[0], err)
	}
	parser := &crd.Parser{
		Collector: &markers.Collector{Registry: &markers.Registry{}},
		Checker:   &loader.TypeChecker{},
	}
	if err := crdmarkers.Register(parser.Collector.Registry); err != nil {
		return err
	}
	crd.AddKnownTypes(parser)

	schemas := map[string]apiext.JSONSchemaProps{}
	for _, name := range args[1:] {
		ident := crd.TypeIdent{Package: roots[0], Name: name}
		parser.NeedPackage(roots[0])
		parser.NeedFlattenedSchemaFor(ident)
		schemas[name] = parser.FlattenedSchemata[ident]
	}
	// Type errors are ignored: function bodies refer to packages that were not loaded, and only types matter here.
	if loader.PrintErrors(roots, packages.TypeError) {
		return errors.New("the package has errors")
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	return out.Encode(schemas)
}
