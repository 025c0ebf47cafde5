package network

import (
	"fmt"
	"net"
	"strings"

	"github.com/vishvananda/netlink"
)

// LinkOf returns the state of a host's veth link. pid is the process ID of the host's init.
func LinkOf(id string, pid int) (State, error) {
	link, err := find(vethPrefix + id)
	if err != nil || link == nil {
		return Detached, err
	}
	// The ID is that of the network namespace at the far end, as seen from here.
	namespace, err := netlink.GetNetNsIdByPid(pid)
	if err != nil {
		return Detached, fmt.Errorf("cannot find the network namespace of process %d: %w", pid, err)
	}
	switch {
	case link.Attrs().NetNsID != namespace || namespace < 0:
		return Detached, nil // it leads to the network namespace that the host had before it was restarted
	case !isUp(link):
		return Disconnected, nil
	default:
		return Connected, nil
	}
}

// Attach creates a veth link from the bridge into the network namespace of a process, and replaces an existing one.
func Attach(id, mac string, pid int) error {
	bridge, err := find(Bridge)
	if err != nil {
		return err
	}
	if bridge == nil {
		return fmt.Errorf("cannot attach %s to the network: there is no bridge %s", id, Bridge)
	}
	// A veth link into an older network namespace of the host would keep the name in use.
	if err := Detach(id); err != nil {
		return err
	}
	hardware, err := net.ParseMAC(mac)
	if err != nil {
		return fmt.Errorf("cannot attach %s to the network: %w", id, err)
	}
	attributes := netlink.NewLinkAttrs()
	attributes.Name = vethPrefix + id
	attributes.MasterIndex = bridge.Attrs().Index
	// One request creates both ends, so an interruption leaves either a complete pair or nothing. The far end gets its name and
	// MAC address within the host's network namespace: eth0 would collide with this machine's own.
	veth := &netlink.Veth{
		LinkAttrs:        attributes,
		PeerName:         Interface,
		PeerHardwareAddr: hardware,
		PeerNamespace:    netlink.NsPid(pid),
	}
	if err := netlink.LinkAdd(veth); err != nil {
		return fmt.Errorf("cannot create the veth link of %s: %w", id, err)
	}
	return SetLink(id, true)
}

// Detach removes a host's veth link, if there is one.
func Detach(id string) error {
	link, err := find(vethPrefix + id)
	if err != nil || link == nil {
		return err
	}
	return remove(link)
}

// SetLink sets the machine's end of a veth link up or down.
func SetLink(id string, on bool) error {
	link, err := find(vethPrefix + id)
	if err != nil {
		return err
	}
	if link == nil {
		return fmt.Errorf("cannot set the veth link of %s up or down: it does not exist", id)
	}
	change := netlink.LinkSetDown
	if on {
		change = netlink.LinkSetUp
	}
	if err := change(link); err != nil {
		return fmt.Errorf("cannot set the veth link of %s up or down: %w", id, err)
	}
	return nil
}

// vethLinks returns the machine's ends of all veth links.
func vethLinks() ([]netlink.Link, error) {
	links, err := dump(netlink.LinkList)
	if err != nil {
		return nil, fmt.Errorf("cannot list the network interfaces: %w", err)
	}
	var veths []netlink.Link
	for _, link := range links {
		if strings.HasPrefix(link.Attrs().Name, vethPrefix) && link.Type() == "veth" {
			veths = append(veths, link)
		}
	}
	return veths, nil
}
