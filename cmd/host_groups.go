package cmd

import (
	"cmp"
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"github.com/dualstrap/dualstrap/internal/plural"
)

// subjectGroup holds subjects about which there is the same to say: hosts, or what a check of the proof is applied to.
type subjectGroup struct {
	members []string
	// text says it. In a group of several that groupReasons has made, HOST stands for the address of each.
	text string
}

// groupSame groups subjects by a text, which text returns for the subject at an index. Subjects without a text are left
// out. The groups are in the order of their first members. In a fleet, most hosts differ in nothing, and the same lines for
// each of them would hide the few that do.
func groupSame(members []string, text func(i int) string) []subjectGroup {
	return groupBy(members, text, func(text, _ string) string { return text })
}

// groupReasons is like groupSame, for texts that say what is wrong with a subject: those that differ only in the addresses of
// the subject itself are the same.
func groupReasons(members []string, text func(i int) string) []subjectGroup {
	return groupBy(members, text, withoutAddresses)
}

// groupBy groups subjects by what common returns for their text. In a group of several, that becomes the text.
func groupBy(members []string, text func(i int) string, common func(text, member string) string) []subjectGroup {
	var groups []subjectGroup
	index := map[string]int{}
	for i, member := range members {
		content := text(i)
		if content == "" {
			continue
		}
		same := common(content, member)
		at, known := index[same]
		if !known {
			index[same] = len(groups)
			groups = append(groups, subjectGroup{members: []string{member}, text: content})
			continue
		}
		groups[at].text = same
		groups[at].members = append(groups[at].members, member)
	}
	return groups
}

// shownMembers is the number of members that String lists; it counts the others.
const shownMembers = 3

// String names the members, as in "10.2.0.5, 10.2.0.6, 10.2.0.7 and 58 more".
func (g subjectGroup) String() string {
	shown := g.members[:min(len(g.members), shownMembers)]
	text := strings.Join(shown, ", ")
	if left := len(g.members) - len(shown); left > 0 {
		text += fmt.Sprintf(" and %d more", left)
	}
	return text
}

// isSingle reports whether the group has one member.
func (g subjectGroup) isSingle() bool { return len(g.members) == 1 }

// count returns the number of members with the noun that they are called by, as in "61 hosts".
func (g subjectGroup) count(noun string) string { return plural.Of(len(g.members), noun) }

// addressToken matches anything that may be an address, with or without a port.
var addressToken = regexp.MustCompile(`[0-9A-Fa-f.:]*[0-9A-Fa-f]`)

// withoutAddresses replaces the address of a host in a text about it by HOST. In a text about a pair, FROM -> TO, it
// replaces both by these names. Subjects that are not hosts have nothing to replace.
func withoutAddresses(text, member string) string {
	names := map[netip.Addr]string{}
	add := func(host, name string) {
		if address, err := netip.ParseAddr(host); err == nil {
			names[address] = name
		}
	}
	if from, to, isPair := strings.Cut(member, " -> "); isPair {
		add(from, "FROM")
		add(to, "TO")
	} else {
		add(member, "HOST")
	}
	return addressToken.ReplaceAllStringFunc(text, func(token string) string {
		if address, err := netip.ParseAddr(token); err == nil {
			return cmp.Or(names[address], token)
		}
		if address, err := netip.ParseAddrPort(token); err == nil && names[address.Addr()] != "" {
			return fmt.Sprintf("%s:%d", names[address.Addr()], address.Port())
		}
		return token
	})
}
