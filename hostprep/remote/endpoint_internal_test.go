package remote

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// resolve returns the endpoint of an alias, for the text of a configuration file.
func resolve(t *testing.T, settings Settings, config, alias string) (*endpoint, error) {
	t.Helper()
	parsed, err := parseSSHConfig("/home/me/.ssh/config", []byte(config))
	if err != nil {
		t.Fatal(err)
	}
	settings.Home = "/home/me"
	return resolver{settings: settings, config: parsed}.target(alias)
}

func TestEndpoint(t *testing.T) {
	t.Parallel()
	me := localUser()
	usual := knownHostsFiles{"/home/me/.ssh/known_hosts", "/home/me/.ssh/known_hosts2", "/etc/ssh/ssh_known_hosts"}
	keys := identityChoice{paths: []string{"/home/me/.ssh/id_ed25519", "/home/me/.ssh/id_ecdsa", "/home/me/.ssh/id_rsa"}}
	plain := func(change func(*endpoint)) *endpoint {
		e := &endpoint{user: "root", host: "10.2.0.4", port: 22, hostKeyName: "10.2.0.4:22", knownHosts: usual, identity: keys}
		change(e)
		return e
	}
	bastion := func(user, host string, port uint16, name string) *endpoint {
		return &endpoint{user: user, host: host, port: port, hostKeyName: name, knownHosts: usual, identity: keys}
	}
	tests := map[string]struct {
		settings Settings
		config   string
		alias    string
		want     *endpoint
	}{
		"defaults": {want: plain(func(*endpoint) {})},
		"IPv6": {alias: "fd12::2:4", want: plain(func(e *endpoint) {
			e.host, e.hostKeyName = "fd12::2:4", "[fd12::2:4]:22"
		})},
		"the configuration file": {
			config: "Host 10.2.0.*\n  User admin\n  Port 2222\n  IdentityFile ~/.ssh/lab\n  IdentityFile \"%d/keys/%r@%h\"\n  IdentitiesOnly yes\n" +
				"  UserKnownHostsFile ~/.ssh/lab_hosts /srv/%h\nHost *\n  User other\n",
			want: plain(func(e *endpoint) {
				e.user, e.port, e.hostKeyName = "admin", 2222, "10.2.0.4:2222"
				e.identity = identityChoice{paths: []string{"/home/me/.ssh/lab", "/home/me/keys/admin@10.2.0.4"}, chosen: true, only: true}
				e.knownHosts = knownHostsFiles{"/home/me/.ssh/lab_hosts", "/srv/10.2.0.4", "/etc/ssh/ssh_known_hosts"}
			}),
		},
		"settings win": {
			settings: Settings{User: "ops", Port: 2200, PrivateKeyPath: "~/key", KnownHostsPath: "~/known", ProxyJump: "none"},
			config:   "Host *\n  User admin\n  Port 2222\n  IdentityFile ~/.ssh/lab\n  UserKnownHostsFile /x\n  ProxyJump bastion\n",
			want: plain(func(e *endpoint) {
				e.user, e.port, e.hostKeyName = "ops", 2200, "10.2.0.4:2200"
				e.identity = identityChoice{paths: []string{"/home/me/key"}, chosen: true, only: true}
				e.knownHosts = knownHostsFiles{"/home/me/known"}
			}),
		},
		"another name": {
			config: "Host 10.2.0.4\n  HostName fd12::2:4\n  HostKeyAlias node-1\n  Port 2222\n",
			want:   plain(func(e *endpoint) { e.host, e.port, e.hostKeyName = "fd12::2:4", 2222, "node-1:22" }),
		},
		"a jump host with settings of its own": {
			config: "Host bastion\n  HostName 192.0.2.1\n  User jump\n  Port 2022\nHost 10.*\n  ProxyJump bastion\n",
			want:   plain(func(e *endpoint) { e.via = bastion("jump", "192.0.2.1", 2022, "192.0.2.1:2022") }),
		},
		"a jump host as it is given": {
			settings: Settings{ProxyJump: "you@[2001:db8::1]:99"}, config: "Host 2001:*\n  User jump\n  Port 2022\n",
			want: plain(func(e *endpoint) { e.via = bastion("you", "2001:db8::1", 99, "[2001:db8::1]:99") }),
		},
		"a chain of them": {
			settings: Settings{ProxyJump: "a,you@b"}, config: "Host b\n  ProxyJump unused\nHost a\n  ProxyJump before\n",
			want: plain(func(e *endpoint) {
				e.via = bastion("you", "b", 22, "b:22")
				e.via.via = bastion(me, "a", 22, "a:22")
				e.via.via.via = bastion(me, "before", 22, "before:22")
			}),
		},
		"the key for hosts comes after a jump host's own": {
			settings: Settings{PrivateKeyPath: "/key", ProxyJump: "bastion"}, config: "Host bastion\n  IdentityFile /own\n",
			want: plain(func(e *endpoint) {
				e.identity = identityChoice{paths: []string{"/key"}, chosen: true, only: true}
				e.via = bastion(me, "bastion", 22, "bastion:22")
				e.via.identity = identityChoice{paths: []string{"/own", "/key"}, chosen: true}
			}),
		},
		"conditions that cannot be judged": {
			config: "Match exec \"true\"\n  User wrong\nMatch host 10.2.0.4\n  Port 23\n" +
				"Match host 10.2.0.4 user x\n  Port 24\nMatch final all\n  Port 25\n",
			want: plain(func(e *endpoint) { e.port, e.hostKeyName = 23, "10.2.0.4:23" }),
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.alias == "" {
				test.alias = "10.2.0.4"
			}
			got, err := resolve(t, test.settings, test.config, test.alias)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(endpoint{}, identityChoice{})); diff != "" {
				t.Errorf("endpoint (-want +got):\n%s", diff)
			}
		})
	}
}

// TestHostileSSHConfigs tries invalid SSH configurations and jump hosts.
func TestHostileSSHConfigs(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		settings Settings
		config   string
		want     string
	}{
		"a loop":      {config: "Host a\n  ProxyJump b\nHost b\n  ProxyJump a\nHost *\n  ProxyJump a\n", want: "leads back to itself"},
		"a port":      {config: "Host *\n  Port ssh\n", want: `cannot read Port of 10.2.0.4 in /home/me/.ssh/config: cannot use port "ssh"`},
		"a jump host": {settings: Settings{ProxyJump: "a b"}, want: "[user@]host[:port]"},
		"no port":     {settings: Settings{ProxyJump: "a:0"}, want: `port "0"`},
		"nothing":     {settings: Settings{ProxyJump: "a,"}, want: "[user@]host[:port]"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := resolve(t, test.settings, test.config, "10.2.0.4"); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

func FuzzSSHConfig(f *testing.F) {
	f.Add("Host *\n  User x\nMatch exec y\nMatch host a,b\nInclude nothing\n", "10.2.0.4")
	f.Add("Host a\n  ProxyJump b,c@d:1\n", "a")
	f.Fuzz(func(t *testing.T, config, alias string) {
		if strings.Contains(strings.ToLower(config), "include") {
			return // Include reads files of this machine
		}
		parsed, err := parseSSHConfig("config", []byte(config))
		if err != nil {
			return
		}
		end, err := resolver{settings: Settings{Home: "/home/me"}, config: parsed}.target(alias)
		if err == nil && (end.port == 0 || end.user == "" || end.jumps() > maxJumps) {
			t.Errorf("endpoint %+v", end)
		}
	})
}

func FuzzHop(f *testing.F) {
	for _, seed := range []string{"a", "a@b", "a@b:1", "[::1]:2", "::1", "a@@b", "ssh://x@y:22", "fe80::1%eth0", "@\fa"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		h, err := parseHop(text)
		if err != nil {
			return
		}
		again := hostPort(h.alias, max(h.port, 1))
		if h.user != "" {
			again = h.user + "@" + again
		}
		back, err := parseHop(again)
		if err != nil || back.alias != h.alias || back.user != h.user {
			t.Errorf("%q is %+v, and again %+v, %v", text, h, back, err)
		}
	})
}
