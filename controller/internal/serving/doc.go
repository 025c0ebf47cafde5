// Package serving checks the certificate signing requests in which kubelets ask for serving certificates.
//
// The requester is the user that the API server recorded for the request, which authenticated with a node's client
// certificate. The names that it may ask for are those that its kubelet cannot have written: the name of its Node, and
// the addresses in the labels of package nodeaddress. Addresses in a Node's status prove nothing, because the kubelet
// writes them.
//
//	request ── Parse ──> requester and names ── Check ──> nil, or the reason against it
//	                                              ^
//	       its Node, other Nodes, API servers, Services
//
// A request is approved or left alone, and never denied. A denial is final, while the reason may be transient: a Node
// whose labels are set a moment later, an address that two Nodes have. A kubelet also makes another request within a
// minute after a denial, but only after a quarter of an hour while its request is pending, and another approver in the
// cluster may approve what is not approved here. Kubernetes removes requests that are pending for a day.
package serving
