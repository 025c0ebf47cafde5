package step

import (
	"io/fs"
	"net/netip"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/hostprep/change"
	"github.com/dualstrap/dualstrap/hostprep/check"
	"github.com/dualstrap/dualstrap/hostprep/facts"
	"github.com/dualstrap/dualstrap/provision/load/loadtest"
	"github.com/dualstrap/dualstrap/provision/session"
	"github.com/dualstrap/dualstrap/render"
)

// openExample returns a session for an example, which knows nothing of the hosts yet.
func openExample(t *testing.T, name string) *session.Session {
	t.Helper()
	s, err := session.Open(loadtest.Example(t, name), session.Options{Version: "v1.0.0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// desiredOf returns the desired state of a host, with the files that are rendered for it.
func desiredOf(t *testing.T, s *session.Session, address string) change.Desired {
	t.Helper()
	files, err := RenderHosts(s, render.Discovered{})
	if err != nil {
		t.Fatal(err)
	}
	host := netip.MustParseAddr(address)
	desired, err := desiredState(s, files[host], s.Host(host))
	if err != nil {
		t.Fatal(err)
	}
	return desired
}

// paths returns the paths of the desired files in a directory and below.
func paths(desired change.Desired, dir string) []string {
	var found []string
	for _, file := range desired.Files {
		if strings.HasPrefix(file.Path, dir+"/") {
			found = append(found, file.Path)
		}
	}
	return found
}

// TestDesiredFilesOfEachRole checks which files a host gets before it joins, and which when it has.
func TestDesiredFilesOfEachRole(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		example, address string
		joined           bool
		pods             []string // static pods of dualstrap
	}{
		"a control plane node, alone":        {"dual-stack.yaml", "10.2.0.4", false, nil},
		"a control plane node, joined":       {"dual-stack.yaml", "10.2.0.4", true, []string{"haproxy.yaml", "keepalived.yaml"}},
		"a worker, joined":                   {"dual-stack.yaml", "10.2.0.5", true, nil},
		"a load balancer, before its join":   {"ha.yaml", "10.2.0.7", false, nil},
		"a load balancer, joined":            {"ha.yaml", "10.2.0.7", true, []string{"haproxy.yaml", "keepalived.yaml"}},
		"the control plane behind that":      {"ha.yaml", "10.2.0.4", true, nil},
		"a control plane node behind others": {"manual-lb.yaml", "10.2.0.4", true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openExample(t, test.example)
			s.Host(netip.MustParseAddr(test.address)).Facts.Membership.Joined = test.joined
			desired := desiredOf(t, s, test.address)
			var pods []string
			for _, file := range paths(desired, render.StaticPods) {
				pods = append(pods, path.Base(file))
			}
			if !slices.Equal(pods, test.pods) {
				t.Errorf("static pods %q, want %q", pods, test.pods)
			}
			if kubeadm := paths(desired, path.Dir(render.KubeadmConfig)); len(kubeadm) > 0 {
				t.Errorf("kubeadm's configuration with its secrets is written before the join: %q", kubeadm)
			}
		})
	}
}

// TestSecretFilesHaveNoDiff checks that the content of a file that only root can read is kept out of reports.
func TestSecretFilesHaveNoDiff(t *testing.T) {
	t.Parallel()
	s := openExample(t, "dual-stack.yaml")
	host := s.Host(netip.MustParseAddr("10.2.0.5"))
	files := render.HostFiles{}
	for name, mode := range map[string]fs.FileMode{"/etc/open": 0o644, "/etc/group": 0o640, "/etc/secret": 0o600, "/etc/run": 0o700} {
		files.Files = append(files.Files, render.File{Path: name, Mode: mode, Content: []byte("content")})
	}
	desired, err := desiredState(s, files, host)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range desired.Files {
		if want := file.Path == "/etc/secret" || file.Path == "/etc/run"; file.Secret != want {
			t.Errorf("%s with mode %o is secret: %t", file.Path, file.Mode, file.Secret)
		}
	}
	files.Files = []render.File{{Path: "/etc/early", Mode: 0o644, Content: []byte("token: " + render.KnownAfterInit)}}
	if _, err := desiredState(s, files, host); err == nil || !strings.Contains(err.Error(), "/etc/early") {
		t.Errorf("a placeholder would be written to a host: %v", err)
	}
	files.Files = []render.File{{Path: "firewalld.yaml", Mode: 0o644, Content: []byte("for readers")}}
	if desired, err := desiredState(s, files, host); err != nil || len(desired.Files) > 0 {
		t.Errorf("a file for readers would be written to a host: %v, %v", err, desired.Files)
	}
}

func TestRestarts(t *testing.T) {
	t.Parallel()
	for file, want := range map[string][]string{
		"/etc/containerd/config.toml":                             {"containerd.service"},
		"/etc/containerd/certs.d/docker.io/hosts.toml":            nil, // it is read for each image
		"/etc/systemd/system/containerd.service":                  {"containerd.service"},
		"/etc/systemd/system/containerd.service.d/limits.conf":    {"containerd.service"},
		"/etc/systemd/system/kubelet.service":                     {"kubelet.service"},
		"/etc/systemd/system/kubelet.service.d/10-kubeadm.conf":   {"kubelet.service"},
		"/etc/systemd/system/dualstrap-standalone.service":        nil,
		"/etc/sysctl.d/90-dualstrap.conf":                         nil,
		"/etc/dualstrap/kubeadm/patches/kubeletconfiguration.yml": nil,
	} {
		if got := restartedBy(file); !slices.Equal(got, want) {
			t.Errorf("%s restarts %q, want %q", file, got, want)
		}
	}
	for program, want := range map[string][]string{
		"/usr/local/bin/containerd": {"containerd.service"}, "/usr/local/bin/kubelet": {"kubelet.service"},
		"/usr/local/bin/runc": nil, "/usr/local/bin/containerd-shim-runc-v2": nil, "/opt/cni/bin/ptp": nil,
	} {
		if got := restartedByProgram(program); !slices.Equal(got, want) {
			t.Errorf("%s restarts %q, want %q", program, got, want)
		}
	}
}

// TestSettingsTakeEffectAtOnce checks that what the rendered files set at the next boot is set now as well.
func TestSettingsTakeEffectAtOnce(t *testing.T) {
	t.Parallel()
	s := openExample(t, "dual-stack.yaml")
	desired := desiredOf(t, s, "10.2.0.5")
	settings := map[string]change.Sysctl{}
	for _, sysctl := range desired.Sysctls {
		settings[sysctl.Key] = sysctl
	}
	if got := settings["net/ipv4/ip_forward"]; got.Value != "1" || got.Least || got.Shared {
		t.Errorf("net/ipv4/ip_forward: %+v", got)
	}
	if got := settings["fs/inotify/max_user_instances"]; !got.Least || got.Value == "" {
		t.Errorf("a limit is not a minimum: %+v", got)
	}
	if !slices.Contains(desired.Modules, "overlay") {
		t.Errorf("modules: %q", desired.Modules)
	}
}

// TestContainersShareTheKernel checks which settings of a host in a container are those of its machine, too.
func TestContainersShareTheKernel(t *testing.T) {
	t.Parallel()
	s := openExample(t, "dual-stack.yaml")
	host := s.Host(netip.MustParseAddr("10.2.0.5"))
	host.Facts.Container = "podman"
	for _, sysctl := range desiredOf(t, s, "10.2.0.5").Sysctls {
		if own := strings.HasPrefix(sysctl.Key, "net/"); sysctl.Shared == own {
			t.Errorf("%s is shared: %t", sysctl.Key, sysctl.Shared)
		}
	}
	for _, key := range baseline(host).Sysctls {
		if !strings.HasPrefix(key, "net/") {
			t.Errorf("a reset would change the machine: %s", key)
		}
	}
}

// TestBaseline checks what is recorded before the programs of a node change it.
func TestBaseline(t *testing.T) {
	t.Parallel()
	host := &check.Host{}
	host.Facts.Links = []facts.Link{{Name: "eth0"}, {Name: "bond0.7"}}
	worker := baseline(host)
	host.ControlPlane = true
	host.Facts.Units = map[string]facts.Unit{"firewalld": {Active: true}}
	host.Facts.Firewalld.DefaultZone = "public"
	controlPlane := baseline(host)
	trees := func(b change.Baseline) (copied []string) {
		for _, tree := range b.Trees {
			if tree.Copy {
				copied = append(copied, tree.Path)
			}
		}
		return copied
	}
	own := []string{"/etc/kubernetes", "/etc/cni/net.d", "/var/lib/cni", "/var/lib/kubelet"}
	if diff := cmp.Diff(own, trees(worker)); diff != "" {
		t.Errorf("a worker (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(append(own, "/var/lib/etcd"), trees(controlPlane)); diff != "" {
		t.Errorf("a control plane node (-want +got):\n%s", diff)
	}
	if len(worker.Zones) > 0 || !slices.Equal(controlPlane.Zones, []string{"public"}) {
		t.Errorf("zones: %q without firewalld, %q with", worker.Zones, controlPlane.Zones)
	}
	for _, key := range []string{
		"net/ipv4/conf/bond0.7/rp_filter", "net/ipv4/conf/eth0/send_redirects", "vm/overcommit_memory", "net/netfilter/nf_conntrack_max",
	} {
		if !slices.Contains(worker.Sysctls, key) {
			t.Errorf("%s is not recorded", key)
		}
	}
}

// TestRenderedHosts checks that what the facts say reaches the files of each host, and that hosts without facts keep
// placeholders.
func TestRenderedHosts(t *testing.T) {
	t.Parallel()
	s := openExample(t, "dual-stack.yaml")
	first := s.Host(netip.MustParseAddr("10.2.0.4"))
	first.Facts.Hostname = "cp-of-facts"
	s.Host(netip.MustParseAddr("10.2.0.5")).Err = fs.ErrNotExist
	in := renderInput(s, render.Discovered{})
	if got := in.Discovered.Hosts[first.Address].NodeName; got != "cp-of-facts" {
		t.Errorf("the name is %q", got)
	}
	if _, known := in.Discovered.Hosts[netip.MustParseAddr("10.2.0.5")]; known || len(in.Discovered.Hosts) != 2 {
		t.Errorf("hosts with facts: %v", in.Discovered.Hosts)
	}
	if in.Config.Name != s.Config.Name || in.Version != "v1.0.0" {
		t.Errorf("%s, %s", in.Config.Name, in.Version)
	}
	once := RenderOnce(s)
	before, err := once()
	if err != nil {
		t.Fatal(err)
	}
	s.Config.Security = api.Security{}
	after, err := once()
	if err != nil || len(before) != len(s.Hosts) || &before[first.Address].Files[0] != &after[first.Address].Files[0] {
		t.Errorf("%v: the files are rendered twice", err)
	}
}
