package cmd

import (
	"cmp"
	"net/netip"
	"strings"

	"github.com/dualstrap/dualstrap/cmd/internal/cli"
	"github.com/dualstrap/dualstrap/internal/hint"
)

// errorText returns an error and its hint for a person, with control characters escaped. Errors about several hosts with
// the same reason are one block: how many hosts, the reason, and below it their addresses. The hint is that of the first
// error that has one.
func errorText(err error) (text, tip string) {
	const separator = "\x00" // escaped texts have none
	errs := joined(err)
	hosts, reasons := make([]string, len(errs)), make([]string, len(errs))
	for i, one := range errs {
		hosts[i], reasons[i] = cutHost(cli.Visible(one.Error()))
		reasons[i] += separator + cli.Visible(hint.Of(one))
	}
	var blocks []string
	for _, group := range groupReasons(hosts, func(i int) string { return reasons[i] }) {
		reason, groupTip, _ := strings.Cut(group.text, separator)
		tip = cmp.Or(tip, groupTip)
		switch host := group.members[0]; {
		case group.isSingle() || host == "":
			blocks = append(blocks, host+reason)
		default:
			if rest, isPast := strings.CutPrefix(reason, " was "); isPast {
				reason = " were " + rest
			}
			blocks = append(blocks, group.count("host")+reason+"\n    "+group.String())
		}
	}
	return strings.Join(blocks, "\n"), tip
}

// joined returns the errors that errors.Join has joined, or the error itself if it is another one.
func joined(err error) []error {
	several, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	var texts []string
	for _, one := range several.Unwrap() {
		all = append(all, joined(one)...)
		texts = append(texts, one.Error())
	}
	if err.Error() != strings.Join(texts, "\n") {
		return []error{err}
	}
	return all
}

// cutHost cuts the address of a host off the beginning of an error about it, as in "10.2.0.5: join: timed out". The host is
// empty if the error does not begin with an address.
func cutHost(text string) (host, reason string) {
	first, _, _ := strings.Cut(text, " ")
	host = strings.TrimSuffix(first, ":")
	if _, err := netip.ParseAddr(host); err != nil {
		return "", text
	}
	return host, strings.TrimPrefix(text, host)
}
