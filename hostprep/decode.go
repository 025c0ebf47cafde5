package hostprep

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unique"

	"github.com/dualstrap/dualstrap/hostprep/remote"
)

// probeOutput is what the probe's script said.
type probeOutput struct {
	remote.Answer
	received time.Time
	// files are the lines of files, by path.
	files map[string][]string
}

// decoder makes facts of one answer of the probe's script.
type decoder struct {
	name   string
	decode func(said probeOutput, text string, facts *Facts) error
}

func decoders() []decoder {
	return []decoder{
		{"lines", decodeFiles},
		{"present", decodePresent},
		{"architecture", decodeArchitecture},
		{"cpus", decodeCPUs},
		{"space", decodeSpaces},
		{"programs", decodePrograms},
		{"features", decodeFeatures},
		{"container", decodeContainer},
		{"units", decodeUnits},
		{"addresses", decodeLinks},
		{"routes4", decodeRoutes4},
		{"routes6", decodeRoutes6},
		{"listeners", decodeListeners},
		{"endpoints", decodeEndpoints},
		{"timesync", decodeTimeSync},
		{"selinux", decodeSELinux},
		{"clock", decodeClock},
	}
}

// decode makes facts of what the probe's script said; received is when its answer arrived. A program
// that is missing said nothing, and neither did one that failed; what a program did say has to make
// sense.
func decode(answer remote.Answer, received time.Time) (Facts, error) {
	said := probeOutput{Answer: answer, received: received, files: splitFiles(answer.Text("lines"))}
	facts := Facts{Clock: Clock{Synchronized: Unknown}, SELinux: "disabled"}
	for _, d := range decoders() {
		value, answered := answer.Values[d.name]
		if !answered {
			return Facts{}, fmt.Errorf("cannot understand the host: its answer lacks %q", d.name)
		}
		if value.Status != 0 {
			continue
		}
		if err := d.decode(said, answer.Text(d.name), &facts); err != nil {
			return Facts{}, fmt.Errorf("cannot understand the host: %s: %w", d.name, err)
		}
	}
	if err := decodeFirewalld(said, &facts); err != nil {
		return Facts{}, fmt.Errorf("cannot understand the host: firewalld: %w", err)
	}
	return facts, nil
}

// intern gives a word of an answer for facts to hold on to. Facts stay for as long as the run, and a part of a text
// keeps all of it; and hosts are much alike, so most words are held once for all of them.
func intern(word string) string { return unique.Make(word).Value() }

// splitFiles gathers the lines of files, which come as PATH:LINE.
func splitFiles(text string) map[string][]string {
	files := map[string][]string{}
	for line := range strings.Lines(text) {
		if path, rest, found := strings.Cut(strings.TrimSuffix(line, "\n"), ":"); found {
			files[path] = append(files[path], rest)
		}
	}
	return files
}

// first is the first line of a file, without space around it.
func (a probeOutput) first(path string) string {
	if lines := a.files[path]; len(lines) > 0 {
		return intern(strings.TrimSpace(lines[0]))
	}
	return ""
}

// setting is the value of a KEY=VALUE line of a file. Where a key stands twice, the last one counts.
func (a probeOutput) setting(path, key string) string {
	var value string
	for _, line := range a.files[path] {
		if name, rest, found := strings.Cut(line, "="); found && strings.TrimSpace(name) == key {
			value = strings.Trim(strings.TrimSpace(rest), `"'`)
		}
	}
	return intern(value)
}

// after is what stands behind the colon of a line of a file, as in MemTotal:  123 kB.
func (a probeOutput) after(path, key string) []string {
	for _, line := range a.files[path] {
		if rest, found := strings.CutPrefix(line, key+":"); found {
			return strings.Fields(rest)
		}
	}
	return nil
}

func decodeFiles(said probeOutput, _ string, facts *Facts) error {
	decodeOS(said, facts)
	facts.Kernel = said.first("/proc/sys/kernel/osrelease")
	facts.Hostname = said.first("/proc/sys/kernel/hostname")
	facts.MachineID = said.first("/etc/machine-id")
	facts.ProductUUID = strings.ToLower(said.first("/sys/class/dmi/id/product_uuid"))
	facts.UFW = strings.EqualFold(said.setting("/etc/ufw/ufw.conf", "ENABLED"), "yes")
	facts.LegacyTables = said.first("/proc/net/ip_tables_names")+said.first("/proc/net/ip6_tables_names") != ""
	facts.Nameservers = nameservers(said)
	facts.Container = said.first("/run/systemd/container")
	facts.Sysctls = map[string]string{}
	for path := range said.files {
		if key, found := strings.CutPrefix(path, "/proc/sys/"); found {
			facts.Sysctls[intern(key)] = said.first(path)
		}
	}
	if swaps := said.files["/proc/swaps"]; len(swaps) > 1 {
		for _, line := range swaps[1:] {
			device, _, _ := strings.Cut(line, " ")
			facts.Swaps = append(facts.Swaps, intern(strings.TrimSpace(device)))
		}
	}
	facts.Kubelet = decodeKubelet(said)
	return decodeNumbers(said, facts)
}

// decodeNumbers takes what the kernel counts.
func decodeNumbers(said probeOutput, facts *Facts) error {
	var err error
	if memory := said.after("/proc/meminfo", "MemTotal"); len(memory) > 0 {
		if facts.Memory, err = strconv.ParseUint(memory[0], 10, 53); err != nil {
			return fmt.Errorf("memory: %w", err)
		}
		facts.Memory *= 1024
	}
	uid := said.after("/proc/self/status", "Uid")
	if len(uid) < 2 {
		return fmt.Errorf("no user in /proc/self/status")
	}
	if facts.UID, err = strconv.Atoi(uid[1]); err != nil {
		return fmt.Errorf("user: %w", err)
	}
	return nil
}

func decodeOS(said probeOutput, facts *Facts) {
	path := "/etc/os-release"
	if len(said.files[path]) == 0 {
		path = "/usr/lib/os-release"
	}
	facts.OS = OS{
		ID:      said.setting(path, "ID"),
		Like:    strings.Fields(said.setting(path, "ID_LIKE")),
		Version: said.setting(path, "VERSION_ID"),
		Name:    said.setting(path, "PRETTY_NAME"),
	}
	facts.OS.Name = cmp.Or(facts.OS.Name, facts.OS.ID)
}

// nameservers are those that the kubelet gives to pods: where systemd-resolved runs, kubeadm points the
// kubelet to its file, because the host's own names nobody but the host itself.
func nameservers(said probeOutput) []string {
	const resolved = "/run/systemd/resolve/resolv.conf"
	path := "/etc/resolv.conf"
	if len(said.files[resolved]) > 0 {
		path = resolved
	}
	var servers []string
	for _, line := range said.files[path] {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "nameserver" {
			servers = append(servers, intern(fields[1]))
		}
	}
	return servers
}
