// Package schema generates the JSON Schema of the manifests, for editors.
//
// It combines artifacts that are generated from the Go types anyway: the CRDs, and openapi.json for the documents that
// are not custom resources.
package schema

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"

	"sigs.k8s.io/yaml"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/templates"
)

// openAPI holds the schemas of the documents that have no CRD, keyed by the name of their Go type.
//
//go:embed openapi.json
var openAPI []byte

// kind describes a kind of document and the source of its schema.
type kind struct {
	// definition is the name under $defs: the kind, or Header for the header, which has no kind.
	definition string
	// name and apiVersion are empty for the header.
	name, apiVersion string
	// crd is the file of the CRD below templates/cluster/crds. It is empty if the schema is in openAPI.
	crd string
	// metadata lists the required fields of the metadata. It is nil if the document may omit the metadata.
	metadata []string
	// scalars lists the string fields that users also write as bare numbers, as in version: 1.36.
	scalars []string
}

// kinds returns the kinds of documents that [api.Parse] accepts.
func kinds() []kind {
	const v1, v1alpha1 = "baremetal.cluster.gke.io/v1", "baremetal.cluster.gke.io/v1alpha1"
	named, namespaced := []string{"name"}, []string{"name", "namespace"}
	return []kind{
		{definition: "Namespace", name: "Namespace", apiVersion: "v1", metadata: named},
		{
			definition: "Cluster", name: "Cluster", apiVersion: v1, metadata: namespaced,
			crd: "baremetal.cluster.gke.io_clusters.yaml", scalars: []string{"spec.anthosBareMetalVersion"},
		},
		{definition: "NodePool", name: "NodePool", apiVersion: v1, metadata: namespaced, crd: "baremetal.cluster.gke.io_nodepools.yaml"},
		{
			definition: "ClusterCIDRConfig", name: "ClusterCIDRConfig", apiVersion: v1alpha1, metadata: namespaced,
			crd: "baremetal.cluster.gke.io_clustercidrconfigs.yaml",
		},
		{
			definition: "ProvisionOptions", name: "ProvisionOptions", apiVersion: "dualstrap.dev/v1alpha1",
			scalars: []string{"kubernetesVersion"},
		},
		{definition: "Header"},
	}
}

// JSON returns the JSON Schema (draft 2020-12) of one document of the manifests, of any kind. Editors apply it to every
// document of a stream. It is as strict as [api.Parse] about the names and types of fields. It does not cover what only
// [api.Resolve] can validate, like overlapping ranges.
func JSON() ([]byte, error) {
	definitions, refs := map[string]any{}, []any{}
	for _, k := range kinds() {
		schema, err := k.schema()
		if err != nil {
			return nil, fmt.Errorf("cannot make the schema of %s: %w", k.definition, err)
		}
		definitions[k.definition] = schema
		refs = append(refs, map[string]any{"$ref": "#/$defs/" + k.definition})
	}
	text, err := json.MarshalIndent(map[string]any{
		"$schema":     "https://json-schema.org/draft/2020-12/schema",
		"$id":         "https://dualstrap.dev/schemas/manifests.json",
		"title":       "dualstrap manifests",
		"description": "One document of the manifests that dualstrap reads.",
		"anyOf":       refs,
		"$defs":       definitions,
	}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("cannot encode the schema: %w", err)
	}
	return append(text, '\n'), nil
}

// schema converts the OpenAPI schema of the kind to a JSON Schema.
func (k kind) schema() (node, error) {
	schema, err := k.openAPI()
	if err != nil {
		return nil, err
	}
	schema.tidy()
	if k.name != "" {
		k.addObjectFields(schema)
	}
	for _, field := range k.scalars {
		if err := schema.allowNumber(field); err != nil {
			return nil, err
		}
	}
	// Fields that dualstrap accepts without effect may have any value, and their description says so.
	ignored := api.IgnoredFields(k.name)
	for _, field := range slices.Sorted(maps.Keys(ignored)) {
		if err := schema.allow(field, "Ignored: "+ignored[field]+"."); err != nil {
			return nil, err
		}
	}
	return schema, nil
}

// openAPI returns the kind's schema as it was generated.
func (k kind) openAPI() (node, error) {
	if k.crd == "" {
		types := map[string]node{}
		if err := json.Unmarshal(openAPI, &types); err != nil {
			return nil, err
		}
		schema, ok := types[k.definition]
		if !ok {
			return nil, fmt.Errorf("openapi.json has no type %s", k.definition)
		}
		return schema, nil
	}
	text, err := templates.FS.ReadFile(path.Join("cluster/crds", k.crd))
	if err != nil {
		return nil, err
	}
	var definition struct {
		Spec struct {
			Versions []struct {
				Schema struct {
					OpenAPIV3Schema node `json:"openAPIV3Schema"`
				} `json:"schema"`
			} `json:"versions"`
		} `json:"spec"`
	}
	if err := yaml.Unmarshal(text, &definition); err != nil {
		return nil, err
	}
	// With several versions it would be ambiguous which one a document has to match.
	if len(definition.Spec.Versions) != 1 {
		return nil, fmt.Errorf("%s has %d versions, not one", k.crd, len(definition.Spec.Versions))
	}
	return definition.Spec.Versions[0].Schema.OpenAPIV3Schema, nil
}

// addObjectFields adds apiVersion, kind and metadata, which the OpenAPI schema leaves to the API server.
func (k kind) addObjectFields(schema node) {
	texts := map[string]any{"type": "object", "additionalProperties": map[string]any{"type": "string"}}
	metadata := map[string]any{
		"type":                 "object",
		"additionalProperties": false,
		"properties": map[string]any{
			"name":        map[string]any{"type": "string", "maxLength": 253},
			"namespace":   map[string]any{"type": "string", "maxLength": 63},
			"labels":      texts,
			"annotations": texts,
		},
	}
	// kubectl accepts further fields of metadata, but only these four have an effect in manifests.
	required := []any{"apiVersion", "kind"}
	if k.metadata != nil {
		metadata["required"] = k.metadata
		required = append(required, "metadata")
	}
	for _, field := range schema.required() {
		if !slices.Contains(required, field) {
			required = append(required, field)
		}
	}
	schema["required"] = required
	properties := schema.properties()
	properties["apiVersion"] = map[string]any{"const": k.apiVersion}
	properties["kind"] = map[string]any{"const": k.name}
	properties["metadata"] = metadata
}
