package render

import "github.com/dualstrap/dualstrap/api"

// HostsText exports hostsText to tests outside of the package.
func HostsText(hosts []HostFiles) []byte { return hostsText(hosts) }

// LaterOf exports laterOf to tests outside of the package.
func LaterOf(config *api.Config) Discovered { return laterOf(config) }
