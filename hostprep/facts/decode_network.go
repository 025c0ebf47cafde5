package facts

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// ipLink is an interface in the output of ip -j address show.
type ipLink struct {
	Name      string      `json:"ifname"`
	Flags     []string    `json:"flags"`
	MTU       int         `json:"mtu"`
	MAC       string      `json:"address"`
	Addresses []ipAddress `json:"addr_info"`
}

// ipAddress is an address in the output of ip -j address show.
type ipAddress struct {
	Family     string     `json:"family"`
	Local      netip.Addr `json:"local"`
	Length     int        `json:"prefixlen"`
	Scope      string     `json:"scope"`
	Dynamic    bool       `json:"dynamic"`
	Temporary  bool       `json:"temporary"`
	Tentative  bool       `json:"tentative"`
	DADFailed  bool       `json:"dadfailed"`
	Deprecated bool       `json:"deprecated"`
}

// decodeLinks decodes the output of ip -j address show. Addresses of families other than IP are skipped.
func decodeLinks(_ probeOutput, text string, facts *Host) error {
	var links []ipLink
	if err := json.Unmarshal([]byte(text), &links); err != nil {
		return err
	}
	for _, link := range links {
		if link.Name == "" {
			continue // ip prints an empty object for an interface that it filters out
		}
		decoded := Link{
			Name: link.Name, MAC: strings.ToLower(link.MAC), MTU: link.MTU,
			Up: slices.Contains(link.Flags, "UP"), Loopback: slices.Contains(link.Flags, "LOOPBACK"),
		}
		for _, address := range link.Addresses {
			if address.Family != "inet" && address.Family != "inet6" {
				continue
			}
			prefix := netip.PrefixFrom(address.Local, address.Length)
			if !prefix.IsValid() || address.Local.Is4() != (address.Family == "inet") || address.Local.Is4In6() {
				return fmt.Errorf("%s has an invalid address: %s/%d", link.Name, address.Local, address.Length)
			}
			decoded.Addresses = append(decoded.Addresses, Address{
				Prefix: prefix, Global: address.Scope == "global",
				Dynamic: address.Dynamic, Temporary: address.Temporary, Deprecated: address.Deprecated,
				Tentative: address.Tentative, Duplicate: address.DADFailed,
			})
		}
		facts.Links = append(facts.Links, decoded)
	}
	return nil
}

// decodeRoutes4 and decodeRoutes6 decode the output of ip route show, which writes default for both families.
func decodeRoutes4(_ probeOutput, text string, facts *Host) error {
	return addRoutes(facts, text, netip.PrefixFrom(netip.IPv4Unspecified(), 0))
}

func decodeRoutes6(_ probeOutput, text string, facts *Host) error {
	return addRoutes(facts, text, netip.PrefixFrom(netip.IPv6Unspecified(), 0))
}

// addRoutes parses lines of the form PREFIX via GATEWAY dev INTERFACE proto PROTOCOL. defaultRoute is the prefix that
// the word default stands for. A route by nexthop object (nhid) counts as one with a gateway.
func addRoutes(facts *Host, text string, defaultRoute netip.Prefix) error {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		route := Route{
			Prefix: defaultRoute, Interface: intern(wordAfter(words, "dev")),
			Gateway:    wordAfter(words, "via") != "" || wordAfter(words, "nhid") != "",
			FromRouter: wordAfter(words, "proto") == "ra",
		}
		if words[0] != "default" {
			var err error
			if route.Prefix, err = netip.ParsePrefix(words[0]); err != nil {
				return err
			}
			if route.Prefix.Addr().Is4() != defaultRoute.Addr().Is4() {
				return fmt.Errorf("%s belongs to the other address family", route.Prefix)
			}
		}
		facts.Routes = append(facts.Routes, route)
	}
	return nil
}

// wordAfter returns the word that follows the given one, or "" if there is no such word.
func wordAfter(words []string, word string) string {
	if i := slices.Index(words, word); i >= 0 && i+1 < len(words) {
		return words[i+1]
	}
	return ""
}

// decodeListeners parses the output of ss -H -lntup: network, state, two queue lengths, local address, peer address,
// and the process if ss can see it.
func decodeListeners(_ probeOutput, text string, facts *Host) error {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 6 {
			return fmt.Errorf("%q is too short", strings.TrimSpace(line))
		}
		listener := Listener{Network: intern(words[0])}
		// IPv6 addresses contain colons, too; the port comes after the last one.
		colon := strings.LastIndexByte(words[4], ':')
		if colon < 0 {
			return fmt.Errorf("%q has no port", words[4])
		}
		var err error
		if listener.Port, err = strconv.Atoi(words[4][colon+1:]); err != nil {
			return err
		}
		if listener.Address, err = listenAddress(words[4][:colon]); err != nil {
			return err
		}
		if _, rest, found := strings.Cut(line, `(("`); found { // users:(("NAME",pid=1,fd=2),...)
			process, _, _ := strings.Cut(rest, `"`)
			listener.Process = intern(process)
		}
		facts.Listeners = append(facts.Listeners, listener)
	}
	return nil
}

// listenAddress parses an address as ss prints it: in brackets if it is IPv6, with an interface after %, or * for all
// addresses of both families, for which it returns the zero Addr.
func listenAddress(text string) (netip.Addr, error) {
	text, _, _ = strings.Cut(text, "%")
	text = strings.Trim(text, "[]")
	if text == "*" {
		return netip.Addr{}, nil
	}
	address, err := netip.ParseAddr(text)
	return address.Unmap(), err
}
