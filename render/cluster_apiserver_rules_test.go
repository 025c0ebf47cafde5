//go:build integration

package render_test

import (
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
)

// cidrConfig returns a ClusterCIDRConfig with the fields of its spec that are not nil.
func cidrConfig(name string, ipv4, ipv6, selector map[string]any) *unstructured.Unstructured {
	spec := map[string]any{}
	for field, value := range map[string]map[string]any{"ipv4": ipv4, "ipv6": ipv6, "nodeSelector": selector} {
		if value != nil {
			spec[field] = value
		}
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "baremetal.cluster.gke.io/v1alpha1",
		"kind":       "ClusterCIDRConfig",
		"metadata":   map[string]any{"name": name, "namespace": "cluster-dual-stack"},
		"spec":       spec,
	}}
}

func cidrRange(cidr string, mask int64) map[string]any {
	return map[string]any{"cidr": cidr, "perNodeMaskSize": mask}
}

func matchLabels(key, value string) map[string]any {
	return map[string]any{"matchLabels": map[string]any{key: value}}
}

func (s *apiServer) testClusterCIDRConfigs(t *testing.T) {
	v4, v6 := cidrRange("192.168.0.0/16", 24), cidrRange("fd12::1:0/112", 120)
	const notV4, notV6 = "ipv4.cidr is not an IPv4 range in CIDR notation", "ipv6.cidr is not an IPv6 range in CIDR notation"
	const v4Bounds, v6Bounds = "ipv4.perNodeMaskSize must lie between the prefix length of ipv4.cidr and 32",
		"ipv6.perNodeMaskSize must lie between the prefix length of ipv6.cidr and 128"
	const unequal = "must give each node the same number of addresses"
	tests := []struct {
		name               string
		ipv4, ipv6, labels map[string]any
		want               string // empty if the object is accepted
	}{
		{"of the documentation", v4, v6, nil, ""},
		{"for a pool", v4, v6, matchLabels("baremetal.cluster.gke.io/node-pool", "workers"), ""},
		{"for a node", cidrRange("192.168.1.0/24", 24), cidrRange("fd12::1:0/120", 120), matchLabels("example.com/rack", "1"), ""},
		{"a selector of nothing", v4, v6, map[string]any{}, ""},
		{"2^56 blocks of IPv6", cidrRange("10.0.0.0/8", 24), cidrRange("fd12:0:0:1::/64", 120), nil, ""},
		{"one address a node", cidrRange("10.0.0.0/31", 32), cidrRange("fd12::/127", 128), nil, ""},
		{"the longest text", v4, cidrRange("fd12:1234:1234:1234:1234:1234:1234:1200/120", 120), nil, ""},

		{"neither family", nil, nil, nil, "spec.ipv4: Required value"},
		{"neither family either", nil, nil, nil, "spec.ipv6: Required value"},
		{"IPv4 alone", v4, nil, nil, "spec.ipv6: Required value"},
		{"IPv6 alone", nil, v6, nil, "spec.ipv4: Required value"},
		{"no mask", map[string]any{"cidr": "192.168.0.0/16"}, v6, nil, "spec.ipv4.perNodeMaskSize: Required value"},
		{"IPv6 as IPv4", v6, v6, nil, notV4},
		{"IPv4 as IPv6", v4, v4, nil, notV6},
		{"an address", cidrRange("192.168.0.0", 24), v6, nil, notV4},
		{"a name", v4, cidrRange("pods", 120), nil, notV6},
		{"IPv4 in IPv6 notation", v4, cidrRange("::ffff:192.168.0.0/112", 120), nil, notV6},
		{"an interface", v4, cidrRange("fe80::%eth0/112", 120), nil, notV6},
		{"too many bits", cidrRange("192.168.0.0/33", 24), v6, nil, notV4},
		{"octets above 255", cidrRange("1000.2.0.0/16", 24), v6, nil, notV4},
		{"groups above ffff", v4, cidrRange("aaaaa:1:1::/112", 120), nil, notV6},
		{"a text too long", v4, cidrRange("fd12:1234:1234:1234:1234:1234:1234:1234/00120", 120), nil, "may not be more than 43"},
		{"bits after the prefix, IPv4", cidrRange("192.168.1.0/16", 24), v6, nil, "ipv4.cidr is not the beginning of a range"},
		{"bits after the prefix, IPv6", v4, cidrRange("fd12::1:1/112", 120), nil, "ipv6.cidr is not the beginning of a range"},
		{"an IPv4 block larger than the range", cidrRange("192.168.0.0/16", 15), cidrRange("fd12::/100", 111), nil, v4Bounds},
		{"an IPv6 block larger than the range", v4, cidrRange("fd12::1:0/122", 120), nil, v6Bounds},
		{"an IPv4 block smaller than an address", cidrRange("192.168.0.0/16", 33), v6, nil, v4Bounds},
		{"an IPv6 block smaller than an address", v4, cidrRange("fd12::1:0/112", 129), nil, "should be less than or equal to 128"},
		{"no block", cidrRange("192.168.0.0/16", 0), v6, nil, "should be greater than or equal to 1"},
		{"more IPv6 than IPv4", v4, cidrRange("fd12::1:0/112", 119), nil, unequal},
		{"more IPv4 than IPv6", cidrRange("192.168.0.0/16", 23), v6, nil, unequal},
		{"a key that is none", v4, v6, matchLabels("no spaces", "x"), "a key of matchLabels is not the name of a label"},
		{"an unknown selector", v4, v6, map[string]any{"matchExpressions": []any{}}, `unknown field "spec.nodeSelector.matchExpressions"`},
	}
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			object := cidrConfig(fmt.Sprintf("test-%d", i), test.ipv4, test.ipv6, test.labels)
			_, err := s.clusterCIDRConfigs(t).Create(t.Context(), object, metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict})
			wantError(t, err, test.want)
		})
	}
}

func (s *apiServer) testClusterCIDRConfigChanges(t *testing.T) {
	tests := []struct {
		field string
		value any
		want  string // empty if the object is accepted
	}{
		{"spec.ipv4.cidr", "10.0.0.0/16", "ipv4.cidr is immutable"},
		{"spec.ipv4.perNodeMaskSize", int64(25), "ipv4.perNodeMaskSize is immutable"},
		{"spec.ipv6.cidr", "fd12::9:0/112", "ipv6.cidr is immutable"},
		{"spec.ipv6.perNodeMaskSize", int64(121), "ipv6.perNodeMaskSize is immutable"},
		{"spec.nodeSelector", matchLabels("baremetal.cluster.gke.io/node-pool", "other"), ""},
		{"metadata.labels", map[string]any{"a": "b"}, ""},
	}
	resource := s.clusterCIDRConfigs(t)
	for i, test := range tests {
		t.Run(test.field, func(t *testing.T) {
			object := cidrConfig(fmt.Sprintf("change-%d", i), cidrRange("192.168.0.0/16", 24), cidrRange("fd12::1:0/112", 120), nil)
			created, err := resource.Create(t.Context(), object, metav1.CreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if err := setField(created, test.field, test.value); err != nil {
				t.Fatal(err)
			}
			_, err = resource.Update(t.Context(), created, metav1.UpdateOptions{})
			wantError(t, err, test.want)
		})
	}
}

func (s *apiServer) testClusterCIDRConfigStatus(t *testing.T) {
	resource := s.clusterCIDRConfigs(t)
	object := cidrConfig("with-status", cidrRange("192.168.0.0/16", 24), cidrRange("fd12::1:0/112", 120), nil)
	object.Object["status"] = map[string]any{"capacity": "1"}
	object, err := resource.Create(t.Context(), object, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if status, found := object.Object["status"]; found {
		t.Errorf("an author wrote the status %v", status)
	}
	object.Object["status"] = map[string]any{"capacity": "72057594037927936", "allocated": int64(3), "free": "72057594037927933"}
	if err := setField(object, "metadata.labels", map[string]any{"by": "status"}); err != nil {
		t.Fatal(err)
	}
	object, err = resource.UpdateStatus(t.Context(), object, metav1.UpdateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if capacity, _, _ := unstructured.NestedString(object.Object, "status", "capacity"); capacity != "72057594037927936" {
		t.Errorf("status.capacity is %q", capacity)
	}
	if len(object.GetLabels()) > 0 {
		t.Errorf("an update of the status changed the labels to %v", object.GetLabels())
	}
}

// clusterCIDRConfigs returns a client for the ClusterCIDRConfigs of the example dual-stack.
func (s *apiServer) clusterCIDRConfigs(tb testing.TB) dynamic.ResourceInterface {
	tb.Helper()
	object := &unstructured.Unstructured{}
	object.SetAPIVersion("baremetal.cluster.gke.io/v1alpha1")
	object.SetKind("ClusterCIDRConfig")
	object.SetNamespace("cluster-dual-stack")
	resource, err := s.resource(object)
	if err != nil {
		tb.Fatal(err)
	}
	return resource
}

// wantError fails the test unless err contains want. An empty want expects no error.
func wantError(tb testing.TB, err error, want string) {
	tb.Helper()
	switch {
	case want == "" && err != nil:
		tb.Errorf("refused: %v", err)
	case want != "" && err == nil:
		tb.Errorf("accepted, but should be refused: %s", want)
	case want != "" && !strings.Contains(err.Error(), want):
		tb.Errorf("refused, but does not say %q:\n%v", want, err)
	}
}

// setField sets one field of an object by its path.
func setField(object *unstructured.Unstructured, path string, value any) error {
	return unstructured.SetNestedField(object.Object, value, strings.Split(path, ".")...)
}
