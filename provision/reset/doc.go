// Package reset reverts what create did: on all hosts of a cluster, or on some nodes, which leave the cluster first. Hosts get
// their previous state back from the record that the preparation wrote (package hostprep/change).
//
// A node leaves in this order, and a run that is repeated continues after the step that was interrupted:
//
//	cordon → drain → leave etcd → stop the kubelet, delete the Node → end the pods → restore the host
package reset
