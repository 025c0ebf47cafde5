package api

import (
	"slices"
	"strings"
)

// The defaults of clusterSecurity, which are Kubernetes' own.
const (
	podSecurityDefault   = "privileged"
	tlsMinVersionDefault = "VersionTLS12"
)

// checkClusterSecurity holds each field to its values.
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

// resolve takes Kubernetes' defaults for nothing.
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
