// Package clustertest simulates a cluster in memory, for tests of what happens in which order: hosts that understand the
// scripts of dualstrap, with a kubeadm, an API server and an etcd that behave as the real ones where dualstrap relies on
// them. Nothing is executed, and nothing listens on a network.
//
// Host scripts and manifests are tested elsewhere, on real hosts. What the simulation does not know fails the test, so that
// a new script gets its behavior here as well.
package clustertest
