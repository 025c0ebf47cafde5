// Package network creates the lab's L2 segment: a bridge in this machine's network namespace, and a veth link from it to each
// host, whose far end is the host's eth0. It changes nothing else of the machine's network: no forwarding, no sysctls, no
// firewall.
//
// The names of the interfaces mark them as the lab's. The alias of the bridge holds the name of the lab that owns it.
package network
