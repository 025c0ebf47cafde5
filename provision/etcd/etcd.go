// Package etcd is a small client for the etcd of a control plane: it lists and removes members, checks their health, and
// reads how values are stored.
//
// It uses the JSON gateway that every member serves beside gRPC, because five calls do not justify a dependency on
// etcd's own client.
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
	// callTimeout bounds one call, with its connection and its response. A running member answers within milliseconds.
	callTimeout = 10 * time.Second
	// maxResponse is how much of a response is read, in bytes: a page of the largest possible values. JSON has them in
	// base64, which adds a third; the rest is for keys and metadata.
	maxResponse = pageSize * maxValue * 3 / 2
)

// Credentials authenticate a client to etcd. All fields are PEM.
type Credentials struct{ CA, Certificate, Key []byte }

// Dial connects to the address of a member. Members may be reachable only from the control plane's hosts.
type Dial func(ctx context.Context, to netip.AddrPort) (net.Conn, error)

// Client calls etcd's API. It is safe for concurrent use.
type Client struct {
	http http.Client
	// through is the URL of the member that serves all calls but health checks.
	through string
}

// Member describes a member of etcd.
type Member struct {
	// ID is the member's ID in decimal, as the JSON gateway encodes 64-bit numbers.
	ID string
	// Name is empty until the member starts for the first time.
	Name string
	// Addresses are the addresses at which other members reach it.
	Addresses []netip.Addr
	// Clients are the addresses at which it serves clients over TLS; empty until the member has started.
	Clients []netip.AddrPort
	// Learner reports whether the member receives the log but has no vote yet.
	Learner bool
}

// New returns a client that sends its calls to the member at the address through. It does not connect yet.
// It returns an error if the credentials are not valid PEM.
func New(through netip.AddrPort, credentials Credentials, dial Dial) (*Client, error) {
	pair, err := tls.X509KeyPair(credentials.Certificate, credentials.Key)
	if err != nil {
		return nil, fmt.Errorf("cannot use the control plane's certificate for etcd: %w", err)
	}
	authorities := x509.NewCertPool()
	if !authorities.AppendCertsFromPEM(credentials.CA) {
		return nil, errors.New("cannot use the certificate authority of etcd: it is not a certificate")
	}
	c := &Client{through: "https://" + through.String()}
	c.http.Timeout = callTimeout
	// etcd never redirects. A redirect would choose where the control plane's credentials are presented.
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
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

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Members returns the members of etcd, learners included.
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

// endpointsOf returns the addresses in URLs of the form https://ADDRESS:PORT, which is how kubeadm configures etcd. It
// ignores all other URLs, so that a member cannot choose where requests with the control plane's credentials go.
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

// Healthy reports whether a member serves clients and has a leader. A member that cannot be reached is not healthy.
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

const (
	// unhealthyCluster is in etcd's error (ErrUnhealthy) while the leader has been connected to a quorum of the remaining
	// members for less than five seconds, HealthInterval in etcd's server. It goes away when members have just
	// connected, so Remove retries.
	unhealthyCluster = "unhealthy cluster"
	// settleTimeout is how long Remove retries after unhealthyCluster: three times HealthInterval.
	settleTimeout = 15 * time.Second
)

// Remove removes a member. It returns nil if etcd no longer has the member.
func (c *Client) Remove(ctx context.Context, member Member) error {
	err := c.remove(ctx, member)
	deadline := time.Now().Add(settleTimeout)
	for err != nil && strings.Contains(err.Error(), unhealthyCluster) && time.Now().Before(deadline) {
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
	// The member may be gone all the same: etcd may have removed it, and the response been lost.
	members, listing := c.Members(ctx)
	if listing == nil && !slices.ContainsFunc(members, func(m Member) bool { return m.ID == member.ID }) {
		return nil
	}
	return fmt.Errorf("cannot take %s out of etcd: %w", cmp.Or(member.Name, "a member that never started"), err)
}

// remove makes one attempt to remove a member.
func (c *Client) remove(ctx context.Context, member Member) error {
	return c.call(ctx, c.through+"/v3/cluster/member/remove", map[string]string{"ID": member.ID}, nil)
}

// call posts input as JSON to a URL, or gets the URL if input is nil, and decodes the response into output unless that is
// nil. A response other than 200 is an error with etcd's message.
func (c *Client) call(ctx context.Context, url string, input, output any) error {
	method, body := http.MethodGet, []byte(nil)
	if input != nil {
		var err error
		if body, err = json.Marshal(input); err != nil {
			return err
		}
		method = http.MethodPost
	}
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(io.LimitReader(response.Body, maxResponse))
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("it says %s: %s", response.Status, reasonIn(content))
	}
	if output == nil {
		return nil
	}
	return json.Unmarshal(content, output)
}

// reasonIn returns the message in the body of an error response, or the body itself if it is not the gateway's JSON.
func reasonIn(content []byte) string {
	var failure struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(content, &failure) == nil && failure.Message != "" {
		return failure.Message
	}
	return string(bytes.TrimSpace(content))
}

// Quorum returns how many of the voting members have to agree: a majority.
func Quorum(voters int) int { return voters/2 + 1 }
