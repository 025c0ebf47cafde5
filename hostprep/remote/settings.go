package remote

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/user"
	"path/filepath"
	"time"
)

// HostKeyPolicy decides about hosts whose keys are unknown. No policy accepts a changed key.
type HostKeyPolicy string

// Host key policies.
const (
	// Strict connects only to hosts whose keys are in known_hosts. It is the default.
	Strict HostKeyPolicy = "strict"
	// AcceptNew adds the keys of unknown hosts to known_hosts.
	AcceptNew HostKeyPolicy = "accept-new"
)

// None disables the file or socket whose path a field of [Settings] holds.
const None = "none"

// Settings configures how hosts are reached. Settings take precedence over the SSH configuration file, and the file over
// the defaults.
type Settings struct {
	// User is the login name; root by default. Every other user becomes root with sudo.
	User string
	// Port is 22 by default.
	Port uint16
	// PrivateKeyPath is the only key to log in with. A key with a passphrase is used through the agent. By default
	// the keys of the configuration file, of the agent and OpenSSH's default files are tried.
	PrivateKeyPath string
	// KnownHostsPath is the only file to look host keys up in. By default those of OpenSSH are used.
	KnownHostsPath string
	// HostKeyPolicy is Strict by default.
	HostKeyPolicy HostKeyPolicy
	// ProxyJump lists the jump hosts as [user@]host[:port], separated by commas. None connects directly, whatever
	// the configuration file specifies.
	ProxyJump string

	// ConfigPath is the SSH configuration file, ~/.ssh/config by default, or None.
	ConfigPath string
	// AgentSocket is the path of the SSH agent's socket, $SSH_AUTH_SOCK by default, or None.
	AgentSocket string
	// Home replaces ~ in paths; the user's home directory by default.
	Home string

	// ConnectTimeout bounds each attempt to connect and log in; 15 s by default. All attempts together may take four
	// times as long.
	ConnectTimeout time.Duration
	// KeepAlive is the interval of keepalive requests; 10 s by default. A host that is silent for three intervals
	// counts as lost.
	KeepAlive time.Duration

	// Limits bound how long scripts may take.
	Limits Limits

	// Note receives messages for the user that concern the whole run, such as an agent that does not answer. It may
	// be nil.
	Note func(string)

	// Secrets are redacted in logs and errors.
	Secrets *Secrets
	// Log returns the logger of a host; nothing is logged by default.
	Log func(host netip.Addr) *slog.Logger
}

const (
	defaultConnectTimeout = 15 * time.Second
	defaultKeepAlive      = 10 * time.Second
)

// complete fills in the defaults and validates the settings.
func (s Settings) complete() (Settings, error) {
	s.HostKeyPolicy = cmp.Or(s.HostKeyPolicy, Strict)
	if s.HostKeyPolicy != Strict && s.HostKeyPolicy != AcceptNew {
		return s, fmt.Errorf("cannot use host key policy %q: it is neither %s nor %s", s.HostKeyPolicy, Strict, AcceptNew)
	}
	if s.Home == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return s, fmt.Errorf("cannot find the SSH configuration: %w", err)
		}
		s.Home = home
	}
	if s.ConfigPath == "" {
		s.ConfigPath = filepath.Join(s.Home, ".ssh", "config")
		if _, err := os.Stat(s.ConfigPath); os.IsNotExist(err) {
			s.ConfigPath = None
		}
	}
	s.AgentSocket = cmp.Or(s.AgentSocket, os.Getenv("SSH_AUTH_SOCK"), None)
	s.ConnectTimeout = cmp.Or(s.ConnectTimeout, defaultConnectTimeout)
	s.KeepAlive = cmp.Or(s.KeepAlive, defaultKeepAlive)
	s.Limits = s.Limits.complete()
	if s.Note == nil {
		s.Note = func(string) {}
	}
	if s.Secrets == nil {
		s.Secrets = &Secrets{}
	}
	if s.Log == nil {
		silent := slog.New(slog.DiscardHandler)
		s.Log = func(netip.Addr) *slog.Logger { return silent }
	}
	return s, nil
}

// localUser returns the user who runs this program. OpenSSH logs in to jump hosts under that name by default.
func localUser() string {
	if me, err := user.Current(); err == nil {
		return me.Username
	}
	return defaultUser
}
