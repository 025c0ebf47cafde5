package ledger

import (
	"errors"
	"maps"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/dualstrap/dualstrap/allocator"
)

// Reason says in a word what is wrong with a node's pod ranges.
type Reason string

// The reasons of a Report.
const (
	// CIDRNotAvailable means that the configs that match a node have no room.
	CIDRNotAvailable Reason = "CIDRNotAvailable"
	// NoMatchingConfig means that no config matches a node.
	NoMatchingConfig Reason = "NoMatchingClusterCIDRConfig"
	// ForeignPodCIDR means that a node came with podCIDRs that no config would have given it.
	ForeignPodCIDR Reason = "ForeignPodCIDR"
	// DuplicatePodCIDR means that a node came with podCIDRs of which others use addresses.
	DuplicatePodCIDR Reason = "DuplicatePodCIDR"
	// AssignmentFailed means that the API server does not take what a node was promised.
	AssignmentFailed Reason = "CIDRAssignmentFailed"
)

// Report is something that the people who run the cluster should know of a node.
type Report struct {
	Node    string
	UID     types.UID
	Reason  Reason
	Message string
}

// Failed notes that a promise could not be kept so far. It reports that unless it has before.
func (l *Ledger) Failed(name string, uid types.UID, err error) []Report {
	e, ok := l.nodes[name]
	if !ok || e.UID != uid {
		return nil
	}
	return e.say(AssignmentFailed, "cannot write podCIDRs: "+err.Error())
}

// say makes a report, unless the same was said last.
func (e *entry) say(reason Reason, message string) []Report {
	if e.said[reason] == message {
		return nil
	}
	e.said[reason] = message
	return []Report{{Node: e.Name, UID: e.UID, Reason: reason, Message: message}}
}

// forget is for what is no longer so, and is said again when it becomes so again.
func (e *entry) forget(reasons ...Reason) {
	for _, reason := range reasons {
		delete(e.said, reason)
	}
}

// news makes a report for each reason among the findings about a node.
func (e *entry) news(findings []allocator.Finding) []Report {
	messages := map[Reason][]string{}
	for _, f := range findings {
		reason := ForeignPodCIDR
		if f.Kind == allocator.Collision || f.Kind == allocator.Reserved {
			reason = DuplicatePodCIDR
		}
		messages[reason] = append(messages[reason], f.String())
	}
	var reports []Report
	for _, reason := range []Reason{ForeignPodCIDR, DuplicatePodCIDR} {
		if len(messages[reason]) > 0 {
			reports = append(reports, e.say(reason, strings.Join(messages[reason], "; "))...)
		}
	}
	return reports
}

// refusal tells why the allocator has nothing for a node.
func refusal(err error) (Reason, string) {
	var noMatch *allocator.NoMatchError
	if errors.As(err, &noMatch) {
		return NoMatchingConfig, err.Error()
	}
	return CIDRNotAvailable, err.Error()
}

func sameLabels(a, b map[string]string) bool { return maps.Equal(a, b) }

func sameConfig(a, b allocator.Config) bool {
	return a.Name == b.Name && a.V4 == b.V4 && a.V6 == b.V6 && a.Closed == b.Closed && sameLabels(a.MatchLabels, b.MatchLabels)
}
