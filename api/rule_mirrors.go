package api

import (
	"net/netip"
	"net/url"
	"strings"

	"k8s.io/apimachinery/pkg/api/validate/content"
)

// mirrorRules returns the rules about registry mirrors in bmctl's header.
func mirrorRules() []rule {
	return []rule{
		newRule("registry-mirror-endpoint", fromDocumentation,
			"a registry mirror's endpoint is https://HOST[:PORT], with a path only below /v2/", checkMirrorEndpoints),
		newRule("registry-mirror-hosts", fromDocumentation, "hosts of a registry mirror are HOST[:PORT]", checkMirrorHosts),
	}
}

// mirrors iterates over the registry mirrors and their positions.
func (c *checker) mirrors(yield func(Ref, RegistryMirror) bool) {
	if len(c.manifests.Header) == 0 {
		return
	}
	header := c.manifests.Header[0]
	for i, m := range header.Value.RegistryMirrors {
		if !yield(header.At("registryMirrors").item(i), m) {
			return
		}
	}
}

// checkMirrorEndpoints validates endpoints. It never repeats one, because it may contain a password.
func checkMirrorEndpoints(c *checker) {
	for at, m := range c.mirrors {
		at = at.field("endpoint")
		switch {
		case m.Endpoint == "" && c.unreported(at):
			c.errorf(at, "add https://HOST:PORT", "the mirror has no endpoint")
		case m.Endpoint != "":
			if wrong, hint := endpointProblem(m.Endpoint); wrong != "" {
				c.errorf(at, hint, "%s", wrong)
			}
		}
	}
}

// endpointProblem returns what is wrong with an endpoint; empty texts when it is valid.
func endpointProblem(endpoint string) (wrong, hint string) {
	u, err := url.Parse(endpoint)
	switch {
	case err != nil || u.Opaque != "" || u.Host == "" && u.Scheme == "https":
		return "the endpoint is not a URL", "write https://HOST[:PORT]"
	case u.User != nil:
		return "the endpoint holds credentials, which would end up in files on every host", "put them into the file of pullCredentialConfigPath"
	case u.Scheme != "https":
		return "the endpoint does not begin with https://", "mirrors are reached over TLS only; name their authority in caCertPath"
	case !isHostPort(u.Host):
		return "the endpoint's host is neither a DNS name nor an IP address", "write https://HOST[:PORT]"
	case u.RawQuery != "" || u.Fragment != "":
		return "the endpoint has a query or a fragment", "leave out what follows ? or #"
	case strings.Trim(u.Path, "/") != "" && !strings.HasPrefix(u.Path, "/v2/"):
		return "the endpoint's path does not begin with /v2/", "write https://HOST[:PORT]/v2/PATH"
	}
	return "", ""
}

// checkMirrorHosts validates hosts, because each becomes the name of a directory in containerd's certs.d.
func checkMirrorHosts(c *checker) {
	for at, m := range c.mirrors {
		for i, host := range m.Hosts {
			if !isHostPort(host) {
				c.errorf(at.field("hosts").item(i), "write the registry as images name it, as in docker.io or registry.example:5000",
					"the value is not HOST[:PORT]")
			}
		}
	}
}

// isHostPort reports whether a text is a DNS name, an IPv4 address or an IPv6 address in brackets, with or without
// a port.
func isHostPort(s string) bool {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Port() > 0
	}
	if inner, ok := strings.CutSuffix(strings.TrimPrefix(s, "["), "]"); ok && strings.HasPrefix(s, "[") {
		a, err := netip.ParseAddr(inner)
		return err == nil && a.Is6()
	}
	host, port, hasPort := strings.Cut(s, ":")
	return len(content.IsDNS1123Subdomain(strings.ToLower(host))) == 0 && (!hasPort || isPort(port))
}
