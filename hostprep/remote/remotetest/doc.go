// Package remotetest is for tests of code that works on hosts.
//
// A [Host] is a strict fake: it takes exactly the calls that it was told to expect, in their order, and
// fails the test on any other, and on any that does not come. It is for code that decides.
//
// A [Server] is an SSH server in this process, on loopback, that really executes what it is told to
// with a local sh, and can be made to behave as badly as hosts and networks do. It is for code that
// runs scripts.
//
// A [Fleet] is a thousand SSH servers in one process, which execute nothing and say what was recorded. It
// is for code that works on many hosts at once.
package remotetest
