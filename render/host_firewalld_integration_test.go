//go:build integration

package render

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/hostprep/firewalld"
)

// firewalldZone is a zone or a policy in the form in which firewalld stores it.
type firewalldZone struct {
	Target  string `xml:"target,attr"`
	Sources []struct {
		Address string `xml:"address,attr"`
	} `xml:"source"`
	Ingress []struct {
		Name string `xml:"name,attr"`
	} `xml:"ingress-zone"`
	Egress []struct {
		Name string `xml:"name,attr"`
	} `xml:"egress-zone"`
	Ports []struct {
		Port     string `xml:"port,attr"`
		Protocol string `xml:"protocol,attr"`
	} `xml:"port"`
	Rules []struct {
		Family string `xml:"family,attr"`
		Source struct {
			Address string `xml:"address,attr"`
		} `xml:"source"`
		Protocol struct {
			Value string `xml:"value,attr"`
		} `xml:"protocol"`
		Accept *struct{} `xml:"accept"`
	} `xml:"rule"`
}

// TestIntegrationFirewalldTakesChanges makes every change, one call each, on an empty configuration, and compares what firewalld
// stored.
func TestIntegrationFirewalldTakesChanges(t *testing.T) {
	t.Parallel()
	const ha = "three-control-planes-with-load-balancers/known"
	tests := []struct{ name, scenario, host, zone string }{
		{"control plane with load balancer", "one-control-plane/known", "10.2.0.4", "public"},
		{"one of several control planes", ha, "10.2.0.5", "public"},
		{"load balancer", ha, "10.2.0.7", "public"},
		{"worker in another zone", ha, "10.2.0.12", "internal"},
		{"ranges of each node", "ranges-per-node/known", "10.2.0.5", "public"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			changes := firewalldOf(t, scenarioInput(t, tt.scenario), tt.host).Changes
			offline := debianProgram(t, "firewall-offline-cmd", "firewalld")
			// firewalld does not create these two parts of its configuration on its own.
			for _, directory := range []string{"zones", "policies"} {
				if err := os.MkdirAll(filepath.Join(dir, directory), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			for _, change := range changes {
				run(t, offline, append([]string{"--system-config=" + dir}, change.Args()[1:]...)...)
			}
			run(t, offline, "--system-config="+dir, "--check-config")

			pods := readZone(t, filepath.Join(dir, "zones", podZoneName+".xml"))
			policies := map[string]firewalldZone{}
			for _, name := range []string{podPolicyName, podOutPolicyName} {
				policies[name] = readZone(t, filepath.Join(dir, "policies", name+".xml"))
			}
			node := readZone(t, filepath.Join(dir, "zones", tt.zone+".xml"))
			if diff := cmp.Diff(changesAsSeen(changes), zonesAsSeen(pods, node, policies)); diff != "" {
				t.Errorf("firewalld keeps something else (-asked +kept):\n%s", diff)
			}
		})
	}
}

func readZone(tb testing.TB, name string) firewalldZone {
	tb.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		tb.Fatal(err)
	}
	var zone firewalldZone
	if err := xml.NewDecoder(bytes.NewReader(content)).Decode(&zone); err != nil {
		tb.Fatalf("cannot read %s: %v", name, err)
	}
	return zone
}

// zonesAsSeen returns the stored configuration in the notation of changesAsSeen.
func zonesAsSeen(pods, node firewalldZone, policies map[string]firewalldZone) []string {
	target := pods.Target
	if target == "" {
		target = "default" // the file omits the default
	}
	seen := []string{"pods target " + target}
	for _, source := range pods.Sources {
		seen = append(seen, "pods source "+source.Address)
	}
	for _, port := range pods.Ports {
		seen = append(seen, fmt.Sprintf("pods port %s/%s", port.Port, port.Protocol))
	}
	for name, policy := range policies {
		seen = append(seen, name+" target "+policy.Target)
		for _, zone := range policy.Ingress {
			seen = append(seen, name+" from "+zone.Name)
		}
		for _, zone := range policy.Egress {
			seen = append(seen, name+" to "+zone.Name)
		}
	}
	for _, port := range node.Ports {
		seen = append(seen, fmt.Sprintf("port %s/%s", port.Port, port.Protocol))
	}
	for _, rule := range node.Rules {
		if rule.Family == "ipv4" && rule.Accept != nil {
			seen = append(seen, fmt.Sprintf("accept %s from %s", rule.Protocol.Value, rule.Source.Address))
		}
	}
	slices.Sort(seen)
	return seen
}

func changesAsSeen(changes []firewalld.Change) []string {
	var seen []string
	for _, change := range changes {
		switch {
		case change.Kind == firewalld.SetTarget && change.Zone != "":
			seen = append(seen, "pods target "+change.Value)
		case change.Kind == firewalld.SetTarget:
			seen = append(seen, change.Policy+" target "+change.Value)
		case change.Kind == firewalld.AddSource:
			seen = append(seen, "pods source "+change.Value)
		case change.Kind == firewalld.AddIngress:
			seen = append(seen, change.Policy+" from "+change.Value)
		case change.Kind == firewalld.AddEgress:
			seen = append(seen, change.Policy+" to "+change.Value)
		case change.Kind == firewalld.AddPort && change.Zone == podZoneName:
			seen = append(seen, "pods port "+change.Value)
		case change.Kind == firewalld.AddPort:
			seen = append(seen, "port "+change.Value)
		case change.Kind == firewalld.AddRichRule:
			var peer string
			if _, err := fmt.Sscanf(change.Value, `rule family="ipv4" source address=%q protocol value="vrrp" accept`, &peer); err == nil {
				seen = append(seen, "accept vrrp from "+peer)
			}
		}
	}
	slices.Sort(seen)
	return seen
}
