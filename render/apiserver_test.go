package render

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/api"
)

// TestSecurityOfFlags checks that SecurityOf reads every combination of options back from the flags that it is rendered
// to.
func TestSecurityOfFlags(t *testing.T) {
	t.Parallel()
	for _, level := range []string{"", "baseline", "restricted"} {
		for _, audit := range []string{api.AuditLogMetadata, api.AuditLogNone} {
			for _, version := range []string{"", "VersionTLS13"} {
				for _, encrypts := range []bool{false, true} {
					want := api.Security{AuditLog: audit, PodSecurity: level, TLSMinVersion: version, EncryptSecrets: encrypts}
					r := &hostRenderer{cfg: &api.Config{Security: want}}
					flags, volumes := r.apiServerArgs()
					args := map[string]string{}
					for _, flag := range flags {
						args[flag.Name] = flag.Value
					}
					if diff := cmp.Diff(want, SecurityOf(args)); diff != "" {
						t.Errorf("%v (-want +got):\n%s", args, diff)
					}
					reads := level != "" || audit != api.AuditLogNone || encrypts
					mounted := false
					for _, volume := range volumes {
						mounted = mounted || volume.Path == apiServerDirectory && volume.ReadOnly
					}
					if reads != mounted {
						t.Errorf("%v: %s is mounted: %v", args, apiServerDirectory, mounted)
					}
				}
			}
		}
	}
}

// TestKeysAreNotRendered checks that no rendered file contains the keys of Secrets: rendered files are shown to users
// and kept on the workstation.
func TestKeysAreNotRendered(t *testing.T) {
	t.Parallel()
	in := scenarioInput(t, "three-control-planes-with-load-balancers/known")
	if !in.Config.Security.EncryptSecrets {
		t.Fatal("the cluster encrypts no Secrets")
	}
	hosts, err := Hosts(in)
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range hosts {
		for _, file := range host.Files {
			if file.Path == EncryptionConfig {
				t.Errorf("%s gets %s", host.Address, file.Path)
			}
		}
	}
}
