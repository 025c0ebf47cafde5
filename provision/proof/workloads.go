package proof

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/provision/kube"
)

const (
	// namespaceLabel marks the namespaces of proofs. A later proof finds those of interrupted ones by it.
	namespaceLabel = "dualstrap.dev/proof"
	// namespacePrefix begins the names of these namespaces.
	namespacePrefix = "dualstrap-proof-"
	// helloName is the name of the server, its image and its pods.
	helloName = "hello"
	// podPatience is how long pods may take to become ready. Their image is on the hosts already.
	podPatience = time.Minute
)

// deploy creates the pods and the Services, and waits until the pods are ready or podPatience ends.
func (s *testbed) deploy(ctx context.Context) error {
	if err := s.API.Create(ctx, s.helloPods()); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	// The Services are created while the pods start.
	group.Go(func() error { return s.awaitPods(ctx) })
	for _, service := range s.helloServices() {
		group.Go(func() error { return s.API.Create(ctx, service) })
	}
	return group.Wait()
}

// helloPods returns a DaemonSet that runs the server on every node, whatever taints the nodes have.
func (s *testbed) helloPods() *appsv1.DaemonSet {
	labels := map[string]string{"app": helloName}
	return &appsv1.DaemonSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: helloName},
		Spec: appsv1.DaemonSetSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{
					// The proof includes every node, also those of the control plane and those that are not ready.
					Tolerations: []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
					// The pods need neither credentials nor the environment variables of Services.
					AutomountServiceAccountToken: ptr.To(false),
					EnableServiceLinks:           ptr.To(false),
					// The server holds nothing that it would have to save, and the end of the proof waits for the pods.
					TerminationGracePeriodSeconds: ptr.To[int64](1),
					SecurityContext: &corev1.PodSecurityContext{
						SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
					},
					Containers: []corev1.Container{
						helloContainer(helloName, &corev1.SecurityContext{
							RunAsNonRoot: ptr.To(true), RunAsUser: ptr.To[int64](65534), RunAsGroup: ptr.To[int64](65534),
							Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
						}, "-fetch", "-hear", fmt.Sprintf("-address=:%d", podPort)),
						helloContainer(forgerName, &corev1.SecurityContext{
							RunAsUser:    ptr.To[int64](0), // without file capabilities, only root has the container's capabilities
							Capabilities: &corev1.Capabilities{Drop: allButRawSockets()},
						}, "-forge="+s.forgeSecret, fmt.Sprintf("-address=:%d", forgePort)),
					},
				},
			},
		},
	}
}

// helloContainer returns a container of the proof's image with the given rights and arguments.
func helloContainer(name string, may *corev1.SecurityContext, args ...string) corev1.Container {
	may.AllowPrivilegeEscalation, may.ReadOnlyRootFilesystem = ptr.To(false), ptr.To(true)
	return corev1.Container{
		Name:            name,
		Image:           api.Image(helloName, api.HelloVersion),
		ImagePullPolicy: corev1.PullNever, // hosts have the image from the bundle, and may have no registry
		Args:            args,
		SecurityContext: may,
	}
}

// allButRawSockets returns the default capabilities of container runtimes except NET_RAW. The forger drops these and
// adds none, so it has raw sockets only where every pod has them: the proof shows what an ordinary pod can do.
func allButRawSockets() []corev1.Capability {
	return []corev1.Capability{
		"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE",
		"SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
	}
}

// helloServices returns a Service for each ipFamilyPolicy, and one of type LoadBalancer if there are addresses for it.
func (s *testbed) helloServices() []*corev1.Service {
	services := []*corev1.Service{
		helloService(s.namespace, singleStack, corev1.IPFamilyPolicySingleStack),
		helloService(s.namespace, preferDualStack, corev1.IPFamilyPolicyPreferDualStack),
		helloService(s.namespace, requireDualStack, corev1.IPFamilyPolicyRequireDualStack, corev1.IPv6Protocol, corev1.IPv4Protocol),
	}
	families := s.balancedFamilies()
	if len(families) == 0 {
		return services
	}
	policy := corev1.IPFamilyPolicyRequireDualStack
	if len(families) == 1 {
		policy = corev1.IPFamilyPolicySingleStack
	}
	outward := helloService(s.namespace, loadBalancer, policy, families...)
	// MetalLB needs no node ports, and a proof should not open any.
	outward.Spec.Type, outward.Spec.AllocateLoadBalancerNodePorts = corev1.ServiceTypeLoadBalancer, ptr.To(false)
	return append(services, outward)
}

// helloService returns a Service for the proof's pods. Without families, the API server chooses them by the policy.
func helloService(namespace, name string, policy corev1.IPFamilyPolicy, families ...corev1.IPFamily) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: corev1.ServiceSpec{
			IPFamilyPolicy: &policy,
			IPFamilies:     families,
			Selector:       map[string]string{"app": helloName},
			Ports:          []corev1.ServicePort{{Port: servicePort, TargetPort: intstr.FromInt32(podPort)}},
		},
	}
}

// awaitPods waits for the pods of the nodes that are ready. Pods that do not become ready in time are not an error
// here: the check pod-ips fails for them.
func (s *testbed) awaitPods(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, podPatience)
	defer cancel()
	for {
		pods, err := s.API.Pods(ctx, s.namespace)
		switch {
		case err == nil && s.placePods(pods):
			return nil
		case err != nil && ctx.Err() == nil:
			return err
		}
		select {
		case <-ctx.Done():
			// Pods that are missing are a finding, which their check reports. An interrupt ends the proof.
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return nil
			}
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// placePods records which pod runs on which node, and reports whether every ready node has a ready pod.
func (s *testbed) placePods(pods []kube.Pod) bool {
	on := map[string]kube.Pod{}
	for _, pod := range pods {
		on[pod.Node] = pod
	}
	complete := true
	for i := range s.nodes {
		n := &s.nodes[i]
		if n.live == nil {
			continue
		}
		n.pod = on[n.live.Name]
		if n.pod.Name == "" {
			n.pod.Why = "the DaemonSet's pod is missing: is kube-controller-manager running?"
		}
		// A node that is not ready does not start pods, so waiting for its pod would only delay the report.
		complete = complete && (n.pod.Ready || !n.live.Ready)
	}
	return complete
}

// awaitServices reads the addresses of the Services, and waits for those that load balancers assign. Why a Service has
// no addresses is recorded in s.unserved, for the checks that need it.
func (s *testbed) awaitServices(ctx context.Context) {
	for _, name := range []string{singleStack, preferDualStack, requireDualStack, loadBalancer, clusterDNS} {
		namespace, balanced := s.namespace, []corev1.IPFamily(nil)
		switch name {
		case clusterDNS:
			namespace = metav1.NamespaceSystem
		case loadBalancer:
			if balanced = s.balancedFamilies(); len(balanced) == 0 {
				continue
			}
		}
		service, err := eventually(ctx, func(ctx context.Context) (kube.Service, error) {
			service, err := s.API.Service(ctx, namespace, name)
			// MetalLB assigns addresses some time after the Service is created.
			lacks := func(family corev1.IPFamily) bool { return !of(api.Family(family), service.Balanced).IsValid() }
			if err == nil && slices.ContainsFunc(balanced, lacks) {
				err = fmt.Errorf("it has the load balancer addresses %s, and should have one of each family: %s",
					formatList(service.Balanced), s.lastEvent(ctx, name))
			}
			return service, err
		})
		if err != nil {
			s.unserved[name] = err.Error()
		}
		s.services[name] = service
	}
}

// lastEvent returns the message of the latest event about an object of the proof.
func (s *testbed) lastEvent(ctx context.Context, name string) string {
	events, err := s.API.Events(ctx, s.namespace, name)
	if err != nil || len(events) == 0 {
		return "nothing says why; does MetalLB's controller run?"
	}
	return strings.TrimSpace(events[len(events)-1])
}
