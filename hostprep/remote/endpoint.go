package remote

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"

	"github.com/dualstrap/dualstrap/internal/localfile"
)

const (
	defaultUser = "root"
	defaultPort = 22
	// maxJumps bounds a chain of jump hosts. A configuration file can make a chain refer back to itself.
	maxJumps = 8
)

// endpoint holds everything that determines one connection.
type endpoint struct {
	// user is the name to log in with.
	user string
	// host is a name, or an address without brackets.
	host string
	port uint16
	// hostKeyName is the host:port under which known_hosts lists the host.
	hostKeyName string
	knownHosts  knownHostsFiles
	identity    identityChoice
	// via is the jump host to connect through; nil for a direct connection.
	via *endpoint
}

// String identifies the endpoint in messages. It is also the key under which the pool shares connections.
func (e *endpoint) String() string {
	text := e.user + "@" + net.JoinHostPort(e.host, strconv.Itoa(int(e.port)))
	if e.via != nil {
		return text + " via " + e.via.String()
	}
	return text
}

// jumps returns the number of jump hosts on the way.
func (e *endpoint) jumps() int {
	if e.via == nil {
		return 0
	}
	return 1 + e.via.jumps()
}

// knownHostsFiles lists the files to look host keys up in. New keys are added to the first one.
type knownHostsFiles []string

// identityChoice determines which keys to log in with.
type identityChoice struct {
	// paths lists key files in order of preference.
	paths []string
	// chosen means that the user named the paths. A missing file is then reported; a missing default one is not.
	chosen bool
	// only means that the agent's other keys are not tried.
	only bool
}

// hop is a host as the user wrote it. An empty user and a zero port were not specified.
type hop struct {
	alias string
	user  string
	port  uint16
}

// parseHop parses [user@]host[:port]. An IPv6 address may be in brackets or, without a port, bare.
func parseHop(text string) (hop, error) {
	text = strings.TrimPrefix(strings.TrimSpace(text), "ssh://")
	unseen := func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) }
	var h hop
	// The last @ separates the user, as with OpenSSH: account names of directory services may contain one.
	at := strings.LastIndexByte(text, '@')
	if at == 0 || strings.ContainsFunc(text, unseen) {
		return h, errHop
	}
	if at > 0 {
		h.user, text = text[:at], text[at+1:]
	}
	// An unbracketed IPv6 address has no port, and SplitHostPort rejects it.
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		h.alias = strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
	} else {
		h.alias = host
		if h.port, err = parsePort(port); err != nil {
			return h, err
		}
	}
	if h.alias == "" || strings.ContainsAny(h.alias, "[]/") {
		return h, errHop
	}
	return h, nil
}

// errHop does not repeat the value, since users may have put a password into it.
var errHop = errors.New("cannot use a jump host: it does not have the form [user@]host[:port]")

// parsePort parses a port number, which is not 0.
func parsePort(text string) (uint16, error) {
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 {
		return 0, fmt.Errorf("cannot use port %q: it is not a number from 1 to 65535", text)
	}
	return uint16(port), nil
}

// resolver builds endpoints from the settings and the configuration file.
type resolver struct {
	settings Settings
	config   sshConfig
}

// target returns the endpoint of a host of the manifests.
func (r resolver) target(alias string) (*endpoint, error) {
	h := hop{alias: alias, user: r.settings.User, port: r.settings.Port}
	end, err := r.endpoint(h, defaultUser)
	if err != nil {
		return nil, err
	}
	if path := r.settings.PrivateKeyPath; path != "" {
		end.identity = identityChoice{paths: []string{localfile.Expand(r.settings.Home, path)}, chosen: true, only: true}
	}
	jumps, err := r.jumps(alias, r.settings.ProxyJump)
	if err != nil {
		return nil, err
	}
	end.via, err = r.route(jumps, maxJumps)
	return end, err
}

// jumps returns the jump hosts for a host: the given ones, or else those of the configuration file.
func (r resolver) jumps(alias, given string) (string, error) {
	if given != "" {
		return given, nil
	}
	return r.config.get(alias, "ProxyJump")
}

// route returns the endpoint of the last of a comma-separated list of jump hosts, which is reached through the others. The
// configuration file decides how the first one is reached.
func (r resolver) route(jumps string, depth int) (*endpoint, error) {
	if jumps == "" || strings.EqualFold(jumps, None) {
		return nil, nil // no jump host: a direct connection
	}
	if depth == 0 {
		return nil, fmt.Errorf("cannot go through jump host %s: there are more than %d in a chain, or it leads back to itself", jumps, maxJumps)
	}
	before, last := "", jumps
	if comma := strings.LastIndexByte(jumps, ','); comma >= 0 {
		before, last = jumps[:comma], jumps[comma+1:]
	}
	h, err := parseHop(last)
	if err != nil {
		return nil, err
	}
	// A jump host has its own user: by default the local one, as with OpenSSH, and not root.
	end, err := r.endpoint(h, localUser())
	if err != nil {
		return nil, err
	}
	// A jump host's own key is tried before the key of the hosts.
	if path := r.settings.PrivateKeyPath; path != "" {
		own := end.identity
		end.identity = identityChoice{paths: []string{localfile.Expand(r.settings.Home, path)}, chosen: true, only: own.only}
		if own.chosen {
			end.identity.paths = append(own.paths, end.identity.paths...)
		}
	}
	if before, err = r.jumps(h.alias, before); err != nil {
		return nil, err
	}
	end.via, err = r.route(before, depth-1)
	return end, err
}

// endpoint completes a hop with the configuration file's values, except for the jump hosts. The user is the default one.
func (r resolver) endpoint(h hop, user string) (*endpoint, error) {
	words := map[string]string{}
	for _, keyword := range []string{"User", "Port", "HostName", "HostKeyAlias"} {
		value, err := r.config.get(h.alias, keyword)
		if err != nil {
			return nil, err
		}
		words[keyword] = value
	}
	end := &endpoint{user: cmp.Or(h.user, words["User"], user), port: cmp.Or(h.port, defaultPort)}
	// A port in the settings or with the jump host overrides the configuration file's.
	if h.port == 0 && words["Port"] != "" {
		port, err := parsePort(words["Port"])
		if err != nil {
			return nil, fmt.Errorf("cannot read Port of %s in %s: %w", h.alias, r.config.path, err)
		}
		end.port = port
	}
	end.host = strings.NewReplacer("%%", "%", "%h", h.alias).Replace(cmp.Or(words["HostName"], h.alias))
	end.host = strings.TrimSuffix(strings.TrimPrefix(end.host, "["), "]")
	end.hostKeyName = net.JoinHostPort(end.host, strconv.Itoa(int(end.port)))
	if alias := words["HostKeyAlias"]; alias != "" {
		end.hostKeyName = net.JoinHostPort(alias, strconv.Itoa(defaultPort)) // OpenSSH looks an alias up without the port
	}
	var err error
	if end.knownHosts, err = r.knownHosts(h.alias, end); err != nil {
		return nil, err
	}
	end.identity, err = r.identity(h.alias, end)
	return end, err
}

// knownHosts returns the known_hosts files of a host. The system-wide file comes last, as with OpenSSH.
func (r resolver) knownHosts(alias string, end *endpoint) (knownHostsFiles, error) {
	if path := r.settings.KnownHostsPath; path != "" {
		return knownHostsFiles{localfile.Expand(r.settings.Home, path)}, nil
	}
	value, err := r.config.get(alias, "UserKnownHostsFile")
	if err != nil {
		return nil, err
	}
	var files knownHostsFiles
	for path := range strings.FieldsSeq(value) {
		if path != None {
			files = append(files, r.expand(path, end))
		}
	}
	if value == "" {
		dir := filepath.Join(r.settings.Home, ".ssh")
		files = knownHostsFiles{filepath.Join(dir, "known_hosts"), filepath.Join(dir, "known_hosts2")}
	}
	return append(files, "/etc/ssh/ssh_known_hosts"), nil
}

// identity returns the keys that the configuration file names, or else OpenSSH's default ones.
func (r resolver) identity(alias string, end *endpoint) (identityChoice, error) {
	only, err := r.config.get(alias, "IdentitiesOnly")
	if err != nil {
		return identityChoice{}, err
	}
	choice := identityChoice{only: strings.EqualFold(only, "yes")}
	files, err := r.config.all(alias, "IdentityFile")
	if err != nil {
		return choice, err
	}
	for _, path := range files {
		choice.chosen = true // also by IdentityFile none, which excludes the default files
		if path != None {
			choice.paths = append(choice.paths, r.expand(path, end))
		}
	}
	if !choice.chosen {
		for _, name := range []string{"id_ed25519", "id_ecdsa", "id_rsa"} {
			choice.paths = append(choice.paths, filepath.Join(r.settings.Home, ".ssh", name))
		}
	}
	return choice, nil
}

// expand replaces ~ and the tokens of ssh_config(5) in a path.
func (r resolver) expand(path string, end *endpoint) string {
	return strings.NewReplacer("%%", "%", "%d", r.settings.Home, "%h", end.host, "%r", end.user,
		"%p", strconv.Itoa(int(end.port)), "%u", localUser()).Replace(localfile.Expand(r.settings.Home, path))
}
