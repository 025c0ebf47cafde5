# firewalld_read ZONES POLICIES: what firewalld has of these and of the default zone, one name a line;
# with * it is everything. It asks the firewalld that runs, over its bus, and starts none: firewall-cmd
# takes twenty times as long. IFS is a line end, and globbing is off.

firewalld_bus=org.fedoraproject.FirewallD1
firewalld_object=/org/fedoraproject/FirewallD1

ask() {
	busctl --auto-start=no --timeout=60 --json=short call "$firewalld_bus" "$@"
}

# texts makes lines of {"type":"as","data":[["a","b"]]}.
texts() {
	sed -e '/\[\[\]\]/d' -e 's/^.*"data":\[*"//' -e 's/"\]*}$//' -e 's/","/\n/g'
}

# permanent KIND METHOD NAME INTERFACE GETTER: what lies in files of a zone or a policy.
permanent() {
	permanent_object=$(ask "$firewalld_object/config" "$firewalld_bus.config" "$2" s "$3" | texts)
	[ -n "$permanent_object" ] && ask "$permanent_object" "$firewalld_bus.config.$1" "$4"
}

# names RUNTIME_METHOD PERMANENT_METHOD INTERFACE
names() {
	{
		ask "$firewalld_object" "$firewalld_bus.$3" "$1" | texts
		ask "$firewalld_object/config" "$firewalld_bus.config" "$2" | texts
	} | sort -u
}

filters_paths() {
	nft list table inet firewalld | grep -qE 'fib saddr \. mark \. iif oif (missing|0) drop'
}

firewalld_read() {
	systemctl --quiet is-active firewalld.service || return 0
	read_zones=$1 read_policies=$2
	if [ "$read_zones" = '*' ]; then
		read_zones=$(names getZones getZoneNames zone)
		read_policies=$(names getPolicies getPolicyNames policy)
	fi
	default_zone=$(ask "$firewalld_object" "$firewalld_bus" getDefaultZone | texts)
	answer firewalld.default printf '%s' "$default_zone"
	answer firewalld.filters-paths filters_paths
	for each in $(printf '%s\n' $read_zones "$default_zone" | sort -u); do
		answer "runtime.zone.$each" ask "$firewalld_object" "$firewalld_bus.zone" getZoneSettings2 s "$each"
		answer "permanent.zone.$each" permanent zone getZoneByName "$each" getSettings2
	done
	for each in $read_policies; do
		answer "runtime.policy.$each" ask "$firewalld_object" "$firewalld_bus.policy" getPolicySettings s "$each"
		answer "permanent.policy.$each" permanent policy getPolicyByName "$each" getSettings
	done
}
