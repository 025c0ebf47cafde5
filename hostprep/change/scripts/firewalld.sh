# Changes firewalld. Calls are of firewall-cmd, or begin with the word busctl; they have one word per line, and an empty
# line after each call.
# Arguments:
#   permanent: calls that change the permanent settings
#   runtime: calls that change the settings at run time
#   how: restart, reload, or empty if neither is needed
#   back: calls that restore the runtime settings that the restart or reload drops
# shellcheck source=hostprep/remote/scripts/change_lock.sh
# shellcheck source=hostprep/change/scripts/state.sh
lock_shared

# make_call ARGUMENT...: makes a call of firewall-cmd, or one of busctl, which begins with that word.
make_call() {
	case $1 in
	busctl) "$@" ;;
	*) firewall-cmd --quiet "$@" ;;
	esac
}

# each CALLS COMMAND: makes the calls. For each call that fails, it runs the command with the call's arguments.
each() {
	each_calls=$1 each_failed=$2
	set --
	while IFS= read -r line; do
		if [ -n "$line" ]; then
			set -- "$@" "$line"
		elif [ $# -gt 0 ]; then
			progress
			make_call "$@" </dev/null >/dev/null || "$each_failed" "$@" # stdin is the list of calls
			set --
		fi
	done <<END
$each_calls

END
}
give_up() {
	go_on "$@" >&2
	exit 1
}
go_on() {
	case $1 in
	busctl) echo "$* failed" ;;
	*) echo "firewall-cmd $* failed" ;;
	esac
}

take_effect() {
	case $how in
	restart) systemctl restart firewalld.service || return ;;
	reload) firewall-cmd --quiet --reload || return ;;
	esac
	each "$back" go_on
	rm -f "$state/put-back" "$state/restart/firewalld.service"
}

each "$permanent" give_up
each "$runtime" give_up

# From here to the end the script ignores signals, also those of a lost connection: an interruption would lose the
# runtime settings that have to be restored. If the process is killed nevertheless, the next run finds them in
# put-back. The boot ID marks them as stale after a reboot.
mkdir -p "$state"
if [ -n "$back" ]; then
	{ cat /proc/sys/kernel/random/boot_id && printf '%s\n' "$back"; } >"$state/put-back.new"
	mv "$state/put-back.new" "$state/put-back"
fi
trap '' HUP INT PIPE TERM
# Writing to a lost connection would fail, so the output goes to a file first.
log=$(mktemp -p /run dualstrap-firewalld.XXXXXXXXXX)
status=0
take_effect >"$log" 2>&1 || status=$?
cat "$log" >&2 || :
rm -f "$log"
exit "$status"
