// Package controller assigns podCIDRs to the Nodes of a running cluster, and approves the serving certificates that
// their kubelets request. Once the cluster runs, it is the only writer of node.spec.podCIDRs.
//
// Several instances may run, of which one leads. A new leader lists all Nodes from the API server rather than from a
// cache, and records what they hold before it assigns anything. From then on it works like this:
//
//	Nodes ──────────────┐
//	ClusterCIDRConfigs ─┤ observe       assign            write
//	ServiceCIDRs ───────┴────────> ledger ────> promises ────> Node.spec.podCIDR, podCIDRs
//	                                 │  ^                        │
//	    Events, status, metrics <────┘  └── the response, or another read of the Node
//
// All decisions about what to assign are made in one place, one at a time: in package ledger, on top of package
// allocator, which also made the plan. Writes run concurrently, because they mostly wait for the API server.
//
// # Serving certificates
//
// A kubelet with serverTLSBootstrap requests a serving certificate with a CertificateSigningRequest, when it starts and
// again before the certificate expires. The leader approves those requests in which a node asks for its own name and
// addresses, which package serving checks; kube-controller-manager signs them. Kubelets that sign their own
// certificates make no such requests, and nothing is done for them.
//
// # Reserved ranges
//
// Addresses of Services must not be assigned to pods. Their ranges are read from the ServiceCIDR objects of
// networking.k8s.io/v1, because the API server itself allocates from those: it creates one from its flags, and
// administrators may add more at any time. The Cluster object only records what the cluster was created with.
//
// # Two leaders
//
// A leader that cannot renew its lease stops at most ten seconds after the last renewal (renewDeadline and one
// retryPeriod), and its last write ends four seconds later (writeTimeout), here and in the API server. No other
// instance leads before fifteen seconds (leaseDuration) have passed, so the writes of two leaders never overlap.
package controller
