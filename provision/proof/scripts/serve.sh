# Serves until standard input ends, which happens as well when the connection to the caller breaks.
# Arguments:
#   dir: directory of the program, which is removed at the end
#   program: name of the program
#   port: port to listen at
#   zone: firewalld zone in which to open the port, or empty
server=
opened=
end() {
	[ -z "$server" ] || kill "$server" || echo "the server ended before"
	[ -z "$opened" ] || firewall-cmd --quiet --zone="$zone" --remove-port="$port/tcp" || :
	rm -rf -- "$dir"
}
trap end EXIT
trap 'exit 1' HUP INT PIPE TERM
# The port is opened in the running rules only, and with a timeout: if this script is killed, firewalld closes it.
if [ -n "$zone" ] && firewall-cmd --quiet --zone="$zone" --add-port="$port/tcp" --timeout=10m; then opened=yes; fi
"$dir/$program" -address=":$port" &
server=$!
cat >/dev/null
