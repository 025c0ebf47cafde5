package facts

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unique"

	"github.com/dualstrap/dualstrap/hostprep/remote"
)

// probeOutput is the output of the probe's script.
type probeOutput struct {
	remote.Answer
	// received is the time, by this machine's clock, at which the answer arrived.
	received time.Time
	// files holds lines of files by path, without empty lines and comments.
	files map[string][]string
}

// decoder converts one answer of the probe's script to facts.
type decoder struct {
	// name is the name of the answer in the script.
	name string
	// decode receives the answer as text, and the whole output for those who need more than one answer.
	decode func(output probeOutput, text string, facts *Host) error
}

// decoders returns a decoder for each answer that the script always gives. The answers that it only gives on hosts with
// firewalld are left to decodeFirewalld. Later decoders may rely on the facts of earlier ones.
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

// decode converts the output of the probe's script to facts. received is the time at which it arrived. An answer with a
// non-zero status (the program failed or is missing) leaves the facts unknown. An answer that is missing or malformed
// is an error: the host cannot be relied on then.
func decode(answer remote.Answer, received time.Time) (Host, error) {
	output := probeOutput{Answer: answer, received: received, files: splitFiles(answer.Text("lines"))}
	// getenforce is missing on hosts without SELinux.
	facts := Host{Clock: Clock{Synchronized: Unknown}, SELinux: "disabled"}
	for _, d := range decoders() {
		value, answered := answer.Values[d.name]
		if !answered {
			return Host{}, fmt.Errorf("cannot parse the facts of the host: its answer lacks %q", d.name)
		}
		if value.Status != 0 {
			continue
		}
		if err := d.decode(output, answer.Text(d.name), &facts); err != nil {
			return Host{}, fmt.Errorf("cannot parse the facts of the host: %s: %w", d.name, err)
		}
	}
	if err := decodeFirewalld(output, &facts); err != nil {
		return Host{}, fmt.Errorf("cannot parse the facts of the host: firewalld: %w", err)
	}
	return facts, nil
}

// intern returns a canonical copy of a word for use in facts. Facts live as long as the run, and a substring would keep
// the whole answer in memory. Hosts are much alike, so most words are then stored once for all of them.
func intern(word string) string { return unique.Make(word).Value() }

// splitFiles groups lines of the form PATH:LINE by path.
func splitFiles(text string) map[string][]string {
	files := map[string][]string{}
	for line := range strings.Lines(text) {
		if path, rest, found := strings.Cut(strings.TrimSuffix(line, "\n"), ":"); found {
			files[path] = append(files[path], rest)
		}
	}
	return files
}

// first returns the first line of a file without surrounding space, or "" if the file has none.
func (o probeOutput) first(path string) string {
	if lines := o.files[path]; len(lines) > 0 {
		return intern(strings.TrimSpace(lines[0]))
	}
	return ""
}

// setting returns the value of a KEY=VALUE line of a file without quotes. The last line with the key counts, as in
// shells.
func (o probeOutput) setting(path, key string) string {
	var value string
	for _, line := range o.files[path] {
		if name, rest, found := strings.Cut(line, "="); found && strings.TrimSpace(name) == key {
			value = strings.Trim(strings.TrimSpace(rest), `"'`)
		}
	}
	return intern(value)
}

// after returns the words after the colon of the line "KEY: WORDS" of a file, such as MemTotal:  123 kB.
func (o probeOutput) after(path, key string) []string {
	for _, line := range o.files[path] {
		if rest, found := strings.CutPrefix(line, key+":"); found {
			return strings.Fields(rest)
		}
	}
	return nil
}

// decodeFiles decodes the files that the script has printed.
func decodeFiles(output probeOutput, _ string, facts *Host) error {
	decodeOS(output, facts)
	facts.Kernel = output.first("/proc/sys/kernel/osrelease")
	facts.Hostname = output.first("/proc/sys/kernel/hostname")
	facts.MachineID = output.first("/etc/machine-id")
	facts.ProductUUID = strings.ToLower(output.first("/sys/class/dmi/id/product_uuid"))
	facts.UFW = strings.EqualFold(output.setting("/etc/ufw/ufw.conf", "ENABLED"), "yes")
	facts.LegacyTables = output.first("/proc/net/ip_tables_names")+output.first("/proc/net/ip6_tables_names") != ""
	facts.Nameservers = nameservers(output)
	facts.Container = output.first("/run/systemd/container")
	facts.Sysctls = map[string]string{}
	for path := range output.files {
		if key, found := strings.CutPrefix(path, "/proc/sys/"); found {
			facts.Sysctls[intern(key)] = output.first(path)
		}
	}
	if swaps := output.files["/proc/swaps"]; len(swaps) > 1 { // the first line is the heading
		for _, line := range swaps[1:] {
			device, _, _ := strings.Cut(line, " ")
			facts.Swaps = append(facts.Swaps, intern(strings.TrimSpace(device)))
		}
	}
	facts.Kubelet = decodeKubelet(output)
	return decodeNumbers(output, facts)
}

// decodeNumbers decodes the host's memory and the user that the probe ran as.
func decodeNumbers(output probeOutput, facts *Host) error {
	var err error
	if memory := output.after("/proc/meminfo", "MemTotal"); len(memory) > 0 {
		// The unit is KiB. The limit of 53 bits keeps the product from overflowing.
		if facts.Memory, err = strconv.ParseUint(memory[0], 10, 53); err != nil {
			return fmt.Errorf("memory: %w", err)
		}
		facts.Memory *= 1024
	}
	// The line has the real and the effective ID, among others. sudo sets both; the effective one counts.
	uid := output.after("/proc/self/status", "Uid")
	if len(uid) < 2 {
		return fmt.Errorf("no user in /proc/self/status")
	}
	if facts.UID, err = strconv.Atoi(uid[1]); err != nil {
		return fmt.Errorf("user: %w", err)
	}
	return nil
}

// decodeOS decodes os-release. As in os-release(5), the file below /usr/lib is only used if /etc has no such file.
func decodeOS(output probeOutput, facts *Host) {
	path := "/etc/os-release"
	if len(output.files[path]) == 0 { // it is often a link to the other one, but need not exist
		path = "/usr/lib/os-release"
	}
	facts.OS = OS{
		ID:   output.setting(path, "ID"),
		Like: strings.Fields(output.setting(path, "ID_LIKE")),
		Name: output.setting(path, "PRETTY_NAME"),
	}
	facts.OS.Name = cmp.Or(facts.OS.Name, facts.OS.ID)
}

// nameservers returns the name servers that the kubelet passes on to pods. If systemd-resolved runs, kubeadm configures
// the kubelet to use its resolv.conf, because /etc/resolv.conf only lists the resolver on the host's loopback.
func nameservers(output probeOutput) []string {
	const resolved = "/run/systemd/resolve/resolv.conf"
	path := "/etc/resolv.conf"
	if len(output.files[resolved]) > 0 {
		path = resolved
	}
	var servers []string
	for _, line := range output.files[path] {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "nameserver" {
			servers = append(servers, intern(fields[1]))
		}
	}
	return servers
}
