// Package network lays the lab's L2 segment: a bridge of this machine's root network namespace, and a
// cable from it to each host, whose far end is the host's eth0. Nothing else of the machine's network
// is touched: no forwarding, no sysctls, no firewall.
//
// The names of the interfaces say that they are the lab's, and the bridge's alias says which lab's.
package network
