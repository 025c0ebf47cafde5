package prooftest

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/dualstrap/dualstrap/api"
)

// Types of DNS records (RFC 1035, RFC 3596).
const (
	typeA    = 1
	typeAAAA = 28
)

// records returns the addresses of the Service NAME.NAMESPACE, as the cluster's DNS gives them.
func (n *Network) records(name string) []netip.Addr {
	n.mu.Lock()
	defer n.mu.Unlock()
	var records []netip.Addr
	for _, service := range n.services {
		if service.name+"."+service.namespace != name {
			continue
		}
		for _, address := range service.addresses {
			family := api.FamilyOf(address)
			if n.DNS.Wrong.IsValid() && api.FamilyOf(n.DNS.Wrong) == family {
				address = n.DNS.Wrong
			}
			if !n.DNS.Lacks[family] {
				records = append(records, address)
			}
		}
	}
	return records
}

// serveDNS answers queries over TCP.
func (n *Network) serveDNS(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			for n.answerQuery(conn) == nil {
				continue
			}
		}()
	}
}

// errQuery reports a message that is not a query of a resolver.
var errQuery = errors.New("not a query")

// answerQuery reads a query and answers it. A message over TCP begins with its length.
func (n *Network) answerQuery(conn net.Conn) error {
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return err
	}
	query := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(conn, query); err != nil {
		return err
	}
	name, end, err := question(query)
	if err != nil {
		return err
	}
	kind := binary.BigEndian.Uint16(query[end-4:])
	records := slices.DeleteFunc(n.records(strings.TrimSuffix(name, ".svc.cluster.local")), func(a netip.Addr) bool {
		return a.Is4() != (kind == typeA) || kind != typeA && kind != typeAAAA
	})
	// The ID and the question of the query are repeated, the flags are those of an authoritative answer, and only the
	// counts of questions and answers are not zero.
	answer := append([]byte{query[0], query[1], 0x85, 0x80, 0, 1, 0, byte(len(records)), 0, 0, 0, 0}, query[12:end]...)
	for _, address := range records {
		answer = append(answer, 0xc0, 12) // the name in the question
		answer = binary.BigEndian.AppendUint16(answer, kind)
		answer = append(answer, 0, 1, 0, 0, 0, 5) // class IN, a time to live of 5 seconds
		answer = binary.BigEndian.AppendUint16(answer, uint16(len(address.AsSlice())))
		answer = append(answer, address.AsSlice()...)
	}
	_, err = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...))
	return err
}

// question returns the name in a query with one question, and the offset of the question's end.
func question(query []byte) (name string, end int, err error) {
	const header, typeAndClass = 12, 4
	var labels []string
	for at := header; at < len(query); {
		length := int(query[at])
		next := at + 1 + length
		switch {
		case length == 0 && next+typeAndClass <= len(query):
			return strings.Join(labels, "."), next + typeAndClass, nil
		case length == 0 || next > len(query):
			return "", 0, errQuery
		}
		labels = append(labels, string(query[at+1:next]))
		at = next
	}
	return "", 0, errQuery
}
