package provision

import (
	"github.com/dualstrap/dualstrap/hostprep/firewalld"
	"github.com/dualstrap/dualstrap/render"
)

// firewalldConfig is what firewalld has to let through, in the words of those who change it.
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
