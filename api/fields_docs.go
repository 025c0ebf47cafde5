package api

import "github.com/dualstrap/dualstrap/api/strictyaml"

// IgnoredFields gives the fields that manifests of a kind may have although they mean nothing to
// dualstrap, and why. The kind of bmctl's header is "". A name that begins with * stands for every
// name that ends like it.
func IgnoredFields(kind string) map[string]string {
	return leftOut(kind, strictyaml.Ignored)
}

// RefusedFields gives the fields of a kind that dualstrap knows and does not build, and why, with
// names as in [IgnoredFields].
func RefusedFields(kind string) map[string]string {
	return leftOut(kind, strictyaml.Refused)
}

// leftOut gives the fields of a kind that the Go types leave out for one and the same reason.
func leftOut(kind string, disposition strictyaml.Disposition) map[string]string {
	fields := map[string]string{}
	for _, k := range kinds() {
		if k.name != kind {
			continue
		}
		for _, rule := range k.fields() {
			if rule.Disposition == disposition {
				fields[rule.Path] = rule.Reason
			}
		}
	}
	return fields
}
