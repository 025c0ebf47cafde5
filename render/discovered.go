package render

import (
	"fmt"
	"net/netip"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// Placeholders stand for values that are not known yet. They are never valid values themselves, so that a file that
// contains one cannot be used by mistake.
const (
	// KnownAfterInit stands for the secrets and hashes that a new control plane generates.
	KnownAfterInit = "(known after init)"
	// KnownAfterProbe stands for facts about a host.
	KnownAfterProbe = "(known after probe)"
)

// Discovered holds the values that are not known offline. Each zero value is rendered as a placeholder.
type Discovered struct {
	// Hosts has the facts of the hosts probed so far, keyed by api.Node.Address.
	Hosts map[netip.Addr]HostFacts
	// Initialized is set when the cluster exists, so that every node joins it, including the first.
	Initialized bool
	// InitNode is the control plane node that gets the configuration of kubeadm init. The zero value means the first
	// one.
	InitNode netip.Addr
	// BootstrapToken authenticates a host that joins. It has the form abcdef.0123456789abcdef.
	BootstrapToken string
	// CACertHash pins the cluster's certificate authority. It has the form sha256:HEX.
	CACertHash string
	// CertificateKey decrypts the control plane's certificates on a joining control plane node. It has 64 hexadecimal
	// digits.
	CertificateKey string
	// Mirrors has the secrets of registry mirrors, keyed by api.RegistryMirror.Endpoint.
	Mirrors map[string]MirrorFacts
}

// MirrorFacts holds the contents of the files that the configuration of a registry mirror names.
type MirrorFacts struct {
	// CACert is the content of the mirror's caCertPath, in PEM.
	CACert []byte
	// Authorization is the value of the HTTP header Authorization, as in "Basic dXNlcjpwYXNz".
	Authorization string
}

// HostFacts holds the facts about a host that rendering needs. Values in the manifests take precedence.
type HostFacts struct {
	// NodeName is the name of the host's Node object.
	NodeName string
	// IPv6 is the node's global IPv6 address.
	IPv6 netip.Addr
	// Interface is the name of the interface that holds the node's addresses.
	Interface string
	// MTU is the MTU of Interface in bytes. 0 leaves the links of pods at the kernel's default.
	MTU int
	// AcceptsRouterAdvertisements is set if the kernel configures Interface from router advertisements. It ignores them
	// once the host forwards packets, unless accept_ra is 2.
	AcceptsRouterAdvertisements bool
	// Container is set if the host is itself a container, without the privileges of a machine's root.
	Container bool
	// CgroupV1 is set if the host does not have the unified cgroup hierarchy.
	CgroupV1 bool
	// FirewalldZone is the firewalld zone of Interface. Empty means firewalld's default zone.
	FirewalldZone string
	// Nameservers are the DNS servers that the host queries.
	Nameservers []netip.Addr
}

// validate refuses facts that could change the meaning of a file that they are written to. Facts come from hosts, and
// not every file's syntax can quote.
func (f HostFacts) validate() error {
	if f.NodeName != "" {
		if wrong := validation.IsDNS1123Subdomain(f.NodeName); len(wrong) > 0 {
			return fmt.Errorf("cannot use node name %q: %s", f.NodeName, wrong[0])
		}
	}
	if ip := f.IPv6; ip.IsValid() && (!ip.Is6() || ip.Is4In6() || ip.Zone() != "") {
		return fmt.Errorf("cannot use address %s: it is not a global IPv6 address", ip)
	}
	// IPv6 does not work on links with a smaller MTU; see RFC 8200, section 5.
	if f.MTU != 0 && f.MTU < 1280 {
		return fmt.Errorf("cannot use MTU %d: IPv6 needs at least 1280", f.MTU)
	}
	if hasOther(f.FirewalldZone, wordCharacters) {
		return fmt.Errorf("cannot use firewalld zone %q: it holds other characters than letters, digits, _ and -", f.FirewalldZone)
	}
	return validateInterface(f.Interface)
}

// validateInterface refuses names that the kernel does not allow (IFNAMSIZ in linux/if.h), and names that it allows but
// that would have to be quoted. An empty name is accepted: it is not known yet.
func validateInterface(name string) error {
	if len(name) > 15 {
		return fmt.Errorf("cannot use interface %q: its name is longer than 15 bytes", name)
	}
	if hasOther(name, wordCharacters+".:+") {
		return fmt.Errorf("cannot use interface %q: its name holds other characters than letters, digits and _-.:+", name)
	}
	return nil
}

// wordCharacters are the characters that need quotes in none of the files.
const wordCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

// hasOther reports whether a string contains a character that is not among the allowed ones.
func hasOther(value, allowed string) bool {
	return strings.ContainsFunc(value, func(r rune) bool { return !strings.ContainsRune(allowed, r) })
}
