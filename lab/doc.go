// Package lab creates hosts that look like bare metal from containers on this machine. They run systemd, sshd and
// firewalld, share one L2 segment, and have nothing of Kubernetes installed. Clusters are tried and tested on them.
//
// Data flows as follows. A [Spec] determines [Host]s by arithmetic alone. [Lab.Observe] reads the current state from the
// container engine, the network and the hosts. [Changes] computes the difference, and [Lab.Up] applies it. No state file is
// kept: labels on containers and volumes, and names of network interfaces, identify everything. So the next run sees all
// that an interrupted run left behind.
package lab
