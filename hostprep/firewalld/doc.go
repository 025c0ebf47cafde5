// Package firewalld models the state of firewalld, the changes that are desired, and the difference between the two.
// All functions are pure; the state is read on a host elsewhere.
//
// firewalld has two configurations. The permanent one is stored in files and takes effect with a reload or a
// restart. The runtime one is in effect, and both of these operations drop it. [Missing] compares with both, so
// that a reload is only needed for changes that cannot be made at run time:
//
//	permanent   ──reload, restart──▶   at run time   ──▶   the kernel's rules
package firewalld
