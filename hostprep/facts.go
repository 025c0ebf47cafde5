package hostprep

import (
	"net/netip"
	"time"
)

// Facts is what one host is like. What a host cannot tell, for want of a program or of a file, is the
// zero value.
type Facts struct {
	OS           OS
	Kernel       string // as uname -r gives it
	Architecture string // as uname -m gives it
	CPUs         int
	// Memory is in bytes.
	Memory uint64
	// Spaces are the file systems below / and below the directories that a node fills, by these paths.
	Spaces map[string]Space
	// UID is the user that the probe ran as.
	UID int
	// Container is the kind of container that the host is, as podman; empty when it is none.
	Container string
	// Systemd says that systemd runs the host.
	Systemd bool
	Cgroup  Cgroup
	// Features says of each of the kernel's modules that a node needs whether it is there.
	Features map[string]Presence
	// Swaps are the devices and files that the host swaps to.
	Swaps []string
	Clock Clock
	// Nameservers are those of the file that pods get their DNS settings from.
	Nameservers []string

	Hostname    string
	MachineID   string
	ProductUUID string

	Links  []Link
	Routes []Route
	// IPv6 says that the kernel speaks IPv6 at all.
	IPv6 bool
	// Sysctls are settings of the kernel, by paths below /proc/sys.
	Sysctls   map[string]string
	Listeners []Listener

	// Units are the systemd units that matter here and that the host knows, by name.
	Units map[string]Unit
	// Present are those of the paths that the probe looks for that exist; of directories that a cluster fills,
	// those that are not empty.
	Present map[string]bool
	// Programs are those of the programs that the probe looks for that are in the host's PATH.
	Programs   map[string]bool
	Membership Membership
	// Kubelet is nil where no kubelet has been configured, or its configuration is not kubeadm's.
	Kubelet *Kubelet

	Firewalld Firewalld
	// SELinux is enforcing, permissive or disabled.
	SELinux string
	// UFW says that ufw is switched on.
	UFW bool
	// LegacyTables says that iptables-legacy has tables in the kernel.
	LegacyTables bool
}

// OS is the host's distribution.
type OS struct {
	// ID, Like and Version are ID, ID_LIKE and VERSION_ID of os-release.
	ID      string
	Like    []string
	Version string
	// Name is its name for people.
	Name string
}

// Space is one file system.
type Space struct {
	// ID is the same for directories on the same file system.
	ID string
	// Size and Available are bytes; what is reserved for root is not available.
	Size, Available uint64
	// Inodes is 0 for file systems that do not count them.
	Inodes, FreeInodes uint64
}

// Cgroup is the host's control group hierarchy.
type Cgroup struct {
	// Version is 1 or 2; 0 when there is none.
	Version int
	// Controllers are those that are switched on.
	Controllers []string
}

// Presence is whether something is there.
type Presence string

// The values of a Presence.
const (
	Yes     Presence = "yes"
	No      Presence = "no"
	Unknown Presence = "unknown"
)

// Clock is what the host's clock showed.
type Clock struct {
	// Known says that the host told its time.
	Known bool
	// Ahead is how much it was ahead of this machine's clock, give or take Uncertainty.
	Ahead, Uncertainty time.Duration
	// Synchronized says whether something keeps the clock right.
	Synchronized Presence
}

// Link is a network interface.
type Link struct {
	Name      string
	MAC       string
	MTU       int
	Up        bool
	Loopback  bool
	Addresses []Address
}

// Address is an address on an interface.
type Address struct {
	// Prefix is the address itself, with the length of its subnet.
	Prefix netip.Prefix
	Global bool
	// Dynamic addresses end some day, unless a router or a DHCP server renews them.
	Dynamic bool
	// Temporary addresses are made up by privacy extensions and replaced every day.
	Temporary bool
	// Tentative addresses are being checked for duplicates, and Duplicate ones failed that.
	Tentative, Duplicate bool
	// Deprecated addresses are not to be used for new connections.
	Deprecated bool
}

// Addr is the address without its subnet.
func (a Address) Addr() netip.Addr { return a.Prefix.Addr() }

// Route is a route without a gateway, or a default route.
type Route struct {
	// Prefix is 0.0.0.0/0 or ::/0 for a default route.
	Prefix    netip.Prefix
	Interface string
	// Gateway says that the route has one.
	Gateway bool
	// FromRouter says that a router advertisement made it.
	FromRouter bool
}

// Listener is a port that is taken.
type Listener struct {
	Network string // tcp or udp
	// Address is unspecified when the port is taken on all addresses of its family, and invalid when it
	// is taken on all of both.
	Address netip.Addr
	Port    int
	// Process is the name of the program, empty when it is unknown.
	Process string
}

// Unit is a systemd unit.
type Unit struct {
	Active, Enabled bool
	// Path is the unit's file.
	Path string
}

// Membership is what the host is a node of.
type Membership struct {
	// Server is where its kubelet reaches the API server, as https://10.2.0.175:443; empty when the
	// host is no node.
	Server string
	// CAHash pins the certificate authority on the host, in the form sha256:HEX.
	CAHash string
	// Prepared says that dualstrap has worked on the host.
	Prepared bool
	// Joined says that kubeadm has come to its end on the host: it is a node, and no half of one.
	Joined bool
	// PreparedFor is the API server's HOST:PORT that dualstrap prepared the host for, as far as known.
	PreparedFor string
}

// Kubelet is what a host's kubelet is set to, of what manifests set: kubeadm writes it once, when the host joins.
type Kubelet struct {
	MaxPods             int
	SeccompDefault      bool
	RegistryPullQPS     int
	RegistryBurst       int
	SerializeImagePulls bool
	// ServerTLSBootstrap says that the kubelet asks the cluster for the certificate that it serves with.
	ServerTLSBootstrap bool
	// NodeIPs are the node's addresses in the order of --node-ip.
	NodeIPs []netip.Addr
}

// Firewalld is the state of firewalld.
type Firewalld struct {
	Installed bool
	// DefaultZone is that of firewalld.conf.
	DefaultZone string
	// Zones are those that claim interfaces, by interface.
	Zones map[string]string
	// RPFilter is IPv6_rpfilter of firewalld.conf, in small letters; firewalld's own default when the
	// file does not say.
	RPFilter string
	// RPFilterRunning says that the running rules have what IPv6_rpfilter makes.
	RPFilterRunning bool
}
