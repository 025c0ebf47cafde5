package facts

import (
	"cmp"
	"fmt"
	"net/netip"
	"time"

	"github.com/dualstrap/dualstrap/hostprep/osfamily"
)

// Host holds the facts about one host. A field is its zero value if the host cannot tell, because a program or a file is
// missing.
type Host struct {
	OS           OS
	Kernel       string // as printed by uname -r
	Architecture string // as printed by uname -m
	// CPUs is the number of CPUs that the host may use.
	CPUs int
	// Memory is in bytes.
	Memory uint64
	// Spaces holds the file systems of / and of the directories that a node fills, by these paths. A directory that
	// does not exist yet has the file system of its closest existing parent.
	Spaces map[string]Space
	// UID is the effective ID of the user that the probe ran as.
	UID int
	// Container is the type of container that the host is, such as podman; empty if it is not a container.
	Container string
	// Systemd reports that systemd is the host's init.
	Systemd bool
	Cgroup  Cgroup
	// Features holds, for each kernel module that a node needs, whether the kernel has it, built in or as a module.
	Features map[string]Presence
	// Swaps lists the devices and files that the host swaps to.
	Swaps []string
	Clock Clock
	// Nameservers lists the name servers of the resolv.conf that the kubelet passes on to pods.
	Nameservers []string

	Hostname  string
	MachineID string
	// ProductUUID is the firmware's ID of the machine, in lower case. Containers share that of their machine.
	ProductUUID string

	// Links includes the loopback, and interfaces of pods on a node.
	Links []Link
	// Routes includes routes without a gateway and default routes only.
	Routes []Route
	// IPv6 reports that the kernel was booted with IPv6.
	IPv6 bool
	// Sysctls holds settings of the kernel by path below /proc/sys.
	Sysctls   map[string]string
	Listeners []Listener

	// Units holds those of the probed systemd services that exist on the host, by name without .service.
	Units map[string]Unit
	// Present is the set of probed paths that exist. Directories that a cluster fills only count if they are not
	// empty.
	Present map[string]bool
	// Programs is the set of probed programs that are in the host's PATH.
	Programs   map[string]bool
	Membership Membership
	// Kubelet is nil if no kubelet has been configured, or not by kubeadm.
	Kubelet *Kubelet

	Firewalld Firewalld
	// SELinux is enforcing, permissive or disabled.
	SELinux string
	// UFW reports that ufw is enabled.
	UFW bool
	// LegacyTables reports that iptables-legacy has tables in the kernel.
	LegacyTables bool
}

// OS is the host's distribution.
type OS struct {
	// ID and Like hold ID and ID_LIKE of os-release.
	ID   string
	Like []string
	// Name is the name for users, PRETTY_NAME or else ID.
	Name string
}

// IDs returns the distribution's ID, and then those of the distributions that it is like.
func (o OS) IDs() []string { return append([]string{o.ID}, o.Like...) }

// Family returns the family of the host's distribution, as os-release describes it.
func (h *Host) Family() osfamily.Family { return osfamily.Of(h.OS.IDs()...) }

// PackageFamily returns the family whose package manager installs packages on the host. A host may have that of another
// family than its own.
func (h *Host) PackageFamily() osfamily.Family { return osfamily.OfManager(h.Family(), h.Programs) }

// Space describes a file system.
type Space struct {
	// ID is equal for directories on the same file system.
	ID string
	// Size and Available are in bytes. Available does not include the space that is reserved for root.
	Size, Available uint64
	// Inodes is 0 for file systems that do not have a fixed number of inodes.
	Inodes, FreeInodes uint64
}

// Cgroup describes the host's control groups.
type Cgroup struct {
	// Version is 1 or 2; 0 if there are no control groups.
	Version int
	// Controllers lists the enabled controllers.
	Controllers []string
}

// Presence reports whether something is present, or that the host cannot tell.
type Presence string

// The values of a Presence.
const (
	Yes     Presence = "yes"
	No      Presence = "no"
	Unknown Presence = "unknown"
)

// Clock describes the host's clock.
type Clock struct {
	// Known reports that the host's time could be read.
	Known bool
	// Ahead is the difference to this machine's clock, negative if the host's is behind. The true difference is at
	// most Uncertainty more or less.
	Ahead, Uncertainty time.Duration
	// Synchronized reports whether a program, such as chrony, keeps the clock synchronized.
	Synchronized Presence
}

// Listener is a port that a process listens on.
type Listener struct {
	Network string // tcp or udp
	// Address is unspecified (0.0.0.0 or ::) for all addresses of its family, and the zero Addr for all addresses
	// of both families.
	Address netip.Addr
	Port    int
	// Process is the name of the process; empty if ss cannot see it.
	Process string
}

// String describes the listener for a message.
func (l Listener) String() string {
	who := l.Process
	if who == "" {
		who = "a program"
	}
	return fmt.Sprintf("%s has port %d/%s", who, l.Port, l.Network)
}

// Unit describes a systemd service.
type Unit struct {
	// Active includes services that are being started. Enabled services start at boot.
	Active, Enabled bool
	// Path is the path of the unit file.
	Path string
}

// Membership describes the cluster that the host belongs to.
type Membership struct {
	// Server is the URL at which the kubelet reaches the API server, such as https://10.2.0.175:443; empty if the
	// host is not a node.
	Server string
	// CAHash pins the certificate authority on the host, in the form sha256:HEX; empty if there is no certificate.
	CAHash string
	// Prepared reports that dualstrap has changed the host.
	Prepared bool
	// Joined reports that kubeadm has finished on the host, so that it is not a partially joined node.
	Joined bool
	// PreparedFor is the API server's HOST:PORT that dualstrap prepared the host for; empty if it is not known.
	PreparedFor string
}

// Kubelet holds those settings of a host's kubelet that manifests set. kubeadm writes them once, when the host joins,
// so they may differ from the present manifests.
type Kubelet struct {
	MaxPods int
	// SeccompDefault applies the runtime's default seccomp profile to pods that do not name one.
	SeccompDefault bool
	// RegistryPullQPS is the maximum number of image pulls per second; 0 for no limit.
	RegistryPullQPS int
	// RegistryBurst is the number of pulls that may exceed the limit for a moment.
	RegistryBurst int
	// SerializeImagePulls pulls one image at a time.
	SerializeImagePulls bool
	// ServerTLSBootstrap reports that the kubelet requests its serving certificate from the cluster.
	ServerTLSBootstrap bool
	// NodeIPs lists the node's addresses in the order of --node-ip.
	NodeIPs []netip.Addr
}

// Firewalld describes firewalld on the host.
type Firewalld struct {
	// DefaultZone is the value in firewalld.conf, or firewalld's default.
	DefaultZone string
	// Zones maps interfaces to the zones that claim them. All other interfaces are in the default zone. It is nil if
	// firewalld does not run or does not answer.
	Zones map[string]string
	// RPFilter is the value of IPv6_rpfilter in firewalld.conf, in lower case, or firewalld's default if the file
	// has none.
	RPFilter string
	// RPFilterRunning reports that the kernel has the rule that IPv6_rpfilter adds.
	RPFilterRunning bool
}

// ZoneOf returns the zone of an interface: the one that claims it, else the default zone.
func (f Firewalld) ZoneOf(link string) string {
	return cmp.Or(f.Zones[link], f.DefaultZone)
}
