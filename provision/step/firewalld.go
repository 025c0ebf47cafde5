package step

import (
	"github.com/dualstrap/dualstrap/hostprep/firewalld"
	"github.com/dualstrap/dualstrap/render"
)

// firewalldConfig converts the rendered firewalld configuration to the types of package firewalld. Packages render and
// firewalld do not import each other.
func firewalldConfig(rendered render.Firewalld) firewalld.Wanted {
	var wanted firewalld.Wanted
	for _, setting := range rendered.Settings {
		wanted.Settings = append(wanted.Settings, firewalld.Setting{File: setting.File, Key: setting.Key, Value: setting.Value})
	}
	for _, change := range rendered.Changes {
		wanted.Changes = append(wanted.Changes, firewalld.Change{
			Kind: firewalld.Kind(change.Kind), Zone: change.Zone, Policy: change.Policy, Value: change.Value,
		})
	}
	return wanted
}
