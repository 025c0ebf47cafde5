package nettest

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"golang.org/x/sys/unix"
)

// Packet is an IP packet that a test sends through a raw socket, with a header of its own choice.
type Packet struct {
	From, To netip.Addr
	// Protocol is the IP protocol of Payload. Payload starts with that protocol's header, including its checksum if it
	// needs one.
	Protocol byte
	Payload  []byte
}

// Datagram returns a UDP packet.
func Datagram(from, to netip.Addr, port uint16, text string) Packet {
	const headerLength, sourcePort = 8, 4711
	udp := binary.BigEndian.AppendUint16(nil, sourcePort)
	udp = binary.BigEndian.AppendUint16(udp, port)
	udp = binary.BigEndian.AppendUint16(udp, uint16(headerLength+len(text)))
	return checksummed(Packet{From: from, To: to, Protocol: unix.IPPROTO_UDP, Payload: append(append(udp, 0, 0), text...)}, 6)
}

// Control returns an ICMP or ICMPv6 packet, depending on the family of from. kind is the ICMP type.
func Control(from, to netip.Addr, kind byte, body ...byte) Packet {
	packet := Packet{From: from, To: to, Protocol: unix.IPPROTO_ICMPV6, Payload: append([]byte{kind, 0, 0, 0}, body...)}
	if from.Is4() {
		packet.Protocol = unix.IPPROTO_ICMP
	}
	return checksummed(packet, 2)
}

// checksummed fills in the checksum of a payload at an offset. It covers a pseudo-header with the addresses, except in
// ICMP.
func checksummed(packet Packet, at int) Packet {
	var pseudo []byte
	if packet.Protocol != unix.IPPROTO_ICMP {
		pseudo = append(packet.From.AsSlice(), packet.To.AsSlice()...)
		pseudo = append(pseudo, 0, packet.Protocol)
		pseudo = binary.BigEndian.AppendUint16(pseudo, uint16(len(packet.Payload)))
	}
	binary.BigEndian.PutUint16(packet.Payload[at:], checksum(append(pseudo, packet.Payload...)))
	return packet
}

// checksum returns the Internet checksum of RFC 1071.
func checksum(data []byte) uint16 {
	var sum uint32
	for i := 0; i < len(data); i += 2 {
		word := uint32(data[i]) << 8
		if i+1 < len(data) {
			word |= uint32(data[i+1])
		}
		sum += word
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// bytes returns the packet with its IP header.
func (p Packet) bytes() []byte {
	const hops = 64
	var header []byte
	if p.From.Is4() {
		header = append(header, 0x45, 0)
		header = binary.BigEndian.AppendUint16(header, uint16(20+len(p.Payload)))
		header = append(header, 0, 0, 0, 0, hops, p.Protocol, 0, 0) // the kernel fills in the checksum
	} else {
		header = append(header, 0x60, 0, 0, 0)
		header = binary.BigEndian.AppendUint16(header, uint16(len(p.Payload)))
		header = append(header, p.Protocol, 255) // neighbour discovery requires this hop limit
	}
	header = append(append(header, p.From.AsSlice()...), p.To.AsSlice()...)
	return append(header, p.Payload...)
}

// Send sends a packet unchanged. link is the interface for destinations that exist on every link, link-local and
// multicast addresses.
func (n *Namespace) Send(link string, packet Packet) {
	n.tb.Helper()
	err := n.Do(func() error {
		family, to := unix.AF_INET, unix.Sockaddr(nil)
		if packet.From.Is4() {
			to = &unix.SockaddrInet4{Addr: packet.To.As4()}
		} else {
			family = unix.AF_INET6
			out, err := net.InterfaceByName(link)
			if err != nil {
				return err
			}
			address := &unix.SockaddrInet6{Addr: packet.To.As16()}
			if packet.To.IsLinkLocalUnicast() || packet.To.IsMulticast() {
				address.ZoneId = uint32(out.Index)
			}
			to = address
		}
		socket, err := unix.Socket(family, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
		if err != nil {
			return err
		}
		defer func() { _ = unix.Close(socket) }()
		return unix.Sendto(socket, packet.bytes(), 0, to)
	})
	if err != nil {
		n.tb.Fatalf("%s: cannot send from %s to %s: %v", n.Name, packet.From, packet.To, err)
	}
}

// Ear records the UDP datagrams that arrive at a port, in both families. It is safe for concurrent use.
type Ear struct {
	mu    sync.Mutex
	heard []string
}

// Hear starts recording the datagrams that arrive at a port, until the test ends.
func (n *Namespace) Hear(port uint16) *Ear {
	n.tb.Helper()
	var conn net.PacketConn
	if err := n.Do(func() (err error) {
		conn, err = new(net.ListenConfig).ListenPacket(n.tb.Context(), "udp", fmt.Sprintf(":%d", port))
		return err
	}); err != nil {
		n.tb.Fatalf("%s: cannot listen on port %d: %v", n.Name, port, err)
	}
	n.tb.Cleanup(func() { _ = conn.Close() })
	ear := &Ear{}
	go func() {
		buffer := make([]byte, 2048)
		for {
			length, sender, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			from, err := netip.ParseAddrPort(sender.String())
			if err != nil {
				return
			}
			ear.mu.Lock()
			ear.heard = append(ear.heard, fmt.Sprintf("%s from %s", buffer[:length], from.Addr().Unmap().WithZone("")))
			ear.mu.Unlock()
		}
	}()
	return ear
}

// Heard returns the datagrams so far, each as "TEXT from ADDRESS".
func (e *Ear) Heard() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]string(nil), e.heard...)
}
