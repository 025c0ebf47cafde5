package api

import "github.com/dualstrap/dualstrap/api/strictyaml"

// IgnoredFields returns the fields that manifests of a kind may have although they mean nothing to dualstrap, with
// the reasons. The kind of bmctl's header is "". A name that begins with * stands for every name with that ending.
func IgnoredFields(kind string) map[string]string {
	return leftOut(kind, strictyaml.Ignored)
}

// RefusedFields returns the fields of a kind that dualstrap recognizes but does not support, with the reasons.
// Names are as in [IgnoredFields].
func RefusedFields(kind string) map[string]string {
	return leftOut(kind, strictyaml.Refused)
}

// leftOut returns the fields of a kind with a disposition, and the reasons.
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
