// Package firewalld knows what a firewalld has, what it is asked for, and what is missing: pure
// functions over what was read on a host.
//
// firewalld keeps everything twice. What is permanent lies in files and takes effect with a reload or
// a restart; what is at run time is in effect, and is lost with either. [Missing] asks for both at
// once, so that nothing waits for a reload that can be had without one:
//
//	permanent   ──reload, restart──▶   at run time   ──▶   the kernel's rules
package firewalld
