package controller

import (
	"fmt"
	"math/big"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dualstrap/dualstrap/allocator"
	"github.com/dualstrap/dualstrap/api/v1alpha1"
)

// The types of the conditions of a ClusterCIDRConfig, and their reasons. They are those of Google's controller, so that
// what watches them there works here as well. Only reasonInvalid is dualstrap's own.
const (
	conditionActive      = "active"
	conditionTerminating = "terminating"

	reasonAvailable = "valid_available_cidr"
	reasonExhausted = "cidr_exhausted"
	reasonInUse     = "cidr_in_use"
	reasonInvalid   = "invalid_cidr"
)

// describe updates the status of a ClusterCIDRConfig, and reports whether that changed it. usage is that of its two
// ranges, IPv4 first, or empty if they are invalid.
func describe(c *v1alpha1.ClusterCIDRConfig, usage []allocator.Usage) bool {
	before := c.Status.DeepCopy()
	condition := activity(c, usage)
	// Clients wait for the generation that they have written.
	condition.ObservedGeneration = c.Generation
	meta.SetStatusCondition(&c.Status.Conditions, condition)
	if len(usage) == 2 {
		v4, v6 := usage[0], usage[1]
		// A node needs a block of each family, so the smaller range limits the number of nodes.
		c.Status.Capacity = smaller(v4.Blocks, v6.Blocks).String()
		c.Status.Allocated = int64(v4.Nodes)
		c.Status.Free = smaller(v4.Free, v6.Free).String()
		c.Status.IPv4, c.Status.IPv6 = rangeUsage(v4), rangeUsage(v6)
	}
	if c.DeletionTimestamp != nil {
		meta.SetStatusCondition(&c.Status.Conditions, metav1.Condition{
			Type:               conditionTerminating,
			Status:             metav1.ConditionTrue,
			Reason:             reasonInUse,
			Message:            "it is removed when no node holds blocks of its ranges any more",
			ObservedGeneration: c.Generation,
		})
	}
	return !equality.Semantic.DeepEqual(before, &c.Status)
}

// activity returns the condition that says whether nodes get blocks of a ClusterCIDRConfig.
func activity(c *v1alpha1.ClusterCIDRConfig, usage []allocator.Usage) metav1.Condition {
	inactive := metav1.Condition{Type: conditionActive, Status: metav1.ConditionFalse}
	if _, err := allocatorConfig(c); err != nil {
		inactive.Reason, inactive.Message = reasonInvalid, err.Error()
		return inactive
	}
	// One exhausted range is enough, because a node needs a block of each family.
	for _, u := range usage {
		if u.Free.Sign() == 0 {
			inactive.Reason = reasonExhausted
			inactive.Message = fmt.Sprintf("%s has no free /%d", u.Range.CIDR, u.Range.NodeMask)
			return inactive
		}
	}
	if c.DeletionTimestamp != nil {
		inactive.Reason, inactive.Message = reasonInUse, "it is being deleted, and nodes get no more of its blocks"
		return inactive
	}
	return metav1.Condition{
		Type:    conditionActive,
		Status:  metav1.ConditionTrue,
		Reason:  reasonAvailable,
		Message: "nodes get blocks of its ranges",
	}
}

// rangeUsage formats numbers that may exceed 64 bits, such as those of an IPv6 range.
func rangeUsage(u allocator.Usage) *v1alpha1.RangeUsage {
	return &v1alpha1.RangeUsage{Blocks: u.Blocks.String(), Allocated: u.Allocated.String(), Free: u.Free.String()}
}

// smaller returns the smaller of two numbers.
func smaller(a, b *big.Int) *big.Int {
	if a.Cmp(b) < 0 {
		return a
	}
	return b
}
