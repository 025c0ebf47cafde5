// Package refusal has the error of operations that dualstrap refuses because they would do damage. It is not for hosts that
// fail their checks, which can be ignored, but for what no option overrides: hosts of another cluster, immutable fields,
// etcd without a quorum, an unsigned bundle.
package refusal
