package cmd

import (
	"fmt"
	"net/netip"
	"strings"
)

// hostGroup holds hosts about which there is the same to say.
type hostGroup struct {
	hosts []netip.Addr
	text  string
}

// groupHosts groups hosts by a text, which text returns for the host at an index. Hosts without a text are left out. The
// groups are in the order of their first hosts. In a fleet, most hosts differ in nothing, and the same lines for each of
// them would hide the few that do.
func groupHosts(hosts []netip.Addr, text func(i int) string) []hostGroup {
	var groups []hostGroup
	index := map[string]int{}
	for i, host := range hosts {
		content := text(i)
		if content == "" {
			continue
		}
		at, known := index[content]
		if !known {
			at = len(groups)
			index[content] = at
			groups = append(groups, hostGroup{text: content})
		}
		groups[at].hosts = append(groups[at].hosts, host)
	}
	return groups
}

// namedHosts is the number of hosts that a group's name lists; it counts the others.
const namedHosts = 3

// String names the hosts, as in "10.2.0.5, 10.2.0.6, 10.2.0.7 and 58 more".
func (g hostGroup) String() string {
	var names []string
	for _, host := range g.hosts[:min(len(g.hosts), namedHosts)] {
		names = append(names, host.String())
	}
	text := strings.Join(names, ", ")
	if left := len(g.hosts) - len(names); left > 0 {
		text += fmt.Sprintf(" and %d more", left)
	}
	return text
}
