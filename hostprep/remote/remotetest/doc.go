// Package remotetest supports tests of code that works on hosts.
//
// A [Host] is a strict fake. It accepts exactly the expected calls in their order, and fails the test on any other call and
// on any that is missing. Use it for code that makes decisions.
//
// A [Server] is an SSH server in the test's process, on the loopback interface. It executes commands with a local sh, and
// can misbehave in all the ways that hosts and networks do. Use it for code that runs scripts.
//
// A [Fleet] is a thousand SSH servers in one process. They execute nothing and reply with recorded answers. Use it for code
// that works on many hosts at once.
package remotetest
