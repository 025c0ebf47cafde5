package main

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"syscall"
)

const (
	// maxHeard bounds what is kept of datagrams, the latest, and maxText what is kept of one.
	maxHeard, maxText = 256, 64
	// hops and sourcePort are what forged packets have.
	hops, sourcePort = 64, 4711
	udpLength        = 8
)

// forged sends a UDP datagram with the address ?from= to ?to=, with the text ?text=, as a process with raw
// sockets can.
func forged(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	from, err := netip.ParseAddr(query.Get("from"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	to, err := netip.ParseAddrPort(query.Get("to"))
	if err != nil || from.Is4() != to.Addr().Is4() || len(query.Get("text")) > maxText {
		http.Error(w, "to is no address of the same family with a port, or text is too long", http.StatusBadRequest)
		return
	}
	if err := send(datagram(from, to, query.Get("text")), to.Addr()); err != nil {
		http.Error(w, fmt.Sprintf("cannot send as %s: %v", from, err), http.StatusBadGateway)
		return
	}
	fmt.Fprintln(w, "sent") //nolint:errcheck // whoever asked is gone
}

// send gives a whole packet to the kernel.
func send(packet []byte, to netip.Addr) error {
	family, address := syscall.AF_INET6, syscall.Sockaddr(&syscall.SockaddrInet6{Addr: to.As16()})
	if to.Is4() {
		family, address = syscall.AF_INET, &syscall.SockaddrInet4{Addr: to.As4()}
	}
	socket, err := syscall.Socket(family, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, syscall.IPPROTO_RAW)
	if err != nil {
		return err
	}
	defer syscall.Close(socket) //nolint:errcheck // it has sent
	return syscall.Sendto(socket, packet, 0, address)
}

// datagram makes a packet from the IP header on.
func datagram(from netip.Addr, to netip.AddrPort, text string) []byte {
	udp := binary.BigEndian.AppendUint16(nil, sourcePort)
	udp = binary.BigEndian.AppendUint16(udp, to.Port())
	udp = binary.BigEndian.AppendUint16(udp, uint16(udpLength+len(text)))
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

// checksum is that of RFC 1071; UDP writes 0 as its other form, since 0 says that there is none.
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

// ear hears datagrams.
type ear struct {
	mu    sync.Mutex
	heard []string
}

// listen hears until the socket is closed.
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

// ServeHTTP gives what was heard that begins with ?about=, a line each: the text, quoted, and the address
// that it came from.
func (e *ear) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, line := range e.heard {
		if strings.HasPrefix(line, `"`+r.URL.Query().Get("about")) {
			fmt.Fprintln(w, line) //nolint:errcheck // whoever asked is gone
		}
	}
}
