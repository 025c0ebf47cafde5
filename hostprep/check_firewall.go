package hostprep

import (
	"fmt"
	"slices"
)

func firewallChecks() []Check {
	return allIfReachable([]Check{
		{
			"firewalld", "firewalld either runs and can be told which ports to open, or is switched off for good.",
			"systemctl enable --now firewalld, or systemctl disable --now firewalld", checkFirewalld,
		},
		{
			"ipv6-rpfilter", "firewalld does not drop packets of pods: IPv6_rpfilter is no, in its file and in the running rules.",
			"nothing: create sets IPv6_rpfilter=no in /etc/firewalld/firewalld.conf and restarts firewalld", checkRPFilter,
		},
		{"selinux", "SELinux may be enforcing; it stays as it is.", "", checkSELinux},
		{
			"conflicting-firewall", "Nothing but firewalld filters packets.",
			"switch the other firewall off", checkOtherFirewalls,
		},
	})
}

func checkFirewalld(s *subject) verdict {
	unit := s.Facts.Units["firewalld"]
	switch {
	case unit.Active && s.Facts.Firewalld.Zones == nil:
		return failed("firewalld runs, but does not answer").withHint("look at: firewall-cmd --state, and systemctl status firewalld dbus polkit")
	case unit.Active:
		return passed("firewalld runs, and %s is in zone %s; create opens the ports", s.node.Interface, s.node.FirewalldZone)
	case unit.Enabled:
		return warning("firewalld is stopped, but starts with the next boot, without the cluster's ports")
	default:
		return passed("firewalld does not run")
	}
}

// checkRPFilter warns of what create changes. The documentation asks for it where SELinux is enabled on
// RHEL or CentOS; packets of pods are dropped wherever firewalld runs so.
func checkRPFilter(s *subject) verdict {
	unit, conf := s.Facts.Units["firewalld"], s.Facts.Firewalld
	off := conf.RPFilter == "no" || conf.RPFilter == "false"
	switch {
	case !unit.Active && !unit.Enabled:
		return passed("firewalld does not run")
	case off && conf.RPFilterRunning:
		return warning("IPv6_rpfilter is no, but firewalld runs with its rule still").withHint("systemctl restart firewalld")
	case off:
		return passed("IPv6_rpfilter is no")
	default:
		return warning("IPv6_rpfilter is %s, which drops packets of pods%s", conf.RPFilter, s.documentedRule())
	}
}

// documentedRule names the reason where it is the documentation's.
func (s *subject) documentedRule() string {
	isRHEL := slices.ContainsFunc(append(s.Facts.OS.Like, s.Facts.OS.ID), func(id string) bool {
		return id == "rhel" || id == "centos"
	})
	if isRHEL && s.Facts.SELinux != "disabled" {
		return fmt.Sprintf("; %s with SELinux enabled must not have it", s.Facts.OS.Name)
	}
	return ""
}

func checkSELinux(s *subject) verdict { return passed("SELinux is %s", s.Facts.SELinux) }

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
			withHint("remove them and take iptables-nft: iptables-legacy -F, then update-alternatives --set iptables /usr/sbin/iptables-nft"))
	}
	return combine(passed("nothing else filters packets"), findings)
}
