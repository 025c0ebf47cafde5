// Package kernel reads and changes the parts of a node's kernel that form the pod network: links, addresses, routes and
// neighbour proxies over rtnetlink, address translation and source validation over nftables, and sysctls.
//
// Routes and proxies of the node agent carry its protocol number, [Protocol], and its rules are in a table of its own,
// [Table]. That is how the agent recognizes its configuration after a restart, and leaves that of other programs alone.
package kernel
