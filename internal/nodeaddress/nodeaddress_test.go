package nodeaddress_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/dualstrap/dualstrap/internal/nodeaddress"
)

func TestLabelsHoldAddresses(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{
		{"10.2.0.4", "fd12::2:4"}, {"0.0.0.0", "::"}, {"255.255.255.255", "2001:db8::"}, {"192.0.2.1", "::1"}, {"192.0.2.1", "::ffff:192.0.2.1"},
	} {
		want := []netip.Addr{netip.MustParseAddr(pair[0]), netip.MustParseAddr(pair[1])}
		labels := map[string]string{
			nodeaddress.LabelIPv4: nodeaddress.Value(want[0]), nodeaddress.LabelIPv6: nodeaddress.Value(want[1]), "other": "label",
		}
		for key, value := range labels {
			wrong := slices.Concat(validation.IsQualifiedName(key), validation.IsValidLabelValue(value))
			if len(wrong) > 0 {
				t.Errorf("%s=%s is no label: %v", key, value, wrong)
			}
		}
		got, err := nodeaddress.Of(labels)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%v become %v, %v", want, got, err)
		}
	}
}

// TestHostileAddressLabels tries labels that do not hold an address, or not in the form of Value.
func TestHostileAddressLabels(t *testing.T) {
	t.Parallel()
	const v6 = "fd12-0000-0000-0000-0000-0000-0002-0004"
	for _, test := range []struct{ v4, v6, want string }{
		{"", v6, "ipv4 is missing"},
		{"10.2.0.4", "", "ipv6 is missing"},
		{v6, v6, "not such an address"},
		{"10.2.0.4", "10.2.0.4", "not such an address"},
		{"10.2.0.4", "fd12--2-4", "not such an address"},
		{"10.2.0.4", strings.ToUpper(v6), "not such an address"},
		{"worker", v6, "not such an address"},
		{"010.2.0.4", v6, "not such an address"},
	} {
		t.Run(fmt.Sprintf("%q and %q", test.v4, test.v6), func(t *testing.T) {
			t.Parallel()
			labels := map[string]string{nodeaddress.LabelIPv4: test.v4, nodeaddress.LabelIPv6: test.v6}
			for key, value := range labels {
				if value == "" {
					delete(labels, key)
				}
			}
			if got, err := nodeaddress.Of(labels); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v give %v, %v; want an error with %q", labels, got, err, test.want)
			}
		})
	}
}
