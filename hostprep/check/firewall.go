package check

import "fmt"

// rpfilterHint describes what create does about IPv6_rpfilter.
const rpfilterHint = "create will set IPv6_rpfilter=no in /etc/firewalld/firewalld.conf and restart firewalld"

// firewallChecks returns the checks of firewalld, SELinux and other packet filters.
func firewallChecks() []Check {
	return allIfReachable([]Check{
		{
			"firewalld", "firewalld either runs and can be told which ports to open, or is switched off for good.",
			"systemctl enable --now firewalld, or systemctl disable --now firewalld", checkFirewalld,
		},
		{
			"ipv6-rpfilter", "firewalld does not drop packets of pods: IPv6_rpfilter is no, in its file and in the running rules.",
			rpfilterHint, checkRPFilter,
		},
		{"selinux", "SELinux may be enforcing; it is left as it is.", "", checkSELinux},
		{
			"conflicting-firewall", "Nothing but firewalld filters packets.",
			"switch the other firewall off", checkOtherFirewalls,
		},
	})
}

// checkFirewalld fails if firewalld runs but cannot be controlled, which the probe notices when it asks for zones over
// D-Bus. A firewalld that only starts at the next boot would block the cluster's ports then.
func checkFirewalld(s *subject) verdict {
	unit := s.Facts.Units["firewalld"]
	switch {
	case unit.Active && s.Facts.Firewalld.Zones == nil:
		return failed("firewalld runs, but does not answer").withHint("firewall-cmd --state, and systemctl status firewalld dbus polkit")
	case unit.Active:
		return passed("firewalld runs, and %s is in zone %s; create opens the ports", s.node.Interface, s.node.FirewalldZone)
	case unit.Enabled:
		return warning("firewalld is stopped, but starts at the next boot, without the cluster's ports")
	default:
		return passed("firewalld does not run")
	}
}

// checkRPFilter warns about a setting that create changes. The documentation of Google Distributed Cloud requires the
// change on RHEL and CentOS with SELinux enabled, but the filter drops packets of pods on every distribution.
func checkRPFilter(s *subject) verdict {
	unit, conf := s.Facts.Units["firewalld"], s.Facts.Firewalld
	off := conf.RPFilter == "no" || conf.RPFilter == "false" // firewalld accepts both
	switch {
	case !unit.Active && !unit.Enabled: // a firewalld that is only stopped would load its rules at the next boot
		return passed("firewalld does not run")
	case off && conf.RPFilterRunning:
		return warning("IPv6_rpfilter is no, but the running firewalld still has its rule").withHint("systemctl restart firewalld")
	case off:
		return passed("IPv6_rpfilter is no")
	default:
		return warning("IPv6_rpfilter is %s, which drops packets of pods%s", conf.RPFilter, s.documentedRule()).
			resolvedByCreate(rpfilterHint)
	}
}

// documentedRule returns the rule of the documentation, for the end of a message, on hosts to which it applies.
func (s *subject) documentedRule() string {
	os := s.Facts.OS
	if s.Facts.Family().RequiresRPFilterOff(os.IDs()...) && s.Facts.SELinux != "disabled" {
		return fmt.Sprintf("; on %s with SELinux enabled it has to be no", os.Name)
	}
	return ""
}

// checkSELinux always passes: it only reports the mode.
func checkSELinux(s *subject) verdict { return passed("SELinux is %s", s.Facts.SELinux) }

// checkOtherFirewalls fails for ufw, whose default policy drops forwarded packets. Services that load a fixed set of
// rules only get a warning: they flush the cluster's rules when they are restarted.
func checkOtherFirewalls(s *subject) verdict {
	var findings []verdict
	if s.Facts.UFW {
		findings = append(findings, failed("ufw is on, and drops what is forwarded to pods").withHint("ufw disable"))
	}
	for _, unit := range []string{"nftables", "iptables", "ip6tables"} {
		if s.Facts.Units[unit].Active {
			findings = append(findings, warning("%s.service is on: when it is restarted, the cluster's rules are gone", unit).
				withHint("systemctl disable --now %s", unit))
		}
	}
	if s.Facts.LegacyTables {
		findings = append(findings, warning("iptables-legacy has rules, which apply beside those of nftables").
			withHint("remove them and use iptables-nft: iptables-legacy -F, then update-alternatives --set iptables /usr/sbin/iptables-nft"))
	}
	return combine(passed("nothing else filters packets"), findings)
}
