package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dualstrap/dualstrap/hostprep/facts"
)

// The documented minimum of Google Distributed Cloud with its edge profile, which runs more programs than dualstrap
// does. A host below it only gets a warning.
const (
	documentedCPUs   = 2
	documentedMemory = 5 * gibibyte
)

// checkCPU fails if kubeadm would; see ControlPlaneNumCPU in its constants.
func checkCPU(s *subject) verdict {
	cpus := s.Facts.CPUs
	switch {
	case cpus == 0:
		return warning("cannot tell how many CPUs it has").withHint("install coreutils, which contains nproc")
	case cpus < documentedCPUs && s.ControlPlane:
		return failed("a control plane node needs 2 CPUs and has %d", cpus)
	case cpus < documentedCPUs:
		return warning("%d CPU is less than the documented minimum of 2", cpus)
	default:
		return passed("%d CPUs", cpus)
	}
}

// checkMemory fails if kubeadm would on a control plane node; see ControlPlaneMem in its constants.
func checkMemory(s *subject) verdict {
	least, role := uint64(900*mebibyte), "a worker"
	if s.ControlPlane {
		least, role = 1700*mebibyte, "a control plane node"
	}
	switch memory := s.Facts.Memory; {
	case memory < least:
		return failed("%s needs %s of memory and has %s", role, formatSize(least), formatSize(memory))
	case memory < documentedMemory:
		return warning("%s of memory is less than the documented minimum of %s", formatSize(memory), formatSize(documentedMemory))
	default:
		return passed("%s of memory", formatSize(memory))
	}
}

// formatSize formats a number of bytes for a message, with two or more significant digits.
func formatSize(bytes uint64) string {
	switch {
	case bytes >= 10*gibibyte:
		return fmt.Sprintf("%d GiB", bytes/gibibyte)
	case bytes >= gibibyte:
		return fmt.Sprintf("%.1f GiB", float64(bytes)/gibibyte)
	default:
		return fmt.Sprintf("%d MiB", bytes/mebibyte)
	}
}

// diskUse is the free space in bytes that a directory needs.
type diskUse struct {
	path string
	// least is the space without which the node does not work; documented is the documented minimum.
	least, documented uint64
	// controlPlaneLeast and controlPlaneDocumented replace them on control plane nodes.
	controlPlaneLeast, controlPlaneDocumented uint64
}

// diskUses lists the directories that a node fills. The least values are the size of the bundle's files and images with
// some reserve; etcd's database may grow to 2 GiB.
func diskUses() []diskUse {
	return []diskUse{
		{"/", gibibyte, 4 * gibibyte, gibibyte, 4 * gibibyte},
		{"/var/lib/containerd", 2 * gibibyte, 10 * gibibyte, 3 * gibibyte, 30 * gibibyte},
		{"/var/lib/kubelet", 500 * mebibyte, 500 * mebibyte, 500 * mebibyte, 500 * mebibyte},
		{"/var/lib/etcd", 0, 0, 2 * gibibyte, 20 * gibibyte},
	}
}

// diskDemand is the space in bytes that all directories on one file system need together.
type diskDemand struct {
	// paths lists the directories, in the order of diskUses.
	paths             []string
	space             facts.Space
	least, documented uint64
}

// diskDemands returns the demands of a host, one for each file system: directories on the same one share its space.
func diskDemands(s *subject) []*diskDemand {
	var all []*diskDemand
	byID := map[string]*diskDemand{}
	for _, use := range diskUses() {
		least, documented := use.least, use.documented
		if s.ControlPlane {
			least, documented = use.controlPlaneLeast, use.controlPlaneDocumented
		}
		// A need of 0 means that the directory is not used: etcd's on workers.
		space, known := s.Facts.Spaces[use.path]
		if documented == 0 || !known {
			continue
		}
		d := byID[space.ID]
		if d == nil {
			d = &diskDemand{space: space}
			byID[space.ID] = d
			all = append(all, d)
		}
		d.paths = append(d.paths, use.path)
		d.least += least
		d.documented += documented
	}
	return all
}

// checkDisk checks for free space on hosts that are not nodes yet; a node has used the space already. On both, the
// kubelet evicts pods if a file system is nearly full.
func checkDisk(s *subject) verdict {
	var findings []verdict
	all := diskDemands(s)
	if len(all) == 0 {
		return warning("cannot tell how much disk space it has").withHint("install coreutils, which contains stat")
	}
	for _, d := range all {
		paths := strings.Join(d.paths, ", ")
		switch free := d.space.Available; {
		case s.ownership == Fresh && free < d.least:
			findings = append(findings, failed("the file system of %s has %s free and needs %s", paths, formatSize(free), formatSize(d.least)))
		case d.nearlyFull() != "":
			findings = append(findings, failed("the file system of %s %s, so the kubelet would evict pods", paths, d.nearlyFull()))
		case s.ownership == Fresh && free < d.documented:
			findings = append(findings, warning("the file system of %s has %s free, less than the documented minimum of %s",
				paths, formatSize(free), formatSize(d.documented)))
		}
	}
	return combine(passed("%s", freeSpaces(all)), findings)
}

// nearlyFull describes how a file system is below the kubelet's default hard eviction thresholds: 10 % of the space for
// its own directory, 15 % for images, and 5 % of the inodes for either. It returns "" if it is not below any.
func (d *diskDemand) nearlyFull() string {
	var percent uint64
	switch {
	case slices.Contains(d.paths, "/var/lib/containerd"): // the higher threshold, if both are on one file system
		percent = 15
	case slices.Contains(d.paths, "/var/lib/kubelet"):
		percent = 10
	default:
		return ""
	}
	switch space := d.space; {
	case space.Available*100 < space.Size*percent:
		return fmt.Sprintf("has less than %d %% of its space free", percent)
	case space.FreeInodes*100 < space.Inodes*5:
		return "has less than 5 % of its inodes free"
	default:
		return ""
	}
}

// freeSpaces describes the free space of each file system, for a message.
func freeSpaces(all []*diskDemand) string {
	var words []string
	for _, d := range all {
		words = append(words, fmt.Sprintf("%s free below %s", formatSize(d.space.Available), d.paths[0]))
	}
	return strings.Join(words, ", ")
}
