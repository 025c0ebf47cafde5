package ledger

import (
	"errors"
	"maps"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/dualstrap/dualstrap/allocator"
)

// Reason classifies what is wrong with a node's pod ranges. It is the reason of Events and a label of metrics.
type Reason string

// The reasons of a Report.
const (
	// CIDRNotAvailable means that the configs that match a node have no free blocks.
	CIDRNotAvailable Reason = "CIDRNotAvailable"
	// NoMatchingConfig means that no config matches a node.
	NoMatchingConfig Reason = "NoMatchingClusterCIDRConfig"
	// ForeignPodCIDR means that a node already has podCIDRs that no config would have assigned to it.
	ForeignPodCIDR Reason = "ForeignPodCIDR"
	// DuplicatePodCIDR means that a node already has podCIDRs which overlap with those of other nodes or of Services.
	DuplicatePodCIDR Reason = "DuplicatePodCIDR"
	// AssignmentFailed means that the API server rejects the write of a promise.
	AssignmentFailed Reason = "CIDRAssignmentFailed"
)

// Report is a problem of a node that the cluster's administrators should know.
type Report struct {
	Node    string
	UID     types.UID
	Reason  Reason
	Message string
}

// Failed records that a promise could not be written so far, and reports it unless the same error was reported last.
func (l *Ledger) Failed(name string, uid types.UID, err error) []Report {
	e, ok := l.nodes[name]
	if !ok || e.UID != uid {
		return nil
	}
	return e.report(AssignmentFailed, "cannot write podCIDRs: "+err.Error())
}

// report returns a Report, or nothing if the same message was reported last.
func (e *entry) report(reason Reason, message string) []Report {
	if e.reported[reason] == message {
		return nil
	}
	e.reported[reason] = message
	return []Report{{Node: e.Name, UID: e.UID, Reason: reason, Message: message}}
}

// forget ends problems that are solved. If they occur again, they are reported again.
func (e *entry) forget(reasons ...Reason) {
	for _, reason := range reasons {
		delete(e.reported, reason)
	}
}

// reportFindings returns a Report for each reason among the findings about a node.
func (e *entry) reportFindings(findings []allocator.Finding) []Report {
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
			reports = append(reports, e.report(reason, strings.Join(messages[reason], "; "))...)
		}
	}
	return reports
}

// reasonFor returns the reason and the message for a node that the allocator cannot serve.
func reasonFor(err error) (Reason, string) {
	var noMatch *allocator.NoMatchError
	if errors.As(err, &noMatch) {
		return NoMatchingConfig, err.Error()
	}
	return CIDRNotAvailable, err.Error()
}

// sameLabels reports whether two sets of labels select the same configs.
func sameLabels(a, b map[string]string) bool { return maps.Equal(a, b) }

// sameConfig reports whether two configs yield the same assignments.
func sameConfig(a, b allocator.Config) bool {
	return a.Name == b.Name && a.V4 == b.V4 && a.V6 == b.V6 && a.Closed == b.Closed && sameLabels(a.MatchLabels, b.MatchLabels)
}
