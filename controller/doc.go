// Package controller gives the Nodes of a running cluster their podCIDRs, and approves the certificates that their
// kubelets serve with. It is the one owner of node.spec.podCIDRs once the cluster is there.
//
// Several instances may run; one leads. A new leader reads all Nodes from the API server, not from a
// cache, and books what they hold before it hands anything out. From then on it works like this:
//
//	Nodes ──────────────┐
//	ClusterCIDRConfigs ─┤ observe       assign            write
//	ServiceCIDRs ───────┴────────> ledger ────> promises ────> Node.spec.podCIDR, podCIDRs
//	                                 │  ^                        │
//	    Events, status, metrics <────┘  └── the answer, or a new look at the Node
//
// What to hand out is decided in one place, one decision at a time: package ledger, on top of package
// allocator, which also made the plan. Writes run side by side, since they mostly wait.
//
// # Serving certificates
//
// A kubelet that is told so (serverTLSBootstrap) asks for a certificate with a CertificateSigningRequest, when it starts
// and again before the certificate ends. The leader approves those in which a node asks for its own name and addresses,
// which package serving judges; kube-controller-manager signs them. Where kubelets make their own certificates there are
// no such requests, and nothing is done.
//
// # Reserved ranges
//
// Addresses of Services must not become those of pods. Their ranges are read from the ServiceCIDR
// objects of networking.k8s.io/v1, which are what the API server itself allocates from: it makes one
// of its flags, and administrators may add more at any time. The Cluster object only tells what the
// cluster was created with.
//
// # Two leaders
//
// A leader that cannot renew its lease stops ten seconds after the last renewal at the latest, and its
// last write ends four seconds later, here and in the API server. Nobody else leads for fifteen.
package controller
