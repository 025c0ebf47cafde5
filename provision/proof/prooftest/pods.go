package prooftest

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/dualstrap/dualstrap/api"
)

// fetchTimeout is how long a pod waits for another server, the same as in the proof's server.
const fetchTimeout = 5 * time.Second

// pod is one that runs.
type pod struct {
	namespace, name string
	node            *Node
	addresses       []netip.Addr
	// heard holds the lines about datagrams that have arrived. The network's lock guards it.
	heard []string
}

// address returns the pod's address of a family, or the zero address.
func (p *pod) address(family api.Family) netip.Addr {
	for _, address := range p.addresses {
		if api.FamilyOf(address) == family {
			return address
		}
	}
	return netip.Addr{}
}

// service is a Service of the proof's pods, or that of the cluster's DNS.
type service struct {
	namespace, name     string
	addresses, balanced []netip.Addr
}

// dnsName is the name of the Service of the cluster's DNS.
const dnsName = "kube-dns"

// start starts the containers of a pod: the servers that their arguments ask for.
func (n *Network) start(p *pod, containers []corev1.Container) {
	n.mu.Lock()
	n.pods = append(n.pods, p)
	n.mu.Unlock()
	for _, container := range containers {
		handler, port := n.program(p, container.Args)
		n.listen(socket{p.namespace + "/" + p.name, port}, func() func(net.Listener) { return serveHTTP(handler) })
	}
}

// program returns what the proof's server does with these arguments, and its port.
func (n *Network) program(p *pod, args []string) (http.Handler, uint16) {
	mux, port := http.NewServeMux(), netip.AddrPort{}
	mux.HandleFunc("/", greet(p.name))
	mux.HandleFunc("/client", showCaller)
	for _, arg := range args {
		switch flag, value, _ := strings.Cut(arg, "="); flag {
		case "-fetch":
			mux.HandleFunc("/fetch", n.fetch(p))
		case "-hear":
			mux.HandleFunc("/heard", n.hear(p))
		case "-forge":
			mux.HandleFunc("/"+value, n.forge(p))
		case "-address":
			port = netip.MustParseAddrPort("0.0.0.0" + value)
		}
	}
	if p.node.Wrap != nil {
		return p.node.Wrap(mux), port.Port()
	}
	return mux, port.Port()
}

// greet returns the handler of the path /.
func greet(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "Hello, world!\nVersion: 2\nHostname: %s\n", name)
	}
}

// showCaller answers with the address of the caller.
func showCaller(w http.ResponseWriter, r *http.Request) {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	fmt.Fprintln(w, cmp.Or(host, fmt.Sprint(err)))
}

// fetch returns the handler with which a pod calls another server.
func (n *Network) fetch(p *pod) http.HandlerFunc {
	from := party{host: &p.node.Host, node: p.node, pod: p}
	return func(w http.ResponseWriter, r *http.Request) {
		client := &http.Client{Timeout: fetchTimeout, Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, to string) (net.Conn, error) {
				address, err := n.lookUp(p, to)
				if err != nil {
					return nil, err
				}
				if !address.IsValid() {
					return n.strangeServer().connect(p.addresses[0])
				}
				return n.dial(ctx, from, address)
			},
		}}
		request, err := http.NewRequestWithContext(r.Context(), http.MethodGet, r.URL.Query().Get("url"), http.NoBody)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		answer, err := client.Do(request)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer answer.Body.Close()
		w.WriteHeader(answer.StatusCode)
		io.Copy(w, answer.Body) //nolint:errcheck // the caller has gone
	}
}

// lookUp returns the address of a host and port, or the zero AddrPort for a host that is not of the cluster. A name is
// NAME.NAMESPACE of a Service, of which a pod prefers IPv6.
func (n *Network) lookUp(p *pod, to string) (netip.AddrPort, error) {
	if address, err := netip.ParseAddrPort(to); err == nil {
		return address, nil
	}
	host, _, err := net.SplitHostPort(to)
	if err != nil {
		return netip.AddrPort{}, err
	}
	if p.node.Wildcard {
		return netip.AddrPort{}, nil
	}
	records := n.records(host)
	if p.node.WithoutResolver || len(records) == 0 {
		return netip.AddrPort{}, fmt.Errorf("dial tcp: lookup %s: no such host", host)
	}
	slices.SortFunc(records, func(a, b netip.Addr) int { return b.Compare(a) })
	return netip.AddrPortFrom(records[0], 80), nil
}

// hear returns the handler that answers with the datagrams that have arrived at a pod.
func (n *Network) hear(p *pod) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		n.mu.Lock()
		defer n.mu.Unlock()
		for _, line := range p.heard {
			if strings.HasPrefix(line, `"`+r.URL.Query().Get("about")) {
				fmt.Fprintln(w, line)
			}
		}
	}
}

// forge returns the handler that sends a datagram with any source address, which the guard of the pod's node checks.
func (n *Network) forge(p *pod) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		from, err := netip.ParseAddr(query.Get("from"))
		to, unclear := netip.ParseAddrPort(query.Get("to"))
		switch guard := p.node.Guard; {
		case err != nil || unclear != nil:
			http.Error(w, "an address is missing", http.StatusBadRequest)
			return
		case guard.NoRawSockets:
			http.Error(w, fmt.Sprintf("cannot send as %s: operation not permitted", from), http.StatusBadGateway)
			return
		case slices.Contains(p.addresses, from) && !guard.DropsOwn || !slices.Contains(p.addresses, from) && guard.Lets[api.FamilyOf(from)]:
			n.send(p, from, to.Addr(), query.Get("text"))
		default:
			n.drop(p.node)
		}
		fmt.Fprintln(w, "sent")
	}
}

// send leads a datagram to the pod at an address, if the way is there.
func (n *Network) send(p *pod, from, to netip.Addr, payload string) {
	target, found := n.partyAt(to)
	if !found || target.pod == nil || target.node.DropsInbound[api.FamilyOf(to)] || p.node.LacksRoutes[api.FamilyOf(to)] {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	target.pod.heard = append(target.pod.heard, fmt.Sprintf("%q %s", payload, from))
}

// drop counts a packet that the guard of a node has dropped.
func (n *Network) drop(node *Node) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !node.Guard.Uncounted {
		node.dropped++
	}
}

// metrics returns the handler of an agent's metrics.
func (n *Network) metrics(node *Node) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		n.mu.Lock()
		defer n.mu.Unlock()
		fmt.Fprintln(w, `dualstrap_agent_dropped_packets_total{reason="outside-source"} 5`)
		count := node.Guard.Before + node.dropped
		if node.Guard.Restarts && node.asked > 0 {
			count = node.dropped
		}
		node.asked++
		if !node.Guard.WithoutMetrics {
			fmt.Fprintf(w, "dualstrap_agent_dropped_packets_total{reason=%q} %d\n", "pod-source", count)
		}
	}
}
