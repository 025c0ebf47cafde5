// Package workflow runs phases on many hosts at once.
//
// A [Phase] is data: a name, one line of help, the phases that it depends on, and a Plan that reads a host and returns
// the changes that it needs, as a list of [Action] to be done in order. A plan without actions means that the host is in
// the desired state, so a run can be interrupted anywhere and started again.
//
// Every host goes through the phases at its own pace. Where the cluster needs an order across hosts, a phase waits until
// others are done on other hosts:
//
//	             probe    check    prepare       join
//	10.2.0.4  ├────────┼────────┼───────────┤
//	10.2.0.5  ├──┤     ├────────┼──────┤    ├──────────┤
//	10.2.0.6  ├─────┤  ├────────┼───────────┼──────────┤
//	              all probed             control plane prepared
//
// A host on which a phase fails is left as it is, and skips its remaining phases. Phases of other hosts that depend on the
// failed one are not reached.
package workflow
