// Package kernel reads and changes what a node's kernel knows of the pod network: links, addresses,
// routes and neighbour proxies over rtnetlink, address translation and source validation over nftables,
// and sysctls.
//
// What the node agent makes carries its number, [Protocol], or stands in a table of its own, [Table].
// So it finds its own again after a restart, and leaves alone what others made.
package kernel
