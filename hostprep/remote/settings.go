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

// HostKeyPolicy is what to do about hosts whose keys are not known. There is none that accepts a
// changed key.
type HostKeyPolicy string

// The policies.
const (
	// Strict connects only to hosts whose keys are in known_hosts. It is the default.
	Strict HostKeyPolicy = "strict"
	// AcceptNew adds the keys of unknown hosts to known_hosts.
	AcceptNew HostKeyPolicy = "accept-new"
)

// None switches off what a path in [Settings] names.
const None = "none"

// Settings is how hosts are reached. What is given here wins over the SSH configuration file, and
// that over the defaults.
type Settings struct {
	// User logs in; root by default. Everybody else becomes root with sudo.
	User string
	// Port is 22 by default.
	Port uint16
	// PrivateKeyPath is the one key to log in with. A key with a passphrase is used through the agent.
	// By default those of the configuration file, the agent and the usual files are tried.
	PrivateKeyPath string
	// KnownHostsPath is the one file to look host keys up in.
	KnownHostsPath string
	// HostKeyPolicy is Strict by default.
	HostKeyPolicy HostKeyPolicy
	// ProxyJump is [user@]host[:port] of the hosts to go through, separated by commas; "none" goes
	// straight to the host whatever the configuration file says.
	ProxyJump string

	// ConfigPath is the SSH configuration file, ~/.ssh/config by default, or None.
	ConfigPath string
	// AgentSocket is the SSH agent's, $SSH_AUTH_SOCK by default, or None.
	AgentSocket string
	// Home stands for ~; the user's by default.
	Home string

	// ConnectTimeout bounds each try to connect and log in, 15 s by default, and four times of it all
	// tries together.
	ConnectTimeout time.Duration
	// KeepAlive is how often a host has to show that it is there, 5 s by default. One that does not
	// for three times as long is lost.
	KeepAlive time.Duration

	// Limits bound how long scripts may take.
	Limits Limits

	// Note is told what the user should know about the whole run, as that the agent does not answer; it may be nil.
	Note func(string)

	// Secrets are kept out of logs and errors.
	Secrets *Secrets
	// Log gives the log of a host; by default there is none.
	Log func(host netip.Addr) *slog.Logger
}

const (
	defaultConnectTimeout = 15 * time.Second
	defaultKeepAlive      = 5 * time.Second
)

// complete fills in the defaults and refuses what makes no sense.
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

// localUser is who runs this program: whom OpenSSH logs in to jump hosts as.
func localUser() string {
	if me, err := user.Current(); err == nil {
		return me.Username
	}
	return defaultUser
}
