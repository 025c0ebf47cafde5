package hostprep

import (
	"cmp"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
)

// decodeUnits reads blocks of KEY=VALUE lines, one for each unit that was asked for. A unit that is
// an alias comes under its real name.
func decodeUnits(_ probeOutput, text string, facts *Facts) error {
	facts.Units = map[string]Unit{}
	for block := range strings.SplitSeq(text, "\n\n") {
		properties := map[string]string{}
		for line := range strings.Lines(block) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			properties[key] = value
		}
		name, found := strings.CutSuffix(properties["Id"], ".service")
		if !found {
			return fmt.Errorf("%q is no unit", properties["Id"])
		}
		if properties["LoadState"] == "not-found" {
			continue
		}
		facts.Units[intern(name)] = Unit{
			Active:  properties["ActiveState"] == "active" || properties["ActiveState"] == "activating",
			Enabled: strings.HasPrefix(properties["UnitFileState"], "enabled"),
			Path:    intern(properties["FragmentPath"]),
		}
	}
	return nil
}

// decodeEndpoints reads PATH:KEY: VALUE lines of the kubelet's and of kubeadm's configuration.
func decodeEndpoints(said probeOutput, text string, facts *Facts) error {
	member := &facts.Membership
	for line := range strings.Lines(text) {
		path, rest, _ := strings.Cut(line, ":")
		key, value, found := strings.Cut(strings.TrimSpace(rest), ": ")
		if !found {
			return fmt.Errorf("%q is no endpoint", line)
		}
		value = strings.Trim(strings.TrimSpace(value), `"'`)
		switch {
		case key == "server" && path == "/etc/kubernetes/kubelet.conf":
			member.Server = intern(value)
		case key != "server":
			member.PreparedFor = intern(value)
		}
	}
	var err error
	member.CAHash, err = CAHash([]byte(strings.Join(said.files["/etc/kubernetes/pki/ca.crt"], "\n") + "\n"))
	return err
}

// CAHash pins a cluster's certificate authority by its certificate, PEM, in the form sha256:HEX of
// kubeadm join --discovery-token-ca-cert-hash. A certificate that was cut off while it was written has
// none.
func CAHash(certificatePEM []byte) (string, error) {
	block, _ := pem.Decode(certificatePEM)
	if block == nil {
		return "", nil
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return "", fmt.Errorf("cannot read the certificate of the cluster's authority: %w", err)
	}
	digest := sha256.Sum256(certificate.RawSubjectPublicKeyInfo)
	return "sha256:" + hex.EncodeToString(digest[:]), nil
}

func decodeSELinux(_ probeOutput, text string, facts *Facts) error {
	facts.SELinux = intern(strings.ToLower(text))
	return nil
}

// activeZones is what busctl prints of firewalld's getActiveZones: interfaces and sources by zone.
type activeZones struct {
	Data []map[string]map[string][]string `json:"data"`
}

// decodeFirewalld reads the answers that only hosts with firewalld give.
func decodeFirewalld(said probeOutput, facts *Facts) error {
	const path = "/etc/firewalld/firewalld.conf"
	unit, known := facts.Units["firewalld"]
	facts.Firewalld = Firewalld{
		Installed:   known || facts.Programs["firewall-cmd"],
		DefaultZone: cmp.Or(said.setting(path, "DefaultZone"), "public"),
		RPFilter:    strings.ToLower(cmp.Or(said.setting(path, "IPv6_rpfilter"), "yes")),
	}
	if !unit.Active {
		return nil
	}
	facts.Firewalld.RPFilterRunning = said.Text("rpfilter") != ""
	zones, answered := said.Values["zones"]
	if !answered || zones.Status != 0 {
		return nil
	}
	var active activeZones
	if err := json.Unmarshal(zones.Output, &active); err != nil {
		return fmt.Errorf("zones: %w", err)
	}
	facts.Firewalld.Zones = map[string]string{}
	for _, data := range active.Data {
		for zone, members := range data {
			for _, name := range members["interfaces"] {
				facts.Firewalld.Zones[name] = zone
			}
		}
	}
	return nil
}
