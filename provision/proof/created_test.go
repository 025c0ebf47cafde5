package proof_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dualstrap/dualstrap/provision/proof/prooftest"
)

// record makes the API server record what is created.
func record(n *prooftest.Network) *[]client.Object {
	var mu sync.Mutex
	created := &[]client.Object{}
	n.API.Created = func(object client.Object) {
		mu.Lock()
		defer mu.Unlock()
		*created = append(*created, object.DeepCopyObject().(client.Object)) //nolint:forcetypeassert // a copy has the same type
	}
	return created
}

// TestWhatAProofCreates checks that a proof creates nothing but what the documentation says, all of it in its namespace.
func TestWhatAProofCreates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := prooftest.New(t)
		created := record(n)
		prove(t, n)
		var names []string
		namespaces := map[string]bool{}
		for _, object := range *created {
			name := fmt.Sprintf("%T %s", object, object.GetName())
			if namespace, is := object.(*corev1.Namespace); is {
				name = fmt.Sprintf("%T %s %v", object, namespace.GenerateName, namespace.Labels)
			} else {
				namespaces[object.GetNamespace()] = true
			}
			names = append(names, name)
		}
		slices.Sort(names)
		if diff := cmp.Diff([]string{
			"*v1.DaemonSet hello",
			"*v1.Namespace dualstrap-proof- map[dualstrap.dev/proof:true pod-security.kubernetes.io/enforce:baseline]",
			"*v1.Service load-balancer", "*v1.Service prefer-dual-stack", "*v1.Service require-dual-stack", "*v1.Service single-stack",
		}, names); diff != "" {
			t.Errorf("created (-want +got):\n%s", diff)
		}
		if len(namespaces) != 1 {
			t.Errorf("they are in %v", namespaces)
		}
	})
}

// TestServicesOfAProof checks what the Services request: the policy and the families that each is named after, and no port
// on nodes.
func TestServicesOfAProof(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := prooftest.New(t)
		created := record(n)
		prove(t, n)
		got := map[string]string{}
		for _, object := range *created {
			service, is := object.(*corev1.Service)
			if !is {
				continue
			}
			spec := service.Spec
			got[service.Name] = fmt.Sprint(*spec.IPFamilyPolicy, spec.IPFamilies, spec.Type, spec.Ports[0].Port, spec.Ports[0].TargetPort.IntVal)
			if spec.Type == corev1.ServiceTypeLoadBalancer && (spec.AllocateLoadBalancerNodePorts == nil || *spec.AllocateLoadBalancerNodePorts) {
				t.Errorf("%s opens ports of nodes", service.Name)
			}
		}
		if diff := cmp.Diff(map[string]string{
			"single-stack": "SingleStack[]80 8080", "prefer-dual-stack": "PreferDualStack[]80 8080",
			"require-dual-stack": "RequireDualStack[IPv6 IPv4]80 8080", "load-balancer": "RequireDualStack[IPv6 IPv4]LoadBalancer80 8080",
		}, got); diff != "" {
			t.Errorf("Services (-want +got):\n%s", diff)
		}
	})
}

// TestPodsOfAProof checks the rights of the proof's pods: those of an ordinary pod at most. The word with which they accept
// orders to forge addresses is new for each proof, and only one of the containers knows it.
func TestPodsOfAProof(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := prooftest.New(t)
		created := record(n)
		prove(t, n)
		prove(t, n)
		words := map[string]bool{}
		for _, object := range *created {
			daemons, is := object.(*appsv1.DaemonSet)
			if !is {
				continue
			}
			expectFewRights(t, daemons.Spec.Template.Spec)
			for _, container := range daemons.Spec.Template.Spec.Containers {
				for _, arg := range container.Args {
					if word, found := strings.CutPrefix(arg, "-forge="); found {
						words[word] = true
					}
				}
			}
		}
		for word := range words {
			if len(word) < 20 {
				t.Errorf("%q can be guessed", word)
			}
		}
		if len(words) != 2 {
			t.Errorf("two proofs have the words %v", words)
		}
	})
}

// expectFewRights fails the test if a pod may do more than it has to.
func expectFewRights(t *testing.T, pod corev1.PodSpec) {
	t.Helper()
	if pod.HostNetwork || pod.HostPID || pod.HostIPC || len(pod.Volumes) > 0 || pod.AutomountServiceAccountToken == nil ||
		*pod.AutomountServiceAccountToken || pod.SecurityContext.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		t.Errorf("the pod has something of its host, or credentials: %+v", pod)
	}
	for i := range pod.Containers {
		container := &pod.Containers[i]
		may := container.SecurityContext
		if *may.AllowPrivilegeEscalation || !*may.ReadOnlyRootFilesystem || may.Privileged != nil || len(may.Capabilities.Add) > 0 {
			t.Errorf("%s may do too much: %+v", container.Name, may)
		}
		isRoot := may.RunAsUser == nil || *may.RunAsUser == 0
		if dropsAll := slices.Equal(may.Capabilities.Drop, []corev1.Capability{"ALL"}); isRoot == dropsAll {
			t.Errorf("%s is user %d and drops %v", container.Name, *may.RunAsUser, may.Capabilities.Drop)
		}
		if isRoot && slices.Contains(may.Capabilities.Drop, "NET_RAW") {
			t.Errorf("%s cannot forge addresses", container.Name)
		}
		if container.ImagePullPolicy != corev1.PullNever {
			t.Errorf("%s needs a registry", container.Name)
		}
	}
	if pod.Tolerations[0].Operator != corev1.TolerationOpExists || pod.Tolerations[0].Key != "" {
		t.Errorf("the pod does not run on every node: %+v", pod.Tolerations)
	}
}
