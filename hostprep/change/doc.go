// Package change brings a single host to its desired state and leaves everything else on it alone.
//
// [Survey] reads the host in one round trip, [Plan] is a pure function that computes the actions that are
// needed, and [Apply] performs them. An empty plan means that the host is already in its desired state.
//
//	Survey ──▶ State ─┐
//	                  ├─▶ Plan ──▶ []Action ──▶ Apply
//	          Desired ┘
//
// The previous state of everything that is changed is recorded on the host, once, before the change is
// made: see [Record]. That includes what other programs will change later: see [Baseline]. [Undo] restores
// the recorded state. Every operation may be interrupted at any point and started again: files appear under
// their final names complete or not at all, and the host also keeps the list of services whose restart is
// still pending.
//
// This package never switches firewalld, SELinux or swap off. Settings that an operator made in firewalld's
// runtime configuration only survive the restarts and reloads that dualstrap needs.
package change
