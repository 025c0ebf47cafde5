package network

import (
	"fmt"
	"net"
	"strings"

	"github.com/vishvananda/netlink"
)

// LinkOf gives the state of the cable of the host whose first process has a PID.
func LinkOf(id string, pid int) (State, error) {
	link, err := find(vethPrefix + id)
	if err != nil || link == nil {
		return Detached, err
	}
	namespace, err := netlink.GetNetNsIdByPid(pid)
	if err != nil {
		return Detached, fmt.Errorf("cannot look at the network of process %d: %w", pid, err)
	}
	switch {
	case link.Attrs().NetNsID != namespace || namespace < 0:
		return Detached, nil // it leads to what the host was before it started again
	case !isUp(link):
		return Disconnected, nil
	default:
		return Connected, nil
	}
}

// Attach makes a cable into the network namespace of a process, and replaces what there was.
func Attach(id, mac string, pid int) error {
	bridge, err := find(Bridge)
	if err != nil {
		return err
	}
	if bridge == nil {
		return fmt.Errorf("cannot plug %s in: there is no bridge %s", id, Bridge)
	}
	if err := Detach(id); err != nil {
		return err
	}
	hardware, err := net.ParseMAC(mac)
	if err != nil {
		return fmt.Errorf("cannot plug %s in: %w", id, err)
	}
	attributes := netlink.NewLinkAttrs()
	attributes.Name = vethPrefix + id
	attributes.MasterIndex = bridge.Attrs().Index
	cable := &netlink.Veth{
		LinkAttrs:        attributes,
		PeerName:         Interface,
		PeerHardwareAddr: hardware,
		PeerNamespace:    netlink.NsPid(pid),
	}
	if err := netlink.LinkAdd(cable); err != nil {
		return fmt.Errorf("cannot make the cable of %s: %w", id, err)
	}
	return SetLink(id, true)
}

// Detach removes a cable, if there is one.
func Detach(id string) error {
	link, err := find(vethPrefix + id)
	if err != nil || link == nil {
		return err
	}
	return remove(link)
}

// SetLink switches the machine's end of a cable on or off.
func SetLink(id string, on bool) error {
	link, err := find(vethPrefix + id)
	if err != nil {
		return err
	}
	if link == nil {
		return fmt.Errorf("cannot reach the cable of %s: there is none", id)
	}
	change := netlink.LinkSetDown
	if on {
		change = netlink.LinkSetUp
	}
	if err := change(link); err != nil {
		return fmt.Errorf("cannot switch the cable of %s: %w", id, err)
	}
	return nil
}

// vethLinks gives the machine's ends of all cables.
func vethLinks() ([]netlink.Link, error) {
	links, err := dump(netlink.LinkList)
	if err != nil {
		return nil, fmt.Errorf("cannot list the network interfaces: %w", err)
	}
	var cables []netlink.Link
	for _, link := range links {
		if strings.HasPrefix(link.Attrs().Name, vethPrefix) && link.Type() == "veth" {
			cables = append(cables, link)
		}
	}
	return cables, nil
}
