// Package etcd asks the members of a control plane's etcd who is in it, how they are and how values are stored, and takes
// members out.
//
// It speaks the JSON form of etcd's API that every member serves beside gRPC, because five calls are not
// worth the whole of etcd's client.
package etcd

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
)

const (
	// answerPatience bounds one call: a member that is there answers within moments.
	answerPatience = 10 * time.Second
	// maxAnswer bounds what is read of an answer, in bytes: a page of the largest values there can be, in base64.
	maxAnswer = pageSize * maxValue * 3 / 2
)

// Credentials are what etcd lets clients of the control plane in by, all PEM.
type Credentials struct{ CA, Certificate, Key []byte }

// Dial connects to a member's address, wherever that can be reached from.
type Dial func(ctx context.Context, to netip.AddrPort) (net.Conn, error)

// Client asks members.
type Client struct {
	http http.Client
	// through is the member that is asked about all others.
	through string
}

// Member is one of etcd's.
type Member struct {
	ID   string
	Name string
	// Addresses are those at which other members reach it.
	Addresses []netip.Addr
	// Clients are the addresses at which it serves clients, over TLS; empty as long as it has not started.
	Clients []netip.AddrPort
	// Learner says that it has no vote yet.
	Learner bool
}

// New gives a client that asks the member at an address. It sends nothing yet.
func New(through netip.AddrPort, credentials Credentials, dial Dial) (*Client, error) {
	pair, err := tls.X509KeyPair(credentials.Certificate, credentials.Key)
	if err != nil {
		return nil, fmt.Errorf("cannot use the control plane's certificate for etcd: %w", err)
	}
	authorities := x509.NewCertPool()
	if !authorities.AppendCertsFromPEM(credentials.CA) {
		return nil, errors.New("cannot use the certificate authority of etcd: it is no certificate")
	}
	c := &Client{through: "https://" + through.String()}
	c.http.Timeout = answerPatience
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // etcd sends nobody elsewhere
	c.http.Transport = &http.Transport{
		TLSClientConfig: &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: authorities, MinVersion: tls.VersionTLS12},
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			to, err := netip.ParseAddrPort(address)
			if err != nil {
				return nil, fmt.Errorf("a member of etcd has no address of its own: %w", err)
			}
			return dial(ctx, to)
		},
	}
	return c, nil
}

// Close ends connections that wait for more calls.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Members lists etcd's members.
func (c *Client) Members(ctx context.Context) ([]Member, error) {
	var answer struct {
		Members []struct {
			ID         string   `json:"ID"`
			Name       string   `json:"name"`
			PeerURLs   []string `json:"peerURLs"`
			ClientURLs []string `json:"clientURLs"`
			IsLearner  bool     `json:"isLearner"`
		} `json:"members"`
	}
	if err := c.call(ctx, c.through+"/v3/cluster/member/list", struct{}{}, &answer); err != nil {
		return nil, fmt.Errorf("cannot list the members of etcd: %w", err)
	}
	members := make([]Member, len(answer.Members))
	for i, m := range answer.Members {
		members[i] = Member{ID: m.ID, Name: m.Name, Clients: endpointsOf(m.ClientURLs), Learner: m.IsLearner}
		for _, peer := range endpointsOf(m.PeerURLs) {
			members[i].Addresses = append(members[i].Addresses, peer.Addr())
		}
	}
	return members, nil
}

// endpointsOf returns the addresses in URLs as kubeadm gives them to etcd, https://ADDRESS:PORT. What a member says
// otherwise is left out: it is not to choose what is asked in the control plane's name.
func endpointsOf(urls []string) []netip.AddrPort {
	var endpoints []netip.AddrPort
	for _, text := range urls {
		address, isTLS := strings.CutPrefix(text, "https://")
		if endpoint, err := netip.ParseAddrPort(address); isTLS && err == nil {
			endpoints = append(endpoints, endpoint)
		}
	}
	return endpoints
}

// Healthy reports whether a member serves, and agrees with the others.
func (c *Client) Healthy(ctx context.Context, member Member) bool {
	for _, client := range member.Clients {
		var answer struct {
			Health string `json:"health"`
		}
		if err := c.call(ctx, "https://"+client.String()+"/health", nil, &answer); err == nil && answer.Health == "true" {
			return true
		}
	}
	return false
}

// unsettled is what etcd says as long as its leader has not been connected for five seconds to enough of those that
// would stay: HealthInterval in etcd's server. It is waited for settling at most.
const (
	unsettled = "unhealthy cluster"
	settling  = 15 * time.Second
)

// Remove takes a member out. That it is out already is fine.
func (c *Client) Remove(ctx context.Context, member Member) error {
	err := c.remove(ctx, member)
	for late := time.Now().Add(settling); err != nil && strings.Contains(err.Error(), unsettled) && time.Now().Before(late); {
		select {
		case <-time.After(time.Second):
			err = c.remove(ctx, member)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err == nil {
		return nil
	}
	members, listing := c.Members(ctx) // an earlier answer may have been lost
	if listing == nil && !slices.ContainsFunc(members, func(m Member) bool { return m.ID == member.ID }) {
		return nil
	}
	return fmt.Errorf("cannot take %s out of etcd: %w", cmp.Or(member.Name, "a member that never started"), err)
}

func (c *Client) remove(ctx context.Context, member Member) error {
	return c.call(ctx, c.through+"/v3/cluster/member/remove", map[string]string{"ID": member.ID}, nil)
}

// call posts a question, or gets where there is none.
func (c *Client) call(ctx context.Context, to string, question, answer any) error {
	method, body := http.MethodGet, []byte(nil)
	if question != nil {
		var err error
		if body, err = json.Marshal(question); err != nil {
			return err
		}
		method = http.MethodPost
	}
	request, err := http.NewRequestWithContext(ctx, method, to, bytes.NewReader(body))
	if err != nil {
		return err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close() //nolint:errcheck // it has been read
	content, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("it says %s: %s", response.Status, reasonIn(content))
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(content, answer)
}

// reasonIn takes the message out of an answer that tells of a failure.
func reasonIn(content []byte) string {
	var failure struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(content, &failure) == nil && failure.Message != "" {
		return failure.Message
	}
	return string(bytes.TrimSpace(content))
}

// Quorum is how many of a number of voting members have to agree.
func Quorum(voters int) int { return voters/2 + 1 }
