// Package remote is how everything on hosts is reached: over SSH, one connection per host for the
// whole run, nothing installed on the host but sh, coreutils, gzip and sudo.
//
// A [Pool] holds the connections. [Pool.Host] gives a [Host], which runs scripts, writes files and
// uploads; planning takes only its [Reader] half, so that it cannot change a host.
//
// A [Script] travels over standard input and never in an argument, so that no login shell has to
// understand it, no process list shows it, and no value needs quoting by hand. It says what it found
// with the shell function answer; all else it prints is diagnostics. Banners and what login shells
// print are told apart from answers by a random marker:
//
//	MOTD, .bashrc ...
//	<marker> begin kernel
//	6.1.0-31-amd64
//	<marker> end 0
//	<marker> done 0
//
// What goes wrong is an [Error] with a reason, which is one of the Err values, and a hint, or a
// [CommandError]. ErrUnreachable stands for all reasons for which a host cannot be worked on at all.
package remote
