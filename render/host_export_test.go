package render

import "github.com/dualstrap/dualstrap/api"

// HostsText is hostsText for tests outside the package.
func HostsText(hosts []HostFiles) []byte { return hostsText(hosts) }

// LaterOf is laterOf for tests outside the package.
func LaterOf(config *api.Config) Discovered { return laterOf(config) }
