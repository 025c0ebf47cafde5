# firewalld_read ZONES POLICIES: reads the settings of these zones and policies, one name per line, and of the
# default zone. * stands for all of them. It queries the running firewalld over D-Bus and does not start one:
# firewall-cmd takes twenty times as long. The caller has set IFS to a line end, and globbing off.
# shellcheck source=hostprep/remote/scripts/change_lock.sh
# shellcheck source=hostprep/change/scripts/state.sh

firewalld_bus=org.fedoraproject.FirewallD1
firewalld_object=/org/fedoraproject/FirewallD1

# ask OBJECT INTERFACE METHOD [SIGNATURE ARGUMENT]: calls a method of firewalld and prints the reply as JSON.
ask() {
	busctl --auto-start=no --timeout=60 --json=short call "$firewalld_bus" "$@"
}

# texts converts {"type":"as","data":[["a","b"]]} to one text per line.
texts() {
	sed -e '/\[\[\]\]/d' -e 's/^.*"data":\[*"//' -e 's/"\]*}$//' -e 's/","/\n/g'
}

# permanent KIND METHOD NAME GETTER: prints the permanent settings of a zone or a policy. METHOD finds its object
# by its name, GETTER reads the settings.
permanent() {
	permanent_object=$(ask "$firewalld_object/config" "$firewalld_bus.config" "$2" s "$3" | texts)
	[ -n "$permanent_object" ] && ask "$permanent_object" "$firewalld_bus.config.$1" "$4"
}

# names RUNTIME_METHOD PERMANENT_METHOD INTERFACE: prints the names of all zones or policies, whether they exist
# at run time or only permanently.
names() {
	{
		ask "$firewalld_object" "$firewalld_bus.$3" "$1" | texts
		ask "$firewalld_object/config" "$firewalld_bus.config" "$2" | texts
	} | sort -u
}

# filters_paths succeeds if the rule of IPv6_rpfilter is in the kernel.
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
	# shellcheck disable=SC2086 # one item per word
	for each in $(printf '%s\n' $read_zones "$default_zone" | sort -u); do
		answer "runtime.zone.$each" ask "$firewalld_object" "$firewalld_bus.zone" getZoneSettings2 s "$each"
		answer "permanent.zone.$each" permanent zone getZoneByName "$each" getSettings2
	done
	for each in $read_policies; do
		answer "runtime.policy.$each" ask "$firewalld_object" "$firewalld_bus.policy" getPolicySettings s "$each"
		answer "permanent.policy.$each" permanent policy getPolicyByName "$each" getSettings
	done
}
