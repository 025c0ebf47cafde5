# Takes the control plane's VIP off this host. A keepalived that was killed leaves it there, and whatever the host sends
# to it never leaves the host. $1 is the VIP.
ip -o address show to "$1" | while read -r _ link _ address _; do
	ip address delete "$address" dev "$link"
done
