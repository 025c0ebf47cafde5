package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"syscall"
)

const (
	// maxHeard is the number of datagrams that are kept, the latest ones. maxText is the number of bytes kept of each.
	maxHeard, maxText = 256, 64
	// hops is the hop limit of forged packets, and sourcePort their UDP source port.
	hops, sourcePort = 64, 4711
	udpLength        = 8 // of a UDP header, in bytes
)

// forged sends a UDP datagram from the address ?from= to ?to= with the text ?text=, as any process with raw sockets
// can. It needs CAP_NET_RAW.
func forged(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	from, err := netip.ParseAddr(query.Get("from"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	to, err := netip.ParseAddrPort(query.Get("to"))
	if err != nil || from.Is4() != to.Addr().Is4() || len(query.Get("text")) > maxText {
		http.Error(w, "to is not an address of the same family with a port, or text is too long", http.StatusBadRequest)
		return
	}
	if err := send(datagram(from, to, query.Get("text")), to.Addr()); err != nil {
		http.Error(w, fmt.Sprintf("cannot send as %s: %v", from, err), http.StatusBadGateway)
		return
	}
	fmt.Fprintln(w, "sent")
}

// send sends a packet that includes its IP header.
func send(packet []byte, to netip.Addr) error {
	family, address := syscall.AF_INET6, syscall.Sockaddr(&syscall.SockaddrInet6{Addr: to.As16()})
	if to.Is4() {
		family, address = syscall.AF_INET, &syscall.SockaddrInet4{Addr: to.As4()}
	}
	socket, err := syscall.Socket(family, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, syscall.IPPROTO_RAW)
	if err != nil {
		return err
	}
	return errors.Join(syscall.Sendto(socket, packet, 0, address), syscall.Close(socket))
}

// datagram returns a UDP packet, from the IP header on.
func datagram(from netip.Addr, to netip.AddrPort, text string) []byte {
	udp := binary.BigEndian.AppendUint16(nil, sourcePort)
	udp = binary.BigEndian.AppendUint16(udp, to.Port())
	udp = binary.BigEndian.AppendUint16(udp, uint16(udpLength+len(text)))
	// The checksum is computed over a zero in its place.
	udp = append(append(udp, 0, 0), text...)
	pseudo := append(from.AsSlice(), to.Addr().AsSlice()...)
	pseudo = append(pseudo, 0, syscall.IPPROTO_UDP)
	pseudo = binary.BigEndian.AppendUint16(pseudo, uint16(len(udp)))
	binary.BigEndian.PutUint16(udp[6:], checksum(append(pseudo, udp...)))

	var header []byte
	if from.Is4() {
		header = append(header, 0x45, 0)
		header = binary.BigEndian.AppendUint16(header, uint16(20+len(udp)))
		header = append(header, 0, 0, 0, 0, hops, syscall.IPPROTO_UDP, 0, 0) // the kernel fills in the checksum
	} else {
		header = append(header, 0x60, 0, 0, 0)
		header = binary.BigEndian.AppendUint16(header, uint16(len(udp)))
		header = append(header, syscall.IPPROTO_UDP, hops)
	}
	header = append(append(header, from.AsSlice()...), to.Addr().AsSlice()...)
	return append(header, udp...)
}

// checksum returns the checksum of RFC 1071. UDP replaces 0 by 0xffff, because 0 means that there is no checksum.
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
	if sum == 0xffff {
		return 0xffff
	}
	return ^uint16(sum)
}

// ear records datagrams. It is safe for concurrent use.
type ear struct {
	mu    sync.Mutex
	heard []string
}

// listen records datagrams until the socket is closed.
func (e *ear) listen(conn net.PacketConn) {
	buffer := make([]byte, maxText)
	for {
		length, from, err := conn.ReadFrom(buffer)
		if err != nil {
			return
		}
		host, _, err := net.SplitHostPort(from.String())
		if err != nil {
			host = from.String()
		}
		e.mu.Lock()
		e.heard = append(e.heard, fmt.Sprintf("%q %s", buffer[:length], host))
		e.heard = e.heard[max(0, len(e.heard)-maxHeard):]
		e.mu.Unlock()
	}
}

// ServeHTTP responds with the recorded datagrams whose text begins with ?about=, one per line: the quoted text, and the
// address of the sender.
func (e *ear) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, line := range e.heard {
		if strings.HasPrefix(line, `"`+r.URL.Query().Get("about")) {
			fmt.Fprintln(w, line)
		}
	}
}
