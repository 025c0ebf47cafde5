package allocator_test

import (
	"errors"
	"fmt"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/allocator"
)

func TestErrors(t *testing.T) {
	t.Parallel()
	many := make([]string, 1000)
	for i := range many {
		many[i] = fmt.Sprintf("c%03d 10.0.%d.%d/32>32 fd00::%x/128>128 {p=1}", i, i/256, i%256, i)
	}
	const full = "full 10.0.0.0/24>24 fd00::/120>120 {p=1}"
	for _, test := range []struct {
		name    string
		configs []string
		node    string
		want    string
	}{
		{
			"no configs", nil, "n",
			"no ClusterCIDRConfig matches node n: there are no ClusterCIDRConfigs; add one",
		},
		{
			"no match",
			[]string{full, "other 10.0.0.0/24>24 fd00::/120>120 {q=1}"},
			"n",
			"no ClusterCIDRConfig matches node n: all of full, other ask for labels it does not carry; " +
				"label the node, or add a config without a nodeSelector",
		},
		{
			"no match among many", many, "n",
			"no ClusterCIDRConfig matches node n: all of c000, c001, c002, c003, c004, c005, c006, c007 and 992 more " +
				"ask for labels it does not carry; " +
				"label the node, or add a config without a nodeSelector",
		},
		{
			"both families full",
			[]string{full},
			"n {p=1}",
			"no ClusterCIDRConfig has room for node n: full has no free /24 in 10.0.0.0/24, full has no free /120 in fd00::/120; " +
				"add a config with free ranges, or remove nodes",
		},
		{
			"several tried",
			[]string{full, "six 10.1.0.0/16>24 fd00::/120>120", "four 10.0.0.0/24>24 fd01::/112>120"},
			"n {p=1}",
			"no ClusterCIDRConfig has room for node n: full has no free /24 in 10.0.0.0/24, full has no free /120 in fd00::/120, " +
				"four has no free /24 in 10.0.0.0/24, six has no free /120 in fd00::/120; add a config with free ranges, or remove nodes",
		},
		{
			"many tried", many[:10], "n {p=1}",
			"no ClusterCIDRConfig has room for node n: c000 has no free /32 in 10.0.0.0/32, c000 has no free /128 in fd00::/128, " +
				"c001 has no free /32 in 10.0.0.1/32, c001 has no free /128 in fd00::1/128, " +
				"c002 has no free /32 in 10.0.0.2/32, c002 has no free /128 in fd00::2/128, " +
				"c003 has no free /32 in 10.0.0.3/32, c003 has no free /128 in fd00::3/128, " +
				"c004 has no free /32 in 10.0.0.4/32, c004 has no free /128 in fd00::4/128, " +
				"c005 has no free /32 in 10.0.0.5/32, c005 has no free /128 in fd00::5/128, " +
				"c006 has no free /32 in 10.0.0.6/32, c006 has no free /128 in fd00::6/128, " +
				"c007 has no free /32 in 10.0.0.7/32, c007 has no free /128 in fd00::7/128 and 2 more; " +
				"add a config with free ranges, or remove nodes",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a := newAllocator(t, configs(test.configs...))
			a.Add(parseNode(t, "holder [10.0.0.0/16 fd00::/116]"), parseNode(t, test.node))
			_, err := a.Allocate("n")
			if err == nil {
				t.Fatal("no error")
			}
			if diff := gocmp.Diff(test.want, err.Error()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestExhaustedErrorFields(t *testing.T) {
	t.Parallel()
	a := newAllocator(t, configs("c 10.0.0.0/16>24 fd00::/120>120"))
	a.Add(parseNode(t, "a [10.0.0.0/24 fd00::/120]"), parseNode(t, "b"))
	_, err := a.Allocate("b")
	var got *allocator.ExhaustedError
	if !errors.As(err, &got) {
		t.Fatalf("got %v", err)
	}
	want := &allocator.ExhaustedError{Node: "b", Tried: []allocator.Full{{Config: "c", Range: rangeOf("fd00::/120>120")}}}
	if diff := gocmp.Diff(want, got, comparers()...); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
