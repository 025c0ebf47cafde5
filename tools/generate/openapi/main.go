// Command openapi prints the OpenAPI schemas of Go types as JSON, by the same rules and markers by
// which controller-gen writes the schemas of CRDs. It is for types that are no CRDs.
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

// run prints one JSON object with a schema for each of the package's types named in args[1:].
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
	// Only the types are looked at, so what refers to packages that were not loaded does not matter.
	if loader.PrintErrors(roots, packages.TypeError) {
		return errors.New("the package has errors")
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	return out.Encode(schemas)
}
