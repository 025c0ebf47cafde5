package clustertest

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"
)

// etcdServer serves the JSON gateway of all members. What it answers follows from the state of the hosts.
type etcdServer struct {
	cluster *Cluster
	// last is the last ID of a member.
	last  int
	conns chan net.Conn
	done  chan struct{}
}

// memberConn is a connection to the member on a host.
type memberConn struct {
	net.Conn

	host *Host
}

// hostKey is the key of the host in the context of a request.
type hostKey struct{}

// newEtcdServer returns an etcd without members. It serves until the end of the test.
func newEtcdServer(cluster *Cluster) *etcdServer {
	e := &etcdServer{cluster: cluster, conns: make(chan net.Conn), done: make(chan struct{})}
	server := &http.Server{
		Handler: e, ReadHeaderTimeout: time.Minute,
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			if member, is := conn.(memberConn); is {
				return context.WithValue(ctx, hostKey{}, member.host)
			}
			return ctx
		},
	}
	go server.Serve(e) //nolint:errcheck // it ends with the test
	cluster.tb.Cleanup(func() {
		close(e.done)
		server.Close() //nolint:errcheck // nothing is listening
	})
	return e
}

// Accept implements net.Listener.
func (e *etcdServer) Accept() (net.Conn, error) {
	select {
	case conn := <-e.conns:
		return conn, nil
	case <-e.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (e *etcdServer) Close() error { return nil }

// Addr implements net.Listener.
func (e *etcdServer) Addr() net.Addr { return &net.TCPAddr{} }

// connect connects to the member on a host.
func (e *etcdServer) connect(host *Host) (net.Conn, error) {
	certificate, key := e.cluster.ca.Issue(e.cluster.tb, host.node.K8sIP.String())
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil, err
	}
	near, far := net.Pipe()
	config := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	select {
	case e.conns <- memberConn{Conn: tls.Server(far, config), host: host}:
		return near, nil
	case <-e.done:
		return nil, net.ErrClosed
	}
}

// add adds a learner. The caller holds the cluster's lock. As in etcd, a host is one member at most, and there is one learner
// at a time at most.
func (e *etcdServer) add(h *Host) error {
	for _, host := range e.cluster.hosts {
		switch {
		case host == h && h.member != 0:
			return fmt.Errorf("etcdserver: Peer URLs already exists: %s", h.node.K8sIP)
		case host.member != 0 && !host.voter:
			return fmt.Errorf("etcdserver: too many learner members in cluster: %s is one", host.Name())
		}
	}
	e.last++
	h.member, h.voter = e.last, false
	return nil
}

// healthy returns how many members vote, and how many of them run. The caller holds the cluster's lock.
func (e *etcdServer) healthy() (voters, running int) {
	for _, host := range e.cluster.hosts {
		if host.member == 0 || !host.voter {
			continue
		}
		voters++
		if host.etcd && !host.down {
			running++
		}
	}
	return voters, running
}

// ServeHTTP implements http.Handler.
func (e *etcdServer) ServeHTTP(response http.ResponseWriter, request *http.Request) {
	e.cluster.mu.Lock()
	defer e.cluster.mu.Unlock()
	voters, running := e.healthy()
	hasQuorum := running > voters/2
	var answer any
	switch path := request.URL.Path; {
	case path == "/health":
		answer = map[string]string{"health": strconv.FormatBool(hasQuorum)}
	case path == "/v3/cluster/member/list":
		answer = map[string]any{"members": e.members()}
	case path == "/v3/cluster/member/remove" && !hasQuorum:
		http.Error(response, `{"message":"etcdserver: no leader"}`, http.StatusServiceUnavailable)
		return
	case path == "/v3/cluster/member/remove":
		var input struct{ ID string }
		if err := json.NewDecoder(request.Body).Decode(&input); err != nil {
			http.Error(response, err.Error(), http.StatusBadRequest)
			return
		}
		e.remove(input.ID)
		answer = struct{}{}
	case path == "/v3/kv/range":
		var err error
		if answer, err = e.rangeSecrets(request); err != nil {
			http.Error(response, err.Error(), http.StatusBadRequest)
			return
		}
	default:
		e.cluster.tb.Errorf("etcd does not know %s", path)
		http.NotFound(response, request)
		return
	}
	if err := json.NewEncoder(response).Encode(answer); err != nil {
		e.cluster.tb.Error(err)
	}
}

// members returns the members in the form of the gateway.
func (e *etcdServer) members() []map[string]any {
	var members []map[string]any
	for _, host := range e.cluster.hosts {
		if host.member == 0 {
			continue
		}
		members = append(members, map[string]any{
			"ID": strconv.Itoa(host.member), "name": host.Name(), "isLearner": !host.voter,
			"peerURLs":   []string{fmt.Sprintf("https://%s:2380", host.node.K8sIP)},
			"clientURLs": []string{fmt.Sprintf("https://%s:%d", host.node.K8sIP, etcdPort)},
		})
	}
	return members
}

// remove removes a member, whose etcd then ends.
func (e *etcdServer) remove(id string) {
	for _, host := range e.cluster.hosts {
		if strconv.Itoa(host.member) == id {
			host.member, host.etcd = 0, false
		}
	}
}
