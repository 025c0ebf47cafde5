package clustertest

import (
	"cmp"
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/session"
	"github.com/dualstrap/dualstrap/render"
)

//go:embed host.txtar
var machine []byte

// probeHost answers the probe of a host's facts.
func probeHost(h *Host, _ remote.Script, answer *answers) error {
	own := strings.NewReplacer("NAME", cmp.Or(h.renamed, h.Name()), "NUMBER", fmt.Sprintf("%02d", h.number+1),
		"ADDRESS", h.node.Address.String(), "IPV6", fmt.Sprintf("fd12::2:%x", h.node.Address.As4()[3]))
	for _, section := range txtar.Parse(machine).Files {
		answer.add(section.Name, own.Replace(string(section.Data)))
	}
	answer.add("lines", h.printed()+string(answer.values["lines"].Output))
	answer.add("present", string(answer.values["present"].Output)+h.present())
	answer.add("units", h.showUnits([]string{"kubelet.service", "containerd.service"}))
	answer.add("endpoints", h.endpoints())
	answer.add("clock", strconv.FormatInt(time.Now().UnixNano(), 10)+"\n")
	answer.fail("container") // systemd-detect-virt fails on a machine
	answer.fail("selinux")
	return nil
}

// printed returns the lines of files that tell what became of the host. They precede those of a bare host, because the
// first line of a setting counts.
func (h *Host) printed() string {
	var out strings.Builder
	for _, path := range []string{"/etc/kubernetes/pki/ca.crt", "/var/lib/kubelet/config.yaml", "/var/lib/kubelet/kubeadm-flags.env"} {
		for line := range strings.Lines(h.files[path].content) {
			out.WriteString(path + ":" + line)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(h.sysctls)) {
		out.WriteString("/proc/sys/" + key + ":" + h.sysctls[key] + "\n")
	}
	return out.String()
}

// present returns which paths exist that tell of a cluster.
func (h *Host) present() string {
	var out strings.Builder
	for _, path := range []string{"/etc/dualstrap", session.JoinedPath} {
		if h.exists(path) {
			out.WriteString(path + "\n")
		}
	}
	for _, path := range []string{"/etc/kubernetes", "/var/lib/etcd", "/var/lib/kubelet", "/var/lib/cni"} {
		if h.hasEntries(path) {
			out.WriteString(path + "\n")
		}
	}
	return out.String()
}

// endpoints returns the lines that name API servers.
func (h *Host) endpoints() string {
	var out strings.Builder
	for _, path := range []string{"/etc/kubernetes/kubelet.conf", render.ClusterFile} {
		for line := range strings.Lines(h.files[path].content) {
			name, _, _ := strings.Cut(strings.TrimSpace(line), ":")
			if name == "server" || name == "controlPlaneEndpoint" || name == "apiServerEndpoint" {
				out.WriteString(path + ":" + line)
			}
		}
	}
	return out.String()
}

// showUnits returns what systemctl show prints of units. A unit exists if it has a file.
func (h *Host) showUnits(names []string) string {
	blocks := make([]string, len(names))
	for i, name := range names {
		state := h.units[name]
		load, active, file := "not-found", "inactive", ""
		if path := "/etc/systemd/system/" + name; h.exists(path) {
			load, file = "loaded", "disabled"
		}
		if state.enabled {
			file = "enabled"
		}
		if state.active {
			active = "active"
		}
		blocks[i] = fmt.Sprintf("Id=%s\nLoadState=%s\nActiveState=%s\nUnitFileState=%s\nNeedDaemonReload=no\n", name, load, active, file)
	}
	return strings.Join(blocks, "\n")
}

// probeNetwork answers the probe of a network without faults.
func probeNetwork(_ *Host, script remote.Script, answer *answers) error {
	var out strings.Builder
	for _, task := range lines(script.Args["tasks"]) {
		switch words := strings.Fields(task); words[0] {
		case "reach":
			fmt.Fprintf(&out, "reach %s whole\n", words[1])
		case "connect":
			fmt.Fprintf(&out, "connect %s %s refused\n", words[1], words[2])
		}
	}
	answer.add("network", out.String())
	return nil
}

// lines splits a list that was given as one argument.
func lines(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == '\n' })
}
