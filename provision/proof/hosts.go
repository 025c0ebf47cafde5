package proof

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dualstrap/dualstrap/hostprep/facts"
	"github.com/dualstrap/dualstrap/provision/kube"
)

// hostChecks returns the checks of hosts' settings and of the control plane's address.
func hostChecks() []Check {
	return []Check{
		{
			// The rule compares the reverse path of IPv6 packets and drops those of pods ("fib saddr . mark . iif oif
			// missing drop").
			"firewalld-rpfilter", "firewalld drops no packets of pods: IPv6_rpfilter is not yes in its file, nor in effect in the running rules.",
			"dualstrap create cluster sets IPv6_rpfilter=no in /etc/firewalld/firewalld.conf and restarts firewalld",
			eachNode,
			[]requirement{requireHost},
			func(_ context.Context, _ *testbed, on *subject) verdict { return checkRPFilter(&on.node.host.Facts) },
		},
		{
			"control-plane-vip", "The control plane's address answers over TLS, with the cluster's certificate, that the API server is ready.",
			"look at the pods haproxy and keepalived on the control plane's hosts, and check which host has the address: ip address",
			once(func(s *testbed) string { return s.endpoint().String() }), nil, proveVIP,
		},
		{
			// The address answers as long as one host carries it. This check finds the hosts that could not take it
			// over.
			"control-plane-balancers", "haproxy and keepalived run on every host that may carry the control plane's address.",
			"look at journalctl -u kubelet on the host; restart the kubelet to make it retry static pods that it has rejected",
			eachBalancer,
			[]requirement{requireLiveNode},
			proveBalancer,
		},
	}
}

// checkRPFilter checks that firewalld does not drop packets by their reverse path, now or after its next start. The
// configuration and the running rules are checked separately, because either may have been changed without the other.
func checkRPFilter(known *facts.Host) verdict {
	unit, conf := known.Units["firewalld"], known.Firewalld
	switch {
	case conf.RPFilterRunning:
		return failed("the running rules drop packets by their reverse path")
	// An inactive unit that is enabled starts with the next boot, so its configuration counts.
	case !unit.Active && !unit.Enabled:
		return passed("firewalld does not run")
	case conf.RPFilter == "yes" || conf.RPFilter == "true":
		return failed("IPv6_rpfilter is %s: the next start of firewalld brings the rule back", conf.RPFilter)
	}
	return passed("IPv6_rpfilter is %s, and no running rule drops by reverse path", conf.RPFilter)
}

// endpoint returns the address of the control plane.
func (s *testbed) endpoint() netip.AddrPort {
	return netip.AddrPortFrom(s.Config.LoadBalancer.ControlPlaneVIP, uint16(s.Config.LoadBalancer.Port))
}

// proveVIP calls the control plane from where users are: from the client, or else from a worker, to which the address
// is remote as well. A host that carries the VIP would answer itself.
func proveVIP(ctx context.Context, s *testbed, _ *subject) verdict {
	var verdicts []verdict
	for _, host := range s.vantageHosts() {
		err := s.callVIP(ctx, host)
		if err == nil {
			return passed("it answered %s", host)
		}
		v := unanswered(err, "asked from %s", host)
		if v.status == Failed {
			return v
		}
		verdicts = append(verdicts, v)
	}
	if len(verdicts) == 0 {
		return skipped("no host can be reached to ask from")
	}
	return combine(verdicts...)
}

// vantageHosts returns the hosts from which the VIP can be called, the most telling one first.
func (s *testbed) vantageHosts() []netip.Addr {
	var client, others, own []netip.Addr
	if s.client.why == "" {
		client = []netip.Addr{s.client.address}
	}
	for i := range s.nodes {
		switch n := &s.nodes[i]; {
		case n.host.Err != nil:
		case n.host.Balancer:
			own = append(own, n.address())
		default:
			others = append(others, n.address())
		}
	}
	return append(append(client, others...), own...)
}

// callVIP makes a TLS connection through a host and requests /readyz.
func (s *testbed) callVIP(ctx context.Context, host netip.Addr) error {
	// The client below retries failed connections. A host that refuses to forward is noticed here, without the retries.
	if err := s.forwards(ctx, host, s.endpoint()); err != nil {
		return err
	}
	asked := kube.Connect(s.Admin, s.endpoint(), func(ctx context.Context) (net.Conn, error) {
		conn, err := s.Connections.Dial(ctx, host, s.endpoint())
		if err != nil {
			err = fmt.Errorf("%w: %w", kube.ErrNoAPIServer, err) // transient: the VIP may be moving
		}
		return conn, err
	})
	err := asked.Ready(ctx, patience)
	var waited *kube.WaitError
	if errors.As(err, &waited) {
		// There is no reason if the first attempt was still waiting.
		return errors.New(cmp.Or(reasonIn(waited.Reason), "no answer"))
	}
	return err
}

// eachBalancer returns a subject for every node that may carry the control plane's VIP. With a load balancer that
// dualstrap does not manage, there is no such node.
func eachBalancer(s *testbed) []subject {
	return slices.DeleteFunc(eachNode(s), func(on subject) bool { return !on.node.host.Balancer })
}

// proveBalancer checks that the static pods of the load balancer run on a node.
func proveBalancer(ctx context.Context, s *testbed, on *subject) verdict {
	_, err := eventually(ctx, func(ctx context.Context) (struct{}, error) {
		pods, err := s.API.Pods(ctx, metav1.NamespaceSystem)
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, checkBalancerPods(pods, on.node.live.Name)
	})
	if err != nil {
		return failed("%v", err)
	}
	return passed("haproxy and keepalived run")
}

// checkBalancerPods returns an error about the first of a node's static pods that is missing or not ready.
func checkBalancerPods(pods []kube.Pod, node string) error {
	for _, program := range []string{"haproxy", "keepalived"} {
		name := program + "-" + node
		at := slices.IndexFunc(pods, func(pod kube.Pod) bool { return pod.Name == name })
		switch {
		case at < 0:
			return fmt.Errorf("there is no pod %s", name)
		case !pods[at].Ready:
			return fmt.Errorf("%s does not run: %s", name, cmp.Or(pods[at].Why, "nothing says why"))
		}
	}
	return nil
}
