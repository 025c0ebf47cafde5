// Package step has the steps that commands take on hosts, one file each: prepare the host, initialize or join it, start its load
// balancer, apply the manifests, wait. A step is a phase, or the plan of one: it reads a host and returns the actions that the
// host still needs (workflow.PlanFunc). Which steps a command takes, and in which order, is in the package of the command.
//
// The scripts of the steps are in the directory scripts. Those that call kubeadm run under a lock of the host: [Exclusive].
package step
