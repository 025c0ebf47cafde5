package proof_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/provision/proof/prooftest"
)

// only returns the set of one family.
func only(family api.Family) prooftest.Families { return prooftest.Families{family: true} }

// TestSabotageOfPods breaks the traffic between pods.
func TestSabotageOfPods(t *testing.T) {
	t.Parallel()
	expectFound(t, []sabotage{
		{
			"a node has no IPv6 routes to the pods of others",
			func(n *prooftest.Network) { n.Nodes[1].LacksRoutes = only(api.IPv6) },
			`failed pod-to-pod 10.2.0.4 -> 10.2.0.5: fd12::1:2 cannot call fd12::1:102: no answer
			failed pod-to-pod 10.2.0.5 -> 10.2.0.6: fd12::1:102 cannot call fd12::1:202: | no route to host
			failed pod-source-address 10.2.0.5 -> 10.2.0.6: what the pod sent with its own address fd12::1:102 has not arrived
			failed service-cluster-ip 10.2.0.5: fd12:: | no route to host`,
		},
		{
			"a node has no IPv4 routes to the pods of others",
			func(n *prooftest.Network) { n.Nodes[1].LacksRoutes = only(api.IPv4) },
			`failed pod-to-pod 10.2.0.4 -> 10.2.0.5: 192.168.0.2 cannot call 192.168.1.2: no answer
			failed pod-to-pod 10.2.0.5 -> 10.2.0.6: 192.168.1.2 cannot call 192.168.2.2: | no route to host
			failed pod-source-address 10.2.0.5 -> 10.2.0.6: what the pod sent with its own address 192.168.1.2 has not arrived
			failed service-cluster-ip 10.2.0.5: 172.16. | no route to host`,
		},
		{
			"a node masquerades IPv4 between pods",
			func(n *prooftest.Network) { n.Nodes[1].MasqueradesAll = only(api.IPv4) },
			`failed pod-to-pod 10.2.0.5 -> 10.2.0.6: 192.168.1.2 called 192.168.2.2, which saw 10.2.0.5 instead of 192.168.1.2`,
		},
		{
			"a node masquerades IPv6 between pods",
			func(n *prooftest.Network) { n.Nodes[1].MasqueradesAll = only(api.IPv6) },
			`failed pod-to-pod 10.2.0.5 -> 10.2.0.6: fd12::1:102 called fd12::1:202, which saw fd12::2:5 instead of fd12::1:102
			failed flat-ipv6 10.2.0.5 -> 10.2.0.100: fd12::1:102 called fd12::3:1, which saw fd12::2:5 instead of fd12::1:102`,
		},
		{
			"a firewall drops IPv6 to the pods of a node",
			func(n *prooftest.Network) { n.Nodes[1].DropsInbound = only(api.IPv6) },
			`failed pod-to-pod 10.2.0.4 -> 10.2.0.5: fd12::1:2 cannot call fd12::1:102: no answer
			failed pod-source-address 10.2.0.4 -> 10.2.0.5: what the pod sent with its own address fd12::1:2 has not arrived
			failed service-cluster-ip 10.2.0.4: fd12:: | no answer
			failed service-cluster-ip 10.2.0.6: fd12:: | no answer
			failed service-load-balancer 10.2.0.100 -> load-balancer: fd12::4: | no answer
			failed flat-ipv6 10.2.0.100 -> 10.2.0.5: fd12::3:1 cannot call fd12::1:102: no answer`,
		},
		{
			"an agent lets forged IPv6 packets pass",
			func(n *prooftest.Network) { n.Nodes[1].Guard.Lets = only(api.IPv6) },
			`failed pod-source-address 10.2.0.5 -> 10.2.0.6: pod, fd12::1:2 | node, fd12::2:6 | Service, fd12::5: | outside, fd12::3:1`,
		},
		{
			"an agent does not count what it drops", func(n *prooftest.Network) { n.Nodes[1].Guard.Uncounted = true },
			`failed pod-source-address 10.2.0.5 -> 10.2.0.6: the node has dropped 0 packets of pods, and 8 had others' addresses`,
		},
		{
			"an agent drops everything that a pod sends", func(n *prooftest.Network) { n.Nodes[1].Guard.DropsOwn = true },
			`failed pod-source-address 10.2.0.5 -> 10.2.0.6: its own address 192.168.1.2 and fd12::1:102 has not arrived`,
		},
		{
			"an agent restarts meanwhile", func(n *prooftest.Network) { n.Nodes[1].Guard.Before, n.Nodes[1].Guard.Restarts = 500, true },
			`failed pod-source-address 10.2.0.5 -> 10.2.0.6: the agent counted 500 dropped packets before and 8 now: it has restarted`,
		},
		{
			"an agent is older than the counter", func(n *prooftest.Network) { n.Nodes[1].Guard.WithoutMetrics = true },
			`failed pod-source-address 10.2.0.5 -> 10.2.0.6: the agent of 10.2.0.5 does not say | it is older than this dualstrap`,
		},
		{
			"an agent does not run", func(n *prooftest.Network) { n.Nodes[1].Guard.Silent = true },
			`failed pod-source-address 10.2.0.5 -> 10.2.0.6: the agent of 10.2.0.5 does not say | connection refused`,
		},
		{
			"pods' answers break off", wrapPods(breakOff),
			`failed pod-to-pod 10.2.0.4 -> 10.2.0.5: 192.168.0.2 cannot call 192.168.1.2: something else answers: "192.16"
			failed pod-to-pod 10.2.0.5 -> 10.2.0.6: 192.168.1.2 cannot call 192.168.2.2: | unexpected EOF
			failed pod-source-address 10.2.0.4 -> 10.2.0.5: unexpected EOF
			failed pod-source-address 10.2.0.5 -> 10.2.0.6: unexpected EOF
			failed service-cluster-ip all: unexpected EOF
			failed service-dns 10.2.0.5: unexpected EOF
			failed service-load-balancer 10.2.0.100 -> load-balancer: unexpected EOF
			failed flat-ipv6 10.2.0.100 -> 10.2.0.5: unexpected EOF
			failed flat-ipv6 10.2.0.5 -> 10.2.0.100: unexpected EOF
			failed island-ipv4 10.2.0.5 -> 10.2.0.100: unexpected EOF`,
		},
		{
			"a proxy stands between pods", wrapPods(showAs("10.2.0.99")),
			`failed pod-to-pod 10.2.0.4 -> 10.2.0.5: 192.168.0.2 called 192.168.1.2, which saw 10.2.0.99 instead of 192.168.0.2 | fd12::1:2 called
			failed flat-ipv6 10.2.0.100 -> 10.2.0.5: fd12::3:1 called fd12::1:102, which saw 10.2.0.99 instead of fd12::3:1`,
		},
		{
			"pods answer with a page of something else", wrapPods(answerWith(http.StatusOK, "<html>")),
			`failed pod-to-pod 10.2.0.4 -> 10.2.0.5: something else answers: "<html>"
			failed pod-to-pod 10.2.0.5 -> 10.2.0.6: something else answers: "<html>"
			failed pod-source-address 10.2.0.4 -> 10.2.0.5: its own address 192.168.0.2 and fd12::1:2 has not arrived
			failed pod-source-address 10.2.0.5 -> 10.2.0.6: its own address 192.168.1.2 and fd12::1:102 has not arrived
			failed service-cluster-ip all: something else answers: "<html>"
			failed service-dns 10.2.0.5: something else answers: "<html>"
			failed service-load-balancer 10.2.0.100 -> load-balancer: something else answers: "<html>"
			failed flat-ipv6 10.2.0.100 -> 10.2.0.5: something else answers: "<html>"
			failed flat-ipv6 10.2.0.5 -> 10.2.0.100: something else answers: "<html>"
			failed island-ipv4 10.2.0.5 -> 10.2.0.100: something else answers: "<html>"`,
		},
	})
}

// TestSabotageOfServices breaks Services, their names and their load balancers.
func TestSabotageOfServices(t *testing.T) {
	t.Parallel()
	expectFound(t, []sabotage{
		{
			"kube-proxy has no IPv6 rules on a node",
			func(n *prooftest.Network) { n.Nodes[1].LacksServices = only(api.IPv6) },
			`failed service-cluster-ip 10.2.0.5: fd12::5: | no answer
			failed service-dns 10.2.0.5: DNS at fd12::5:a does not give | i/o timeout`,
		},
		{
			"kube-proxy has no IPv4 rules on a node",
			func(n *prooftest.Network) { n.Nodes[1].LacksServices = only(api.IPv4) },
			`failed service-cluster-ip 10.2.0.5: 172.16. | no answer
			failed service-dns 10.2.0.5: DNS at 172.16.0.10 does not give | i/o timeout`,
		},
		{
			"one of a Service's pods does not serve", wrapPods(answerWith(http.StatusBadGateway, "gone")),
			`failed pod-to-pod 10.2.0.4 -> 10.2.0.5: gone
			failed pod-to-pod 10.2.0.5 -> 10.2.0.6: gone
			failed pod-source-address 10.2.0.4 -> 10.2.0.5: gone
			failed pod-source-address 10.2.0.5 -> 10.2.0.6: gone
			failed service-cluster-ip all: Bad Gateway: gone
			failed service-dns 10.2.0.5: gone
			failed service-load-balancer 10.2.0.100 -> load-balancer: Bad Gateway: gone
			failed flat-ipv6 10.2.0.100 -> 10.2.0.5: Bad Gateway: gone
			failed flat-ipv6 10.2.0.5 -> 10.2.0.100: gone
			failed island-ipv4 10.2.0.5 -> 10.2.0.100: gone`,
		},
		{
			"DNS has no AAAA records", func(n *prooftest.Network) { n.DNS.Lacks = only(api.IPv6) },
			`failed service-dns all: DNS at 172.16.0.10 does not give require-dual-stack | no such host`,
		},
		{
			"DNS gives a wrong address", func(n *prooftest.Network) { n.DNS.Wrong = netip.MustParseAddr("172.16.0.99") },
			`failed service-dns all: DNS at 172.16.0.10 gives the IPv4 address 172.16.0.99, and should give 172.16.0. | DNS at fd12::5:a gives`,
		},
		{
			"DNS does not answer over IPv6", func(n *prooftest.Network) { n.DNS.Silent = only(api.IPv6) },
			`failed service-dns all: DNS at fd12::5:a does not give | connection refused`,
		},
		{
			"pods of a node find no name server", func(n *prooftest.Network) { n.Nodes[1].WithoutResolver = true },
			`failed service-dns 10.2.0.5: the pod cannot call http://require-dual-stack | no such host`,
		},
		{
			"pods of a node ask a name server that knows every name", func(n *prooftest.Network) { n.Nodes[1].Wildcard = true },
			`failed service-dns 10.2.0.5: the pod cannot call http://require-dual-stack | something else answers: "It works!"`,
		},
		{
			"the Service of DNS has one address",
			func(n *prooftest.Network) {
				prooftest.Change(n, dnsService(), func(service *corev1.Service) { service.Spec.ClusterIPs = service.Spec.ClusterIPs[:1] })
			},
			`failed service-dns all: Service kube-system/kube-dns has 172.16.0.10, and no IPv6 address`,
		},
		{
			"there is no Service of DNS",
			func(n *prooftest.Network) {
				if err := n.API.Objects.Delete(t.Context(), dnsService()); err != nil {
					t.Error(err)
				}
			},
			`failed service-dns all: cannot read service kube-system/kube-dns | not found`,
		},
		{
			"MetalLB has no addresses left", noAddressesLeft,
			`failed service-load-balancer 10.2.0.100 -> load-balancer: it has the load balancer addresses none | no available IPs`,
		},
		{
			"the API server has one Service range", func(n *prooftest.Network) { n.API.ServiceRanges = n.Config.Network.Services[:1] },
			`failed service-ip-families prefer-dual-stack: its cluster IPs are 172.16. | should be from 172.16.0.0/20 and fd12::5:0/116
			failed service-ip-families require-dual-stack: its cluster IPs are 172.16. | should be from fd12::5:0/116 and 172.16.0.0/20
			failed service-cluster-ip all: its cluster IPs are 172.16. | should be one of each family
			failed service-dns all: no such host`,
		},
		{
			"load balancers get no IPv6 address", func(n *prooftest.Network) { n.Balancer.Unassigned = only(api.IPv6) },
			`failed service-load-balancer 10.2.0.100 -> load-balancer: addresses 10.2.0.213, and should have one of each family`,
		},
		{
			"load balancers get two IPv4 addresses", func(n *prooftest.Network) { n.Balancer.Twice = true },
			`failed service-load-balancer 10.2.0.100 -> load-balancer: addresses 10.2.0.213 and 10.2.0.214, and should have one of each family`,
		},
		{
			"a load balancer answers outside in IPv4 only", func(n *prooftest.Network) { n.Balancer.Unannounced = only(api.IPv6) },
			`failed service-load-balancer 10.2.0.100 -> load-balancer: fd12::4:102 does not answer as it should: no answer`,
		},
		{
			"a load balancer answers outside in IPv6 only", func(n *prooftest.Network) { n.Balancer.Unannounced = only(api.IPv4) },
			`failed service-load-balancer 10.2.0.100 -> load-balancer: 10.2.0.213 does not answer as it should: no answer`,
		},
		{
			"another host has the load balancer's address", func(n *prooftest.Network) { n.Balancer.Stranger = true },
			`failed service-load-balancer 10.2.0.100 -> load-balancer: something else answers: "It works!"`,
		},
	})
}

// dnsService returns the Service of the cluster's DNS, by name.
func dnsService() *corev1.Service {
	return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "kube-dns"}}
}

// noAddressesLeft is a sabotage: MetalLB assigns no addresses, and says why in an event.
func noAddressesLeft(n *prooftest.Network) {
	n.Balancer.After = time.Hour
	n.API.Created = func(object client.Object) {
		if object.GetName() != "load-balancer" {
			return
		}
		for i, message := range []string{"looking for addresses", "no available IPs"} {
			n.Record(&corev1.Event{
				ObjectMeta:     metav1.ObjectMeta{Namespace: object.GetNamespace(), Name: fmt.Sprint("load-balancer.", i)},
				InvolvedObject: corev1.ObjectReference{Name: object.GetName()}, Message: message,
			})
		}
	}
}

// TestSabotageOfOutside breaks the traffic between pods and the client.
func TestSabotageOfOutside(t *testing.T) {
	t.Parallel()
	expectFound(t, []sabotage{
		{
			"a node masquerades flat IPv6",
			func(n *prooftest.Network) { n.Nodes[1].Masquerades[api.IPv6] = true },
			`failed flat-ipv6 10.2.0.5 -> 10.2.0.100: fd12::1:102 called fd12::3:1, which saw fd12::2:5 instead of fd12::1:102`,
		},
		{
			"a node does not masquerade the IPv4 island",
			func(n *prooftest.Network) { n.Nodes[1].Masquerades = nil },
			`failed island-ipv4 10.2.0.5 -> 10.2.0.100: 192.168.1.2 called 10.2.0.100, which saw 192.168.1.2 instead of 10.2.0.5`,
		},
		{
			"a node does not answer for its pods on the L2",
			func(n *prooftest.Network) { n.Nodes[1].LacksNeighbors = true },
			`failed flat-ipv6 10.2.0.100 -> 10.2.0.5: fd12::3:1 cannot call fd12::1:102: | no route to host
			failed flat-ipv6 10.2.0.5 -> 10.2.0.100: fd12::1:102 cannot call fd12::3:1: no answer`,
		},
		{
			"a node masquerades flat IPv4",
			func(n *prooftest.Network) {
				n.Config.Network.FlatIPv4 = true
				n.Nodes[0].Masquerades, n.Nodes[2].Masquerades = nil, nil
			},
			`failed island-ipv4 10.2.0.5 -> 10.2.0.100: 192.168.1.2 called 10.2.0.100, which saw 10.2.0.5 instead of 192.168.1.2`,
		},
	})
}
