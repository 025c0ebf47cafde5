//go:build integration

package cmd_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dualstrap/dualstrap/api"
)

// TestIntegrationNewestRelease creates a cluster of the newest release on bare hosts, at first with one worker less, and
// resets it.
func TestIntegrationNewestRelease(t *testing.T) {
	c := newTestClusterOf(t, filepath.Join("..", "build", "bundle-newest"))
	if releases := api.Releases(); c.release != releases[len(releases)-1].Kubernetes {
		t.Fatalf("%s is not the newest release", c.release)
	}
	runParts(t, c, []part[*testCluster]{
		{"hosts are bare", clusterIsBare},
		{"a pool grows", clusterGrows},
		{"create", clusterIsCreated},
		{"nodes are as planned", clusterNodesAsPlanned},
		{"a second run changes nothing", clusterConverges},
		{"services of the documentation", clusterServes},
		{"service policies", clusterServicePolicies},
		{"pods are reached and reach out", clusterPodsAreFlat},
		{"reset leaves nothing", resetLeavesNothing},
	})
}

// TestIntegrationHighAvailability creates a cluster of three control plane nodes and a worker that encrypts Secrets, and
// stops the host that holds the control plane's VIP.
func TestIntegrationHighAvailability(t *testing.T) {
	c := newTestCluster(t, "--control-planes", "3", "--workers", "1")
	c.rewrite(t, encrypts()...)
	c.mustCreate(t)
	clusterEncrypts(t, c)
	if again := c.mustCreate(t, "--skip-verify"); again.Changes > 0 {
		t.Errorf("the second run changes %s", strings.Join(again.summary(), "\n"))
	}
	if members := c.fields(t, `{.items[*].metadata.name}`, "get", "pods", "-n", "kube-system", "-l", "component=etcd"); len(members) != 3 {
		t.Errorf("etcd: %v", members)
	}
	voters := c.kube(t, "get", "--raw", "/readyz/etcd")
	if voters != "ok" {
		t.Errorf("etcd is %s", voters)
	}
	holder := ""
	for _, host := range []string{hostName("cp-1"), hostName("cp-2"), hostName("cp-3")} {
		if strings.Contains(c.on(t, host, "ip -4 address show dev eth0"), "10.2.0.175/") {
			holder = host
		}
	}
	for host, address := range map[string]string{hostName("cp-2"): "10.2.0.102", hostName("cp-3"): "10.2.0.103"} {
		if host != holder { // without keepalived there, the VIP stays where it is
			c.isWrecked(t, []wreck{{
				host, "mv /etc/kubernetes/manifests/keepalived.yaml /root/; until ! pgrep -x keepalived >/dev/null; do sleep 0.1; done",
				"control-plane-balancers", address, "there is no pod keepalived-" + host,
			}})
			break
		}
	}
	c.stopsWithoutCutting(t)
	gap := c.longestGap(t, func() error {
		_, _, err := c.run(t, "stop", holder)
		return err
	})
	t.Logf("%s held the VIP and was shut down: the API did not answer for %s", holder, gap.Round(time.Millisecond))
	// Two of three members can still write, and nodes whose connections went to the VIP's host hear of it.
	c.apply(t, "apiVersion: v1\nkind: Service\nmetadata:\n  name: heard\nspec:\n  ports: [{port: 80}]\n")
	address := c.kube(t, "get", "service", "heard", "-o", "jsonpath={.spec.clusterIP}")
	took := eventually(t, "kube-proxy hears of a Service", func() string {
		if strings.Contains(c.on(t, hostName("worker-1"), "nft list table ip kube-proxy"), address) {
			return ""
		}
		return address + " is not in its table"
	})
	t.Logf("kube-proxy of a worker heard of a Service after %s", took.Round(100*time.Millisecond))
	for _, program := range []string{"kubelet", "kube-proxy"} {
		if told := c.on(t, hostName("worker-1"), "tr '\\0' '\\n' </proc/$(pgrep -x "+program+")/environ | grep ^HTTP2_ | wc -l"); told != "2" {
			t.Errorf("%s is not configured to probe idle connections", program)
		}
	}

	result, said, err := c.create(t)
	if got := exitCode(err); got != 3 || !strings.Contains(said, "1 of 4 hosts failed their checks") {
		t.Errorf("with a host that is down: exit code %d, it says:\n%s%s", got, said, result.failures())
	}
	c.mustRun(t, "start", holder)
	c.mustCreate(t, "--skip-verify")
	c.settles(t)
}

// longestGap calls do, and returns the longest time in which the API did not answer at the VIP meanwhile.
func (c *testCluster) longestGap(t *testing.T, do func() error) time.Duration {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- do() }()
	var longest time.Duration
	last := time.Now()
	for over := false; ; {
		_, err := c.tryKube(t, "", "get", "--raw", "/readyz", "--request-timeout=1s")
		longest = max(longest, time.Since(last))
		if err == nil {
			last = time.Now()
			if over {
				return longest
			}
		} else if time.Since(last) > 2*time.Minute {
			t.Fatalf("the API does not answer at the VIP: %v", err)
		}
		select {
		case err := <-ended:
			if err != nil {
				t.Fatal(err)
			}
			over = true
		default:
		}
	}
}

// TestIntegrationPoolsAndFlatIPv4 creates a cluster with flat IPv4, a node for load balancers alone, and ranges of their own
// for a pool and for one node. The first run is interrupted.
func TestIntegrationPoolsAndFlatIPv4(t *testing.T) {
	c := newTestCluster(t, "--load-balancers", "1")
	// With flat IPv4, addresses of pods are part of the hosts' subnet.
	for _, host := range []string{hostName("cp-1"), hostName("lb-1"), hostName("worker-1"), hostName("worker-2"), "client"} {
		c.on(t, host, "ip -4 address show dev eth0 | sed -n 's,^ *inet \\(10[.0-9]*\\)/24 .*,\\1,p' | "+
			"while read -r a; do ip address add $a/16 dev eth0; ip address del $a/24 dev eth0; done; ip -4 address show dev eth0 | grep -q /16")
	}
	c.rewrite(t,
		"  clusterNetwork:\n    pods:\n      cidrBlocks:\n      - 192.168.0.0/16", "  clusterNetwork:\n    flatIPv4: true",
		"    cidr: 192.168.0.0/16\n", "    cidr: 10.2.64.0/20\n",
		"    perNodeMaskSize: 120\n", "    perNodeMaskSize: 120\n---\n"+cidrConfig("workers", "10.2.80.0/20", "fd12::7:0/112",
			"baremetal.cluster.gke.io/node-pool: workers")+"---\n"+cidrConfig("one", "10.2.96.0/24", "fd12::8:0/120",
			"baremetal.cluster.gke.io/k8s-ip: 10.2.0.6")+"---\n",
	)
	c.leaveKubeadm(t, hostName("lb-1"), "join", "true") // the VIP is on this host, so the others join through it
	c.mustCreate(t)
	if again := c.mustCreate(t, "--skip-verify"); again.Changes > 0 {
		t.Errorf("the second run changes %s", strings.Join(again.summary(), "\n"))
	}
	clusterNodesAsPlanned(t, c)
	clusterServes(t, c)
	speakers := c.fields(t, `{.items[*].spec.nodeName}`, "get", "pods", "-n", "metallb-system", "-l", "component=speaker")
	if !slices.Equal(speakers, []string{hostName("lb-1")}) {
		t.Errorf("Services are announced from %v", speakers)
	}
	if got := c.on(t, hostName("lb-1"), "ip -4 address show dev eth0"); !strings.Contains(got, "10.2.0.175/") {
		t.Errorf("the load balancer does not hold the control plane's VIP:\n%s", got)
	}
	pod, _ := c.caller(t, hostName("worker-2"))
	if !strings.HasPrefix(pod[0], "10.2.96.") || !strings.HasPrefix(pod[1], "fd12::8:") {
		t.Errorf("the node's pod has %v", pod)
	}
	c.startMirror(t)
	for i, client := range []string{"10.2.0.100", "fd12::3:1"} {
		c.answers(t, "client", at(pod[i], 8080, "/client"), client)
		c.answers(t, "client", at(pod[i], 8080, "/fetch?url="+at(client, 9000, "/")), pod[i])
	}
	for _, other := range c.podsOn(t, hostName("worker-1")) {
		for i, address := range other[1:] {
			if strings.HasPrefix(other[0], "my-deployment") {
				c.answers(t, "client", at(pod[i], 8080, "/fetch?url="+at(address, 8080, "/client")), pod[i])
			}
		}
	}
}

// cidrConfig returns a ClusterCIDRConfig for the nodes with a label.
func cidrConfig(name, ipv4, ipv6, label string) string {
	return "apiVersion: baremetal.cluster.gke.io/v1alpha1\nkind: ClusterCIDRConfig\nmetadata:\n  name: " + name +
		"\n  namespace: cluster-" + testLabName() + "\nspec:\n  nodeSelector:\n    matchLabels:\n      " + label +
		"\n  ipv4:\n    cidr: " + ipv4 + "\n    perNodeMaskSize: 24\n  ipv6:\n    cidr: " + ipv6 + "\n    perNodeMaskSize: 120\n"
}

// administrator makes a user who may become root as on RHEL: there, the PATH of sudo lacks /usr/local/bin.
const administrator = `useradd --create-home admin
printf 'Defaults secure_path="/sbin:/bin:/usr/sbin:/usr/bin"\nadmin ALL=(ALL) NOPASSWD: ALL\n' >/etc/sudoers.d/admin
install -d -o admin -g admin -m 0700 ~admin/.ssh
install -o admin -g admin -m 0600 /root/.ssh/authorized_keys ~admin/.ssh/authorized_keys`

// TestIntegrationManualLoadBalancer creates a cluster behind an external load balancer, on the client. Its hosts pull images
// through a registry with a password, and let no one but a user with sudo log in.
func TestIntegrationManualLoadBalancer(t *testing.T) {
	c := newTestCluster(t, "--workers", "1")
	registry := startRegistry(t)
	for _, host := range []string{hostName("cp-1"), hostName("worker-1")} {
		c.on(t, host, administrator+"; echo PermitRootLogin no >/etc/ssh/sshd_config.d/00-admin.conf; systemctl reload ssh")
	}
	c.rewrite(t, "user: root", "user: admin", "apiVersion: v1\n", registry.header()+"apiVersion: v1\n",
		"mode: bundled", "mode: manual", "      ingressVIP: 10.2.0.212\n", "", `    addressPools:
    - name: pool-1
      addresses:
      - 10.2.0.212-10.2.0.221
      - fd12::4:101-fd12::4:110
`, "")
	c.on(t, "client", "ip address add 10.2.0.175/24 dev eth0; firewall-cmd -q --add-port=443/tcp; "+
		"systemd-run -q --unit=balancer --socket-property=ListenStream=10.2.0.175:443 /lib/systemd/systemd-socket-proxyd 10.2.0.4:6443")
	c.mustCreate(t)
	if again := c.mustCreate(t, "--skip-verify"); again.Changes > 0 {
		t.Errorf("the second run changes %s", strings.Join(again.summary(), "\n"))
	}
	server := c.on(t, hostName("worker-1"), "grep -o 'server: .*' /etc/kubernetes/kubelet.conf")
	if server != "server: https://10.2.0.175:443" {
		t.Errorf("the worker's kubelet asks %s", server)
	}
	pods := c.kube(t, "get", "pods", "-A", "-o", "name")
	for _, name := range []string{"haproxy", "keepalived", "speaker"} {
		if strings.Contains(pods, name) {
			t.Errorf("%s runs:\n%s", name, pods)
		}
	}
	c.pullsThrough(t, registry)
}
