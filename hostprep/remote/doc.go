// Package remote runs scripts and writes files on hosts over SSH. It keeps one connection per host for the whole run,
// and needs nothing on the host but sh, coreutils, util-linux, gzip and, for users other than root, sudo.
//
// A [Pool] holds the connections. [Pool.Host] returns a [Host], which runs scripts, writes files, uploads and downloads.
// Planning takes only its [Reader] half, so that it cannot change a host.
//
// A [Script] travels over standard input and never in an argument. So no login shell has to parse it, no process list
// shows it, and no value needs quoting by hand. It reports its findings with the shell function answer; everything else
// that it prints is diagnostics. A random marker tells answers from banners and the output of login shells:
//
//	MOTD, .bashrc ...
//	<marker> begin kernel
//	6.1.0-31-amd64
//	<marker> end 0
//	<marker> done 0
//
// Failures are returned as an [Error], which has a reason (one of the Err values) and a hint, or as a [CommandError]
// when the script itself failed. [ErrUnreachable] matches every [Error].
package remote
