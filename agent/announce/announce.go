package announce

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"

	"github.com/mdlayher/ndp"
	"golang.org/x/sys/unix"
)

// Link is the interface to announce on. Source is an IPv6 address that the interface holds, from which neighbour
// advertisements are sent.
type Link struct {
	Name   string
	Source netip.Addr
}

// NeighborAdvertisements sends one unsolicited neighbour advertisement for each IPv6 address to all nodes on the link.
func NeighborAdvertisements(link Link, addrs []netip.Addr) (err error) {
	device, err := net.InterfaceByName(link.Name)
	if err != nil {
		return fmt.Errorf("cannot find interface %s: %w", link.Name, err)
	}
	conn, _, err := ndp.Listen(device, ndp.Addr(link.Source.String()))
	if err != nil {
		return fmt.Errorf("cannot send neighbour advertisements from %s on %s: %w", link.Source, link.Name, err)
	}
	defer func() { _ = conn.Close() }() // nothing was buffered
	for _, addr := range addrs {
		message := &ndp.NeighborAdvertisement{
			Override:      true, // replaces another link-layer address in caches
			TargetAddress: addr,
			Options:       []ndp.Option{&ndp.LinkLayerAddress{Direction: ndp.Target, Addr: device.HardwareAddr}},
		}
		if err := conn.WriteTo(message, nil, netip.IPv6LinkLocalAllNodes()); err != nil {
			return fmt.Errorf("cannot send a neighbour advertisement for %s on %s: %w", addr, link.Name, err)
		}
	}
	return nil
}

// GratuitousARP broadcasts one gratuitous ARP request for each IPv4 address. link.Source is not used.
func GratuitousARP(link Link, addrs []netip.Addr) error {
	device, err := net.InterfaceByName(link.Name)
	if err != nil {
		return fmt.Errorf("cannot find interface %s: %w", link.Name, err)
	}
	if len(device.HardwareAddr) != macLength {
		return fmt.Errorf("cannot send ARP on %s: it is not an Ethernet interface", link.Name)
	}
	// A datagram socket: the kernel adds the Ethernet header.
	socket, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("cannot open a packet socket: %w", err)
	}
	defer func() { _ = unix.Close(socket) }() // nothing was buffered
	broadcast := &unix.SockaddrLinklayer{
		Protocol: bigEndian(unix.ETH_P_ARP), Ifindex: device.Index, Halen: macLength,
		Addr: [8]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
	}
	for _, addr := range addrs {
		if err := unix.Sendto(socket, arpRequest(device.HardwareAddr, addr), 0, broadcast); err != nil {
			return fmt.Errorf("cannot send ARP for %s on %s: %w", addr, link.Name, err)
		}
	}
	return nil
}

// macLength is the length of an Ethernet address in bytes.
const macLength = 6

// arpRequest returns an ARP request whose sender and target address are the same, which is the announcement of RFC
// 5227. It has 28 bytes.
func arpRequest(mac net.HardwareAddr, addr netip.Addr) []byte {
	const ethernet, request = 1, 1
	message := binary.BigEndian.AppendUint16(nil, ethernet)
	message = binary.BigEndian.AppendUint16(message, unix.ETH_P_IP)
	message = append(message, macLength, net.IPv4len)
	message = binary.BigEndian.AppendUint16(message, request)
	message = append(append(message, mac...), addr.AsSlice()...)                  // sender
	return append(append(message, make([]byte, macLength)...), addr.AsSlice()...) // target
}

// bigEndian returns a protocol number in the form that a packet socket's address expects: in network byte order.
func bigEndian(n uint16) uint16 {
	var bytes [2]byte
	binary.BigEndian.PutUint16(bytes[:], n)
	return binary.NativeEndian.Uint16(bytes[:])
}
