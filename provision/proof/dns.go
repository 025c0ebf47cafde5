package proof

import (
	"context"
	"errors"
	"net"
	"net/netip"

	"github.com/dualstrap/dualstrap/api"
)

// clusterDomain is kubeadm's default, which dualstrap does not change.
const clusterDomain = "cluster.local"

// dnsPort is the port of the cluster's DNS, in TCP and UDP.
const dnsPort = 53

// proveDNS queries each address of the cluster's DNS for a Service's records, and makes the node's pod call the Service
// by name.
func proveDNS(ctx context.Context, s *testbed, on *subject) verdict {
	if why := s.unserved[clusterDNS]; why != "" {
		return failed("%s", why)
	}
	servers := s.services[clusterDNS].ClusterIPs
	for _, family := range []api.Family{api.IPv4, api.IPv6} {
		if !of(family, servers).IsValid() {
			return failed("Service kube-system/%s has %s, and no %s address", clusterDNS, formatList(servers), family)
		}
	}
	var proofs []func() verdict
	for _, server := range servers {
		proofs = append(proofs, func() verdict { return s.resolve(ctx, on, server) })
	}
	return all(append(proofs, func() verdict { return s.callByName(ctx, on) })...)
}

// callByName makes a pod call a Service by its name, which the pod's own resolver looks up.
func (s *testbed) callByName(ctx context.Context, on *subject) verdict {
	name := on.service + "." + s.namespace
	_, err := eventually(ctx, func(ctx context.Context) (netip.Addr, error) {
		body, err := s.fetch(ctx, on.node, "http://"+name+"/client")
		if err != nil {
			return netip.Addr{}, err
		}
		// A name server may answer for any name, with the address of another server.
		return parseSeen(body)
	})
	if err != nil {
		return unanswered(err, "the pod cannot call http://%s", name)
	}
	return passed("the pod called http://%s", name)
}

// resolve queries a name server for both of a Service's records. It does so over TCP, because SSH servers do not
// forward UDP.
func (s *testbed) resolve(ctx context.Context, on *subject, server netip.Addr) verdict {
	// The resolver keeps only the text of errors, so a host that refuses to forward is noticed here.
	if err := s.forwards(ctx, on.node.address(), netip.AddrPortFrom(server, dnsPort)); err != nil {
		return unanswered(err, "DNS at %s cannot be asked", server)
	}
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return s.Connections.Dial(ctx, on.node.address(), netip.AddrPortFrom(server, dnsPort))
	}}
	name := on.service + "." + s.namespace + ".svc." + clusterDomain + "." // the final dot keeps the resolver from trying search domains
	var records [2][]netip.Addr
	for i, network := range []string{"ip4", "ip6"} {
		var err error
		records[i], err = eventually(ctx, func(ctx context.Context) ([]netip.Addr, error) {
			ctx, cancel := context.WithTimeout(ctx, callTimeout)
			defer cancel()
			return resolver.LookupNetIP(ctx, network, name)
		})
		var unresolved *net.DNSError
		if errors.As(err, &unresolved) {
			err = errors.New(unresolved.Err) // the full error names this machine's own name server, which was not used
		}
		if err != nil {
			return unanswered(err, "DNS at %s does not give %s", server, name)
		}
	}
	return checkRecords(server, records, s.services[on.service].ClusterIPs)
}

// checkRecords checks that a name server returned exactly one A and one AAAA record, those of the Service.
func checkRecords(server netip.Addr, records [2][]netip.Addr, want []netip.Addr) verdict {
	for i, family := range []api.Family{api.IPv4, api.IPv6} {
		if got := records[i]; len(got) != 1 || got[0].Unmap() != of(family, want) {
			return failed("DNS at %s gives the %s address %s, and should give %s", server, family, formatList(got), of(family, want))
		}
	}
	return passed("%s gave A and AAAA", server)
}
