# Serves until standard input ends: it does so when whoever asked for this is gone, too.
# Arguments: directory and name of the program, port, zone of firewalld to open it in or nothing.
dir=$1 program=$2 port=$3 zone=$4
server=
opened=
end() {
	[ -z "$server" ] || kill "$server" || echo "the server ended before"
	[ -z "$opened" ] || firewall-cmd --quiet --zone="$zone" --remove-port="$port/tcp" || :
	rm -rf -- "$dir"
}
trap end EXIT
trap 'exit 1' HUP INT PIPE TERM
# In the running rules only, and not for long, whatever happens to this script.
if [ -n "$zone" ] && firewall-cmd --quiet --zone="$zone" --add-port="$port/tcp" --timeout=10m; then opened=yes; fi
"$dir/$program" -address=":$port" &
server=$!
cat >/dev/null
