package facts

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

// decodeUnits parses the output of systemctl show: a block of KEY=VALUE lines for each requested unit. Units that do
// not exist are left out. An alias is listed under its real name.
func decodeUnits(_ probeOutput, text string, facts *Host) error {
	facts.Units = map[string]Unit{}
	for block := range strings.SplitSeq(text, "\n\n") {
		properties := map[string]string{}
		for line := range strings.Lines(block) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			properties[key] = value
		}
		name, found := strings.CutSuffix(properties["Id"], ".service")
		if !found {
			return fmt.Errorf("%q is not a service", properties["Id"])
		}
		if properties["LoadState"] == "not-found" {
			continue
		}
		// A service that is activating may be in a loop of restarts, and enabled includes enabled-runtime.
		facts.Units[intern(name)] = Unit{
			Active:  properties["ActiveState"] == "active" || properties["ActiveState"] == "activating",
			Enabled: strings.HasPrefix(properties["UnitFileState"], "enabled"),
			Path:    intern(properties["FragmentPath"]),
		}
	}
	return nil
}

// decodeEndpoints parses lines of the form PATH:KEY: VALUE, which come from the kubelet's kubeconfig and from the
// configuration that dualstrap has written for kubeadm. It also hashes the certificate authority.
func decodeEndpoints(output probeOutput, text string, facts *Host) error {
	member := &facts.Membership
	for line := range strings.Lines(text) {
		path, rest, _ := strings.Cut(line, ":")
		key, value, found := strings.Cut(strings.TrimSpace(rest), ": ")
		if !found {
			return fmt.Errorf("%q is not an endpoint", line)
		}
		value = strings.Trim(strings.TrimSpace(value), `"'`)
		switch {
		case key == "server" && path == "/etc/kubernetes/kubelet.conf":
			member.Server = intern(value)
		case key != "server": // controlPlaneEndpoint or apiServerEndpoint of dualstrap's files
			member.PreparedFor = intern(value)
		}
	}
	var err error
	member.CAHash, err = CAHash([]byte(strings.Join(output.files["/etc/kubernetes/pki/ca.crt"], "\n") + "\n"))
	return err
}

// CAHash returns the hash that pins a certificate authority, in the form sha256:HEX of kubeadm join
// --discovery-token-ca-cert-hash: the SHA-256 of its public key. The certificate is PEM. An incomplete one, whose
// writing was interrupted, has the hash "".
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

// decodeSELinux decodes the output of getenforce.
func decodeSELinux(_ probeOutput, text string, facts *Host) error {
	facts.SELinux = intern(strings.ToLower(text))
	return nil
}

// activeZones is the reply to firewalld's getActiveZones as busctl prints it: interfaces and sources by zone.
type activeZones struct {
	Data []map[string]map[string][]string `json:"data"`
}

// decodeFirewalld decodes the answers that only hosts with firewalld give. Zones stays nil if firewalld runs but does
// not answer, which a check reports. The fallbacks are firewalld's own defaults.
func decodeFirewalld(output probeOutput, facts *Host) error {
	const path = "/etc/firewalld/firewalld.conf"
	facts.Firewalld = Firewalld{
		DefaultZone: cmp.Or(output.setting(path, "DefaultZone"), "public"),
		RPFilter:    strings.ToLower(cmp.Or(output.setting(path, "IPv6_rpfilter"), "yes")),
	}
	if !facts.Units["firewalld"].Active {
		return nil
	}
	facts.Firewalld.RPFilterRunning = output.Text("rpfilter") != ""
	// The script does not ask for zones if firewalld has no configuration file.
	zones, answered := output.Values["zones"]
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
