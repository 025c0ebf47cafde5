package hostprep

import (
	"fmt"
	"slices"
	"strings"
)

// The least that Google Distributed Cloud runs on, its edge profile; it runs more than dualstrap does.
const (
	documentedCPUs   = 2
	documentedMemory = 5 * gibibyte
)

// checkCPU fails where kubeadm would; see ControlPlaneNumCPU in its constants.
func checkCPU(s *subject) verdict {
	cpus := s.Facts.CPUs
	switch {
	case cpus == 0:
		return warning("it does not say how many CPUs it has").withHint("install coreutils, which has nproc")
	case cpus < documentedCPUs && s.ControlPlane:
		return failed("a control plane node needs 2 CPUs and has %d", cpus)
	case cpus < documentedCPUs:
		return warning("%d CPU is less than the 2 that the documentation asks for", cpus)
	default:
		return passed("%d CPUs", cpus)
	}
}

// checkMemory fails where kubeadm would on a control plane node; see ControlPlaneMem in its constants.
func checkMemory(s *subject) verdict {
	least, role := uint64(900*mebibyte), "a worker"
	if s.ControlPlane {
		least, role = 1700*mebibyte, "a control plane node"
	}
	switch memory := s.Facts.Memory; {
	case memory < least:
		return failed("%s needs %s of memory and has %s", role, formatSize(least), formatSize(memory))
	case memory < documentedMemory:
		return warning("%s of memory is less than the %s that the documentation asks for", formatSize(memory), formatSize(documentedMemory))
	default:
		return passed("%s of memory", formatSize(memory))
	}
}

// formatSize writes bytes for a person.
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

// diskUse is the free space that a directory needs: least to work at all, and what the documentation asks for.
type diskUse struct {
	path              string
	least, documented uint64
	// controlPlane is what is needed in their place on control plane nodes.
	controlPlaneLeast, controlPlaneDocumented uint64
}

// diskUses are what a node fills. The least is what the bundle's files and images take, with room for some
// more; etcd's database may grow to 2 GiB.
func diskUses() []diskUse {
	return []diskUse{
		{"/", gibibyte, 4 * gibibyte, gibibyte, 4 * gibibyte},
		{"/var/lib/containerd", 2 * gibibyte, 10 * gibibyte, 3 * gibibyte, 30 * gibibyte},
		{"/var/lib/kubelet", 500 * mebibyte, 500 * mebibyte, 500 * mebibyte, 500 * mebibyte},
		{"/var/lib/etcd", 0, 0, 2 * gibibyte, 20 * gibibyte},
	}
}

// diskDemand is what all directories on one file system need together.
type diskDemand struct {
	paths             []string
	space             Space
	least, documented uint64
}

// diskDemands sums up the rooms of a host, by file system.
func diskDemands(s *subject) []*diskDemand {
	var all []*diskDemand
	byID := map[string]*diskDemand{}
	for _, r := range diskUses() {
		least, documented := r.least, r.documented
		if s.ControlPlane {
			least, documented = r.controlPlaneLeast, r.controlPlaneDocumented
		}
		space, known := s.Facts.Spaces[r.path]
		if documented == 0 || !known {
			continue
		}
		d := byID[space.ID]
		if d == nil {
			d = &diskDemand{space: space}
			byID[space.ID] = d
			all = append(all, d)
		}
		d.paths = append(d.paths, r.path)
		d.least += least
		d.documented += documented
	}
	return all
}

// checkDisk asks for space on hosts that are to become nodes. A node has filled it already; but on
// both, a kubelet evicts pods when a file system is nearly full.
func checkDisk(s *subject) verdict {
	var findings []verdict
	all := diskDemands(s)
	if len(all) == 0 {
		return warning("it does not say how much space there is").withHint("install coreutils, which has stat")
	}
	for _, d := range all {
		paths := strings.Join(d.paths, ", ")
		switch free := d.space.Available; {
		case s.belongs == Fresh && free < d.least:
			findings = append(findings, failed("the file system of %s has %s free and needs %s", paths, formatSize(free), formatSize(d.least)))
		case d.nearlyFull() != "":
			findings = append(findings, failed("the file system of %s %s, so the kubelet would evict pods", paths, d.nearlyFull()))
		case s.belongs == Fresh && free < d.documented:
			findings = append(findings, warning("the file system of %s has %s free, less than the %s that the documentation asks for",
				paths, formatSize(free), formatSize(d.documented)))
		}
	}
	return combine(passed("%s", freeSpaces(all)), findings)
}

// nearlyFull says what of a file system is below the kubelet's hard eviction thresholds: 10 % of the
// space below its own directory, 15 % where images are, and 5 % of the inodes of either.
func (d *diskDemand) nearlyFull() string {
	var percent uint64
	switch {
	case slices.Contains(d.paths, "/var/lib/containerd"):
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

func freeSpaces(all []*diskDemand) string {
	var words []string
	for _, d := range all {
		words = append(words, fmt.Sprintf("%s free below %s", formatSize(d.space.Available), d.paths[0]))
	}
	return strings.Join(words, ", ")
}
