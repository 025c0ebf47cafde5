package cmd

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dualstrap/dualstrap/cmd/internal/cli"
	"github.com/dualstrap/dualstrap/internal/plural"
	"github.com/dualstrap/dualstrap/provision/proof"
)

// addVerbose adds the flag -v to a command that prints a proof, and returns its value.
func addVerbose(cmd *cobra.Command) *bool {
	return cmd.Flags().BoolP("verbose", "v", false, "print each result of the proof, also those that passed")
}

// writeProof prints a line for each check: its result, and how many nodes, pairs of nodes, Services or addresses it was
// applied to. Those that failed or were skipped are listed below it, with hints, and together where the reason is the same.
// A verbose report lists all of them one by one. The last line is a summary.
func writeProof(out *strings.Builder, cluster string, report proof.Report, verbose bool) {
	var checks [][]proof.Result
	width := len("CHECK")
	for _, result := range report.Checks {
		if n := len(checks); n == 0 || checks[n-1][0].Name != result.Name {
			checks = append(checks, nil)
		}
		checks[len(checks)-1] = append(checks[len(checks)-1], result)
		width = max(width, len(result.Name))
	}
	fmt.Fprintf(out, "%-*s  %-7s  SUBJECTS\n", width, "CHECK", "RESULT")
	for _, results := range checks {
		status, subjects := summarize(results)
		fmt.Fprintf(out, "%-*s  %-7s  %s\n", width, results[0].Name, status, subjects)
		writeSubjects(out, results, verbose)
	}
	proven := "is proven"
	if !report.OK {
		proven = "is not proven"
	}
	fmt.Fprintf(out, "\ncluster %s %s: %d passed, %d failed, %d skipped in %.1f s\n", cluster, proven,
		report.Count(proof.Passed), report.Count(proof.Failed), report.Count(proof.Skipped), report.Seconds)
}

// summarize returns the worst status of a check's results, and how many subjects have it, as in "12 pairs" or "1 of 12
// pairs".
func summarize(results []proof.Result) (status proof.Status, subjects string) {
	all := proof.Report{Checks: results}
	status = proof.Passed
	for _, worse := range []proof.Status{proof.Skipped, proof.Failed} {
		if all.Count(worse) > 0 {
			status = worse
		}
	}
	subjects = plural.Of(len(results), subjectNoun(results[0].Target))
	if n := all.Count(status); n < len(results) {
		subjects = fmt.Sprintf("%d of %s", n, subjects)
	}
	return status, subjects
}

// subjectNoun returns what the target of a result is, by its form.
func subjectNoun(target string) string {
	if strings.Contains(target, " -> ") {
		return "pair"
	}
	if _, err := netip.ParseAddr(target); err == nil {
		return "node"
	}
	if _, err := netip.ParseAddrPort(target); err == nil {
		return "address"
	}
	return "Service"
}

// writeSubjects lists the subjects of a check that failed or were skipped, together where the reason is the same. A verbose
// list has each subject.
func writeSubjects(out *strings.Builder, results []proof.Result, verbose bool) {
	var targets []string
	for _, result := range results {
		targets = append(targets, result.Target)
	}
	text := func(i int) string {
		if results[i].Status == proof.Passed && !verbose {
			return ""
		}
		text := fmt.Sprintf("%s: %s\n", results[i].Status, cli.Visible(results[i].Message))
		if results[i].Hint != "" {
			text += fmt.Sprintf("        try: %s\n", cli.Visible(results[i].Hint))
		}
		return text
	}
	if verbose {
		for i, target := range targets {
			fmt.Fprintf(out, "    %s: %s", target, text(i))
		}
		return
	}
	for _, group := range groupReasons(targets, text) {
		if group.isSingle() {
			fmt.Fprintf(out, "    %s: %s", group, group.text)
			continue
		}
		result, hint, _ := strings.Cut(group.text, "\n")
		fmt.Fprintf(out, "    %s: %s\n        %s\n%s", group.count(subjectNoun(group.members[0])), result, group, hint)
	}
}
