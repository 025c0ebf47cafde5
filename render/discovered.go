package render

import (
	"fmt"
	"net/netip"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// Placeholders stand for what is not known yet. They are never valid values of what they stand for,
// so a file that holds one cannot be used by mistake.
const (
	// KnownAfterInit stands for the secrets and hashes that a new control plane mints.
	KnownAfterInit = "(known after init)"
	// KnownAfterProbe stands for facts about a host.
	KnownAfterProbe = "(known after probe)"
)

// Discovered is what is not known offline. Each zero value is rendered as a placeholder.
type Discovered struct {
	// Hosts has the facts of the hosts probed so far, by api.Node.Address.
	Hosts map[netip.Addr]HostFacts
	// Initialized says that the cluster is there, so that every node joins it, the first one too.
	Initialized bool
	// InitNode is the control plane node whose configuration is that of kubeadm init; the first one when it
	// is invalid.
	InitNode netip.Addr
	// BootstrapToken lets a host join; it has the form abcdef.0123456789abcdef.
	BootstrapToken string
	// CACertHash pins the cluster's certificate authority; it has the form sha256:HEX.
	CACertHash string
	// CertificateKey decrypts the control plane's certificates for another node of it; 64 hex digits.
	CertificateKey string
	// Mirrors has the secrets of registry mirrors, by api.RegistryMirror.Endpoint.
	Mirrors map[string]MirrorFacts
}

// MirrorFacts is what the files that a registry mirror names hold.
type MirrorFacts struct {
	// CACert is the content of the mirror's caCertPath, in PEM.
	CACert []byte
	// Authorization is the value of that HTTP header, as in "Basic dXNlcjpwYXNz".
	Authorization string
}

// HostFacts is what rendering needs to know of a host. Overrides in the manifests win over it.
type HostFacts struct {
	// NodeName is the name of the host's Node object.
	NodeName string
	// IPv6 is the node's global address.
	IPv6 netip.Addr
	// Interface holds the node's addresses.
	Interface string
	// MTU is that of Interface; 0 leaves pods at the kernel's default.
	MTU int
	// AcceptsRouterAdvertisements says that the kernel configures Interface from router
	// advertisements, which it stops doing on a router unless told otherwise.
	AcceptsRouterAdvertisements bool
	// Container says that the host is itself a container, without the rights of a machine's root.
	Container bool
	// CgroupV1 says that the host has no unified cgroup hierarchy.
	CgroupV1 bool
	// FirewalldZone is the zone of Interface; empty for firewalld's default zone.
	FirewalldZone string
	// Nameservers are those that the host asks.
	Nameservers []netip.Addr
}

// validate refuses facts that could mean something else in one of the files they are written to: they
// come from hosts, and not every file has a way to quote.
func (f HostFacts) validate() error {
	if f.NodeName != "" {
		if wrong := validation.IsDNS1123Subdomain(f.NodeName); len(wrong) > 0 {
			return fmt.Errorf("cannot use node name %q: %s", f.NodeName, wrong[0])
		}
	}
	if ip := f.IPv6; ip.IsValid() && (!ip.Is6() || ip.Is4In6() || ip.Zone() != "") {
		return fmt.Errorf("cannot use address %s: it is not a global IPv6 address", ip)
	}
	// Links with less carry no IPv6; see RFC 8200, section 5.
	if f.MTU != 0 && f.MTU < 1280 {
		return fmt.Errorf("cannot use MTU %d: IPv6 needs at least 1280", f.MTU)
	}
	if hasOther(f.FirewalldZone, wordCharacters) {
		return fmt.Errorf("cannot use firewalld zone %q: it holds other characters than letters, digits, _ and -", f.FirewalldZone)
	}
	return validateInterface(f.Interface)
}

// validateInterface refuses names that the kernel does not allow (IFNAMSIZ in linux/if.h), and those
// that it does allow but that would need quotes.
func validateInterface(name string) error {
	if len(name) > 15 {
		return fmt.Errorf("cannot use interface %q: its name is longer than 15 bytes", name)
	}
	if hasOther(name, wordCharacters+".:+") {
		return fmt.Errorf("cannot use interface %q: its name holds other characters than letters, digits and _-.:+", name)
	}
	return nil
}

// wordCharacters need quotes nowhere.
const wordCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

// hasOther reports whether a string holds a character that is not among the allowed ones.
func hasOther(value, allowed string) bool {
	return strings.ContainsFunc(value, func(r rune) bool { return !strings.ContainsRune(allowed, r) })
}
