# What one host sees of the network around it. Each argument is one thing to try; all are tried at once,
# and each says what came of it in one line. What is sent is what any host sends all the time.

# reach ADDRESS SOURCE SIZE PORT: an echo of SIZE bytes that may not be split, else a small one, else
# whether anybody there speaks TCP, since echoes are filtered in places.
reach() {
	if ping -nq -c 1 -W 1 -M "do" -s "$3" -I "$2" "$1" >/dev/null 2>&1; then
		echo "reach $1 whole"
	elif ping -nq -c 3 -i 0.2 -W 1 -I "$2" "$1" >/dev/null 2>&1; then
		if ping -nq -c 3 -i 0.2 -W 1 -M "do" -s "$3" -I "$2" "$1" >/dev/null 2>&1; then
			echo "reach $1 whole"
		else
			echo "reach $1 small"
		fi
	else
		echo "reach $1 $(dial "$1" "$4")"
	fi
}

# dial ADDRESS PORT prints open, refused, filtered when nothing comes back, or unknown without bash.
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

connect() {
	echo "connect $1 $2 $(dial "$1" "$2")"
}

# neighbours INTERFACE PATIENCE ADDRESS... asks who has the addresses, as sending to them does, and waits until the
# kernel knows or has asked often enough: PATIENCE tenths of a second.
neighbours() {
	interface=$1 patience=$2
	shift 2
	# What the kernel remembers it believes in for up to a minute after it has ceased to be true.
	known "$interface" "$@" | while read -r _ address state; do
		case $state in
		*PERMANENT* | *NOARP*) ;; # somebody has set it
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

known() {
	interface=$1
	shift
	ip neighbour show dev "$interface" | while read -r address state; do
		case " $* " in
		*" $address "*) echo "neighbour $address $state" ;;
		esac
	done
}

all() {
	for task in "$@"; do
		$task & # one word of it is the function, the others are addresses and numbers
	done
	wait
}

answer network all "$@"
