package prooftest

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/dualstrap/dualstrap/hostprep/remote"
)

//go:embed client.txtar
var machine []byte

// Client is the host outside of the cluster.
type Client struct {
	Host

	// Firewall is set if firewalld runs, which drops calls to ports that are not open in the zone of the interface.
	// Locked is set if it does not open ports.
	Firewall, Locked bool
	// Routed is set if its IPv6 address is that of another interface than the one on the nodes' L2.
	Routed bool
	// Mute is set for a host on which the probe of its facts does not work.
	Mute bool
	// FullDisk is set if nothing can be uploaded, and NoExec if what is uploaded does not run. Keeps is set if the host does
	// not remove anything.
	FullDisk, NoExec, Keeps bool

	// files and opened are guarded by the network's lock. They hold what the proof has created, and open ports.
	files  map[string]bool
	opened map[uint16]bool
}

// zone is the firewalld zone of the client's interface.
const zone = "public"

// isOpen reports whether the firewall lets calls to a port through.
func (c *Client) isOpen(n *Network, port uint16) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return c.opened[port]
}

// clientHost implements remote.Host.
type clientHost struct {
	client  *Client
	network *Network
}

// Address implements remote.Host.
func (h clientHost) Address() netip.Addr { return h.client.IPv4 }

// Probe implements remote.Host. It answers the probe of a host's facts.
func (h clientHost) Probe(context.Context, remote.Script) (remote.Answer, error) {
	if h.client.Mute {
		return remote.Answer{}, nil
	}
	answer := remote.Answer{Values: map[string]remote.Value{"container": {Status: 1}, "selinux": {Status: 1}}}
	runs := "inactive"
	if h.client.Firewall {
		runs = "active"
	}
	ipv6 := fmt.Sprintf(`{"family":"inet6","local":"%s","prefixlen":108,"scope":"global"}`, h.client.IPv6)
	switch {
	case !h.client.IPv6.IsValid():
		ipv6 = ""
	case h.client.Routed:
		ipv6 = `]},{"ifname":"eth1","flags":["UP"],"mtu":1500,"address":"02:00:00:00:01:64","addr_info":[` + ipv6
	default:
		ipv6 = "," + ipv6
	}
	own := strings.NewReplacer("IPV4", h.client.IPv4.String(), "IPV6", ipv6, "ZONE", zone, "RUNS", runs)
	for _, file := range txtar.Parse(machine).Files {
		answer.Values[file.Name] = remote.Value{Output: []byte(own.Replace(string(file.Data)))}
	}
	answer.Values["clock"] = remote.Value{Output: []byte(strconv.FormatInt(time.Now().UnixNano(), 10) + "\n")}
	return answer, nil
}

// Upload implements remote.Host.
func (h clientHost) Upload(_ context.Context, upload remote.Upload) (bool, error) {
	content, err := upload.Open()
	if err != nil {
		return false, err
	}
	defer content.Close()
	received, err := io.ReadAll(content)
	h.network.mu.Lock()
	defer h.network.mu.Unlock()
	h.client.files[path.Dir(upload.Path)] = true
	switch {
	case err != nil:
		return false, err
	case h.client.FullDisk:
		return false, errors.New("no space left on device")
	case digest(received) != upload.SHA256 || int64(len(received)) != upload.Size || upload.Mode != 0o755:
		return false, errors.New("what was received is not what was sent")
	}
	h.client.files[upload.Path] = true
	return true, nil
}

// Run implements remote.Host.
func (h clientHost) Run(ctx context.Context, script remote.Script) (remote.Answer, error) {
	if err := ctx.Err(); err != nil {
		return remote.Answer{}, err
	}
	if script.Name == "serve on the client" {
		return remote.Answer{}, h.serve(script)
	}
	if script.Name != "remove "+script.Args["dir"] {
		return remote.Answer{}, fmt.Errorf("the client does not know the script %s", script.Name)
	}
	return remote.Answer{}, h.remove(script.Args["dir"])
}

// serve runs the server until the input of its script ends.
func (h clientHost) serve(script remote.Script) error {
	number, err := strconv.ParseUint(script.Args["port"], 10, 16)
	port, program := uint16(number), path.Join(script.Args["dir"], script.Args["program"])
	h.network.mu.Lock()
	uploaded := h.client.files[program]
	h.client.opened[port] = h.client.Firewall && !h.client.Locked && script.Args["zone"] == zone
	h.network.mu.Unlock()
	if err != nil || !uploaded || h.client.NoExec {
		return errors.Join(errors.New("cannot execute "+program), err, h.remove(script.Args["dir"]))
	}
	at := socket{h.client.Name, port}
	mux := http.NewServeMux()
	mux.HandleFunc("/", greet(h.client.Name))
	mux.HandleFunc("/client", showCaller)
	h.network.listen(at, func() func(net.Listener) { return serveHTTP(mux) })
	_, err = io.Copy(io.Discard, script.Stdin)
	h.network.hangUp(at)
	h.network.mu.Lock()
	delete(h.client.opened, port)
	h.network.mu.Unlock()
	return errors.Join(err, h.remove(script.Args["dir"]))
}

// remove removes a directory with everything in it.
func (h clientHost) remove(dir string) error {
	h.network.mu.Lock()
	defer h.network.mu.Unlock()
	if h.client.Keeps {
		return errors.New("read-only file system")
	}
	for name := range h.client.files {
		if name == dir || path.Dir(name) == dir {
			delete(h.client.files, name)
		}
	}
	return nil
}

// left returns what is on the client and was not there at first.
func (c *Client) left(n *Network) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var left []string
	for name := range c.files {
		left = append(left, "file "+name)
	}
	for port, isOpen := range c.opened {
		if isOpen {
			left = append(left, fmt.Sprintf("open port %d", port))
		}
	}
	for at := range n.servers {
		if at.owner == c.Name {
			left = append(left, fmt.Sprintf("server at port %d", at.port))
		}
	}
	slices.Sort(left)
	return left
}

// ReadFile implements remote.Host.
func (clientHost) ReadFile(_ context.Context, name string) ([]byte, error) {
	return nil, errors.New("a proof reads no file, and not " + name)
}

// WriteFiles implements remote.Host.
func (clientHost) WriteFiles(context.Context, []remote.File) ([]string, error) {
	return nil, errors.New("a proof writes no files")
}

// Download implements remote.Host.
func (clientHost) Download(_ context.Context, name string, _ int64, _ io.Writer) (remote.Downloaded, error) {
	return remote.Downloaded{}, errors.New("a proof downloads nothing, and not " + name)
}
