//go:build integration

package render_test

import (
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"sigs.k8s.io/yaml"

	"github.com/dualstrap/dualstrap/internal/kubetest"
	"github.com/dualstrap/dualstrap/render"
)

// TestIntegrationAPIServer applies everything that goes into the cluster to a real API server, which all subtests share.
func TestIntegrationAPIServer(t *testing.T) {
	t.Parallel()
	server := newAPIServer(t)
	server.createKubeDNS(t)
	for _, name := range exampleNames() {
		t.Run("accepts "+name, func(t *testing.T) {
			in := probed(exampleInput(t, name), name)
			server.applyAll(t, in)
			server.checkNodes(t, in)
		})
	}
	t.Run("applies twice", server.testAppliesTwice)
	t.Run("accepts what is valid", server.testAcceptsValid)
	t.Run("kube-dns is dual-stack", server.testKubeDNS)
	t.Run("ClusterCIDRConfigs", server.testClusterCIDRConfigs)
	t.Run("changes of ClusterCIDRConfigs", server.testClusterCIDRConfigChanges)
	t.Run("status of ClusterCIDRConfigs", server.testClusterCIDRConfigStatus)
	t.Run("columns", server.testColumns)
	t.Run("rights", server.testRights)
	t.Run("pods", server.testPods)
	t.Run("kubelets register", server.testKubelets)
	t.Run("limits of kubelets", server.testKubeletLimits)
}

// apiServer is a running API server with clients for it.
type apiServer struct {
	config  *rest.Config
	typed   kubernetes.Interface
	dynamic dynamic.Interface
	mapper  *restmapper.DeferredDiscoveryRESTMapper
}

func newAPIServer(tb testing.TB) *apiServer {
	tb.Helper()
	config := kubetest.Start(tb)
	typed := kubernetes.NewForConfigOrDie(config)
	return &apiServer{
		config:  config,
		typed:   typed,
		dynamic: dynamic.NewForConfigOrDie(config),
		mapper:  restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(typed.Discovery())),
	}
}

// resource returns the client for an object's kind and namespace.
func (s *apiServer) resource(object *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	kind := object.GroupVersionKind()
	mapping, err := s.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return nil, err
	}
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		return s.dynamic.Resource(mapping.Resource).Namespace(object.GetNamespace()), nil
	}
	return s.dynamic.Resource(mapping.Resource), nil
}

// put applies an object, or creates it if it is a Node. Validation is strict: unknown and duplicate fields are errors.
func (s *apiServer) put(tb testing.TB, object *unstructured.Unstructured, dryRun ...string) (*unstructured.Unstructured, error) {
	tb.Helper()
	resource, err := s.resource(object)
	if err != nil {
		return nil, err
	}
	if object.GetKind() == "Node" {
		options := metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict, DryRun: dryRun}
		return resource.Create(tb.Context(), object, options)
	}
	// The dynamic client's Apply has no option for strict validation; its Patch has.
	data, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	force := true
	return resource.Patch(tb.Context(), object.GetName(), types.ApplyPatchType, data, metav1.PatchOptions{
		FieldManager: "dualstrap", Force: &force, FieldValidation: metav1.FieldValidationStrict, DryRun: dryRun,
	})
}

// waitEstablished waits until the API server serves the kind of a CustomResourceDefinition.
func (s *apiServer) waitEstablished(tb testing.TB, definition *unstructured.Unstructured) {
	tb.Helper()
	resource, err := s.resource(definition)
	if err != nil {
		tb.Fatal(err)
	}
	for range 300 {
		found, err := resource.Get(tb.Context(), definition.GetName(), metav1.GetOptions{})
		if err != nil {
			tb.Fatal(err)
		}
		conditions, _, _ := unstructured.NestedSlice(found.Object, "status", "conditions")
		for _, condition := range conditions {
			c, _ := condition.(map[string]any)
			if c["type"] == "Established" && c["status"] == "True" {
				s.mapper.Reset()
				return
			}
			if c["type"] == "NonStructuralSchema" && c["status"] == "True" {
				tb.Fatalf("%s: %v", definition.GetName(), c["message"])
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	tb.Fatalf("%s is not established", definition.GetName())
}

// documents decodes the objects of a manifest.
func documents(tb testing.TB, file render.File) []*unstructured.Unstructured {
	tb.Helper()
	var objects []*unstructured.Unstructured
	for document := range strings.SplitSeq("\n"+string(file.Content), "\n---\n") {
		if strings.TrimSpace(document) == "" {
			continue
		}
		object := map[string]any{}
		if err := yaml.UnmarshalStrict([]byte(document), &object); err != nil {
			tb.Fatalf("%s: %v", file.Path, err)
		}
		objects = append(objects, &unstructured.Unstructured{Object: object})
	}
	return objects
}

// applyAll applies everything that goes into a cluster. It waits for definitions before it applies objects of their
// kinds.
func (s *apiServer) applyAll(tb testing.TB, in render.Input) {
	tb.Helper()
	files, err := render.Cluster(in)
	if err != nil {
		tb.Fatal(err)
	}
	for _, file := range files {
		for _, object := range documents(tb, file) {
			if _, err := s.put(tb, object); err != nil {
				tb.Errorf("%s: %s %s is refused: %v", file.Path, object.GetKind(), object.GetName(), err)
			} else if object.GetKind() == "CustomResourceDefinition" {
				s.waitEstablished(tb, object)
			}
		}
	}
}

// checkNodes compares the stored Nodes with the plan.
func (s *apiServer) checkNodes(tb testing.TB, in render.Input) {
	tb.Helper()
	for _, planned := range in.Plan.Nodes {
		nodeName := in.Discovered.Hosts[planned.Address].NodeName
		node, err := s.typed.CoreV1().Nodes().Get(tb.Context(), nodeName, metav1.GetOptions{})
		if err != nil {
			tb.Error(err)
			continue
		}
		checkNode(tb, node, planned.PodCIDRs)
	}
}

// testAppliesTwice checks that applying the same objects again changes nothing.
func (s *apiServer) testAppliesTwice(t *testing.T) {
	files, err := render.Cluster(probed(exampleInput(t, "per-pool"), "per-pool"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		for _, object := range documents(t, file) {
			if object.GetKind() == "Node" {
				continue
			}
			first, err := s.put(t, object)
			if err != nil {
				t.Fatal(err)
			}
			second, err := s.put(t, object)
			if err != nil {
				t.Fatal(err)
			}
			if first.GetResourceVersion() != second.GetResourceVersion() {
				t.Errorf("%s: %s %s changes when it is applied again", file.Path, object.GetKind(), object.GetName())
			}
		}
	}
}

// testAcceptsValid checks that the CRDs are not stricter than the validation of manifests.
func (s *apiServer) testAcceptsValid(t *testing.T) {
	paths, err := filepath.Glob("../api/testdata/valid/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("%d valid manifests, error %v", len(paths), err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		objects := manifest(t, resolve(t, path, string(data)), "20-objects.yaml")
		for _, object := range documents(t, render.File{Path: path, Content: []byte(objects)}) {
			object.SetNamespace("default")
			if _, err := s.put(t, object, metav1.DryRunAll); err != nil {
				t.Errorf("%s: %s %s is refused: %v", path, object.GetKind(), object.GetName(), err)
			}
		}
	}
}

// checkNode compares a Node with its pod ranges in the plan.
func checkNode(tb testing.TB, node *corev1.Node, want []netip.Prefix) {
	tb.Helper()
	var podCIDRs []string
	for _, prefix := range want {
		podCIDRs = append(podCIDRs, prefix.String())
	}
	if diff := cmp.Diff(podCIDRs, node.Spec.PodCIDRs); diff != "" {
		tb.Errorf("podCIDRs of %s (-want +got):\n%s", node.Name, diff)
	}
	if node.Spec.PodCIDR != podCIDRs[0] {
		tb.Errorf("podCIDR of %s is %s, not the first of podCIDRs", node.Name, node.Spec.PodCIDR)
	}
	if providerID := "baremetal://" + node.Labels["baremetal.cluster.gke.io/k8s-ip"]; node.Spec.ProviderID != providerID {
		tb.Errorf("providerID of %s is %q, not %q", node.Name, node.Spec.ProviderID, providerID)
	}
}
