// Package create creates a cluster from manifests, or reconciles an existing one with them. [Run] takes the steps, [Phases] is
// the list of what happens to hosts, with a picture of what waits for what. A run that is repeated continues an interrupted
// one, repairs what differs, and otherwise changes nothing.
//
// What create cannot change on a running cluster is compared first, and refused: versions, immutable fields, and settings
// that kubeadm writes only once.
package create
