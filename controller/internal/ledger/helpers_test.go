package ledger_test

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	"github.com/dualstrap/dualstrap/allocator"
	"github.com/dualstrap/dualstrap/controller/internal/ledger"
	"github.com/dualstrap/dualstrap/internal/family"
)

// step is one call of a ledger and its expected results.
type step struct {
	// see is a Node to observe: "name/uid v3 t5 {a=1} [10.0.0.0/24 fd00::/120] leaving". Only the name is required. The
	// UID defaults to 1, the version to one that is newer than all before.
	see string
	// gone is a Node to forget: "name/uid".
	gone string
	// configs and reserve replace the current ones.
	configs []string
	reserve string
	// assign calls Assign and lists the expected promises: "n1 10.0.0.0/24 fd00::/120".
	assign []string
	// reports lists the expected reports of the step: "n1 CIDRNotAvailable".
	reports []string
}

// story is a test case: a sequence of steps, and why the result is right.
type story struct {
	name, why string
	steps     []step
}

func (s story) run(t *testing.T) {
	t.Helper()
	l := ledger.New()
	for i, step := range s.steps {
		var reports []ledger.Report
		switch {
		case step.see != "":
			reports = l.Observe(parseNode(t, step.see, 100+i))
		case step.gone != "":
			name, uid := cutUID(step.gone)
			l.Forget(name, uid)
		case step.configs != nil:
			if err := l.SetConfigs(parseConfigs(t, step.configs...)); err != nil {
				t.Fatal(err)
			}
		case step.reserve != "":
			l.SetReserved(parsePrefixes(t, strings.TrimPrefix(step.reserve, "none")))
		case step.assign != nil:
			var promised []ledger.Assignment
			promised, reports = l.Assign()
			if diff := cmp.Diff(step.assign, texts(promised)); diff != "" {
				t.Errorf("step %d: promises (-want +got):\n%s\n%s", i+1, diff, s.why)
			}
		}
		got := []string{}
		for _, r := range reports {
			got = append(got, r.Node+" "+string(r.Reason))
		}
		if diff := cmp.Diff(append([]string{}, step.reports...), got); diff != "" {
			t.Errorf("step %d: reports (-want +got):\n%s\n%v\n%s", i+1, diff, reports, s.why)
		}
	}
}

func texts(promised []ledger.Assignment) []string {
	lines := []string{}
	for _, a := range promised {
		lines = append(lines, fmt.Sprintf("%s %s %s", a.Node, a.PodCIDRs[family.IPv4], a.PodCIDRs[family.IPv6]))
	}
	return lines
}

func cutUID(text string) (string, types.UID) {
	name, uid, found := strings.Cut(text, "/")
	if !found {
		uid = "1"
	}
	return name, types.UID(uid)
}

// parseNode parses the form that step.see describes.
func parseNode(tb testing.TB, text string, version int) ledger.Node {
	tb.Helper()
	n := ledger.Node{Version: strconv.Itoa(version), Labels: map[string]string{}}
	text, n.Leaving = strings.CutSuffix(text, " leaving")
	text, held, _ := strings.Cut(text, "[")
	n.PodCIDRs = parsePrefixes(tb, strings.TrimSuffix(held, "]"))
	text, labels, _ := strings.Cut(text, "{")
	n.Labels = parseLabels(strings.TrimSuffix(strings.TrimSpace(labels), "}"))
	for i, field := range strings.Fields(text) {
		switch {
		case i == 0:
			n.Name, n.UID = cutUID(field)
		case field[0] == 'v':
			n.Version = field[1:]
		case field[0] == 't':
			seconds, err := strconv.Atoi(field[1:])
			if err != nil {
				tb.Fatal(err)
			}
			n.Created = time.Unix(int64(seconds), 0)
		}
	}
	return n
}

func parseLabels(text string) map[string]string {
	labels := map[string]string{}
	for pair := range strings.SplitSeq(text, ",") {
		if key, value, ok := strings.Cut(pair, "="); ok {
			labels[key] = value
		}
	}
	return labels
}

// parseConfigs parses the form "name 10.0.0.0/22>24 fd00::/118>120 {a=1} closed".
func parseConfigs(tb testing.TB, lines ...string) []allocator.Config {
	tb.Helper()
	var all []allocator.Config
	for _, line := range lines {
		var c allocator.Config
		line, c.Closed = strings.CutSuffix(line, " closed")
		line, labels, _ := strings.Cut(line, "{")
		c.MatchLabels = parseLabels(strings.TrimSuffix(labels, "}"))
		fields := strings.Fields(line)
		c.Name, c.V4, c.V6 = fields[0], parseRange(tb, fields[1]), parseRange(tb, fields[2])
		all = append(all, c)
	}
	return all
}

func parseRange(tb testing.TB, text string) allocator.Range {
	tb.Helper()
	cidr, mask, _ := strings.Cut(text, ">")
	bits, err := strconv.Atoi(mask)
	if err != nil {
		tb.Fatal(err)
	}
	return allocator.Range{CIDR: parsePrefixes(tb, cidr)[0], NodeMask: bits}
}

func parsePrefixes(tb testing.TB, text string) []netip.Prefix {
	tb.Helper()
	var all []netip.Prefix
	for field := range strings.FieldsSeq(text) {
		p, err := netip.ParsePrefix(field)
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}
