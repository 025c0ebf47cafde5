# firewalld PERMANENT RUNTIME HOW BACK: makes changes. PERMANENT, RUNTIME and BACK are calls of
# firewall-cmd, one argument a line and an empty line after each call. HOW is restart, reload or
# nothing; BACK is what is at run time now and would be lost by it.
lock_shared
permanent=$1 runtime=$2 how=$3 back=$4

# each CALLS [COMMAND...]: makes the calls, and runs the command where one fails.
each() {
	each_calls=$1 each_failed=$2
	set --
	while IFS= read -r line; do
		if [ -n "$line" ]; then
			set -- "$@" "$line"
		elif [ $# -gt 0 ]; then
			progress
			firewall-cmd --quiet "$@" </dev/null || "$each_failed" "$@"
			set --
		fi
	done <<END
$each_calls

END
}
give_up() {
	echo "firewall-cmd $* failed" >&2
	exit 1
}
go_on() { echo "firewall-cmd $* failed"; }

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

# From here to the end nobody stops this, not even by going away: what is to be put back would be lost.
# Should the host itself stop it, the next run finds what there was.
mkdir -p "$state"
if [ -n "$back" ]; then
	{ cat /proc/sys/kernel/random/boot_id && printf '%s\n' "$back"; } >"$state/put-back.new"
	mv "$state/put-back.new" "$state/put-back"
fi
trap '' HUP INT PIPE TERM
log=$(mktemp -p /run dualstrap-firewalld.XXXXXXXXXX)
status=0
take_effect >"$log" 2>&1 || status=$?
cat "$log" >&2 || :
rm -f "$log"
exit "$status"
