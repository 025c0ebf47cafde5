// Package workflow carries out phases on many hosts at once.
//
// A [Phase] is data: a name, one line of help, what it waits for, and a Plan that reads a host and
// says what must change there. What must change is a list of [Action], done one after the other. A
// plan without actions means that the host is as it should be, so a run can be cut off anywhere and
// started again.
//
// Every host goes through the phases at its own pace. Where the cluster needs more than that, a phase
// waits for others to be done on other hosts:
//
//	             probe    check    prepare       join
//	10.2.0.4  ├────────┼────────┼───────────┤
//	10.2.0.5  ├──┤     ├────────┼──────┤    ├──────────┤
//	10.2.0.6  ├─────┤  ├────────┼───────────┼──────────┤
//	              all probed             control plane prepared
//
// A host on which a phase fails is left as it is, and goes no further; what waits for it on other
// hosts is not reached.
package workflow
