// Package change brings one host to what it has to be, and no further.
//
// [Survey] reads the host in one round trip, [Plan] is pure and says what has to be done, and [Apply]
// does it. A plan without actions means that the host is as it has to be.
//
//	Survey ──▶ State ─┐
//	                  ├─▶ Plan ──▶ []Action ──▶ Apply
//	          Desired ┘
//
// What was there before is recorded on the host before it is changed, once: see [Record]. That includes
// what other programs change later, see [Aside]. [Undo] goes back to it. Everything can be cut off
// anywhere and started again: files appear under their names complete or not at all, and which services
// still have to be restarted is kept on the host, too.
//
// Nothing here switches firewalld, SELinux or swap off. What an operator opened or closed in firewalld
// until the next restart survives the restarts and reloads that are needed.
package change
