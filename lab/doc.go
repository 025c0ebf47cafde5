// Package lab makes hosts that look like bare metal out of containers on this machine: systemd, sshd
// and firewalld, one L2 segment, and nothing of Kubernetes. They are there to try and to prove
// everything else on.
//
// The way of the data: a [Spec] gives [Host]s by plain arithmetic; [Lab.Observe] reads what there is
// from the container engine, the network and the hosts; [Changes] is the difference; [Lab.Up] makes
// it. No file remembers anything: labels on containers and volumes and the names of network
// interfaces do, so that a run that was killed anywhere leaves nothing that the next one does not see.
package lab
