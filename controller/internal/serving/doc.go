// Package serving judges certificate signing requests of kubelets for the certificates that they serve with.
//
// Who asks is what the API server says of the client that made the request: a node's own certificate. What it may ask
// for is what its kubelet cannot have written: the name of its Node and the addresses in the labels of package
// nodeaddress. Addresses in a Node's status are no evidence, because the kubelet writes them.
//
//	request ── Parse ──> who asks, for which names ── Judge ──> approved, or why not
//	                                                    ^
//	             its Node, other Nodes, API servers, Services
//
// A request is approved or left alone, and never denied. A denial is for good, and a reason may pass: a Node whose labels
// come a moment later, an address that two Nodes have. A kubelet also asks again within a minute after a denial, and
// only after a quarter of an hour while its request is pending, and somebody else in the cluster may approve what is not
// approved here. Requests that nobody decides are removed by Kubernetes after a day.
package serving
