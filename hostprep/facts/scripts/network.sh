# Probes the network around one host. All probes run concurrently, and each prints its results, one per line. The packets
# are of kinds that hosts send all the time: echo requests, TCP connections, and ARP and neighbour solicitations.
# Arguments:
#   tasks: probes, one per line: reach, connect or neighbours with its arguments, as below

# reach ADDRESS SOURCE SIZE PORT: sends an echo request of SIZE bytes that may not be fragmented, else small ones. If
# neither is answered, it tries a TCP connection, because some networks filter echo requests.
reach() {
	if ping -nq -c 1 -W 1 -M "do" -s "$3" -I "$2" "$1" >/dev/null 2>&1; then
		echo "reach $1 whole"
	elif ping -nq -c 3 -i 0.2 -W 1 -I "$2" "$1" >/dev/null 2>&1; then
		# The first packet of full size may have been lost for another reason.
		if ping -nq -c 3 -i 0.2 -W 1 -M "do" -s "$3" -I "$2" "$1" >/dev/null 2>&1; then
			echo "reach $1 whole"
		else
			echo "reach $1 small"
		fi
	else
		echo "reach $1 $(dial "$1" "$4")"
	fi
}

# dial ADDRESS PORT: prints open, refused, filtered if nothing answers, or unknown if bash or timeout are missing.
dial() {
	if ! command -v bash >/dev/null || ! command -v timeout >/dev/null; then
		echo unknown
		return
	fi
	# shellcheck disable=SC2016 # the variables are bash's
	said=$(timeout 10 bash -c 'exec 9<>"/dev/tcp/$0/$1"' "$1" "$2" 2>&1) && status=0 || status=$?
	case $status:$said in
	0:*) echo open ;;
	*refused*) echo refused ;;
	*) echo filtered ;;
	esac
}

# connect ADDRESS PORT: tries a TCP connection.
connect() {
	echo "connect $1 $2 $(dial "$1" "$2")"
}

# neighbours INTERFACE PATIENCE ADDRESS...: makes the kernel resolve the addresses by sending a packet to each, and
# waits until it has an answer for all of them, or for PATIENCE tenths of a second. It prints the resulting entries of
# the neighbour table.
neighbours() {
	interface=$1 patience=$2
	shift 2
	# The kernel may trust an entry for up to a minute after it has become wrong, so old entries are removed first.
	known "$interface" "$@" | while read -r _ address state; do
		case $state in
		*PERMANENT* | *NOARP*) ;; # configured by an administrator
		*) ip neighbour delete "$address" dev "$interface" || : ;;
		esac
	done
	# shellcheck disable=SC2016 # the variables are bash's
	bash -c 'for address; do printf . 2>/dev/null >"/dev/udp/$address/9"; done' bash "$@" 2>/dev/null || :
	tries=0
	while
		table=$(known "$interface" "$@")
		case $table in
		*INCOMPLETE*) [ $tries -lt "$patience" ] ;;
		*) false ;;
		esac
	do
		tries=$((tries + 1))
		sleep 0.1
	done
	[ -z "$table" ] || printf '%s\n' "$table"
}

# known INTERFACE ADDRESS...: prints the entries of the neighbour table for the addresses.
known() {
	interface=$1
	shift
	ip neighbour show dev "$interface" | while read -r address state; do
		case " $* " in
		*" $address "*) echo "neighbour $address $state" ;;
		esac
	done
}

# all runs the probes concurrently.
all() {
	IFS='
'
	for task in $tasks; do
		unset IFS
		$task & # unquoted: the first word is a function above, the others are its arguments
	done
	wait
}

answer network all
