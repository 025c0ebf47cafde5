package api

import (
	"slices"
	"strings"
)

// The defaults of clusterSecurity, which are those of Kubernetes.
const (
	podSecurityDefault   = "privileged"
	tlsMinVersionDefault = "VersionTLS12"
)

// checkClusterSecurity restricts each field to its values.
func checkClusterSecurity(c *checker, o *Object[ProvisionOptions]) {
	security := o.Value.ClusterSecurity
	for _, field := range []struct {
		name, value string
		values      []string
	}{
		{"auditLog", security.AuditLog, []string{AuditLogMetadata, AuditLogNone}},
		{"podSecurity", security.PodSecurity, []string{podSecurityDefault, "baseline", "restricted"}},
		{"tlsMinVersion", security.TLSMinVersion, []string{tlsMinVersionDefault, "VersionTLS13"}},
	} {
		if field.value != "" && !slices.Contains(field.values, field.value) {
			c.errorf(o.At("clusterSecurity."+field.name), "write one of them, or leave the field out",
				"the value is not one of %s", strings.Join(field.values, ", "))
		}
	}
}

// resolve returns the options for the Config, in which a default of Kubernetes is the empty text.
func (o SecurityOptions) resolve() Security {
	security := Security(o)
	if security.PodSecurity == podSecurityDefault {
		security.PodSecurity = ""
	}
	if security.TLSMinVersion == tlsMinVersionDefault {
		security.TLSMinVersion = ""
	}
	return security
}
