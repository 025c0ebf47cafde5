package keys

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/encryption"
	"github.com/dualstrap/dualstrap/provision/refusal"
	"github.com/dualstrap/dualstrap/provision/workflow"
)

// found reads the key files of all hosts.
func (k *keyring) found() map[netip.Addr]File {
	k.t.Helper()
	found := map[netip.Addr]File{}
	for _, host := range k.hosts {
		file, err := k.keyFiles().Read(k.t.Context(), memberHost{ring: k, address: host})
		if err != nil {
			k.t.Fatal(err)
		}
		found[host] = file
	}
	return found
}

func (k *keyring) keyFiles() Files {
	return Files{Path: "/keys.yaml", Secrets: &remote.Secrets{}}
}

func (k *keyring) connect(_ context.Context, host netip.Addr) (remote.Host, error) {
	return memberHost{ring: k, address: host}, nil
}

// distribute does what a run of create does about keys, and is killed after so many writes.
func (k *keyring) distribute(initialized bool, steps int) (*workflow.Report, error) {
	k.t.Helper()
	k.steps = steps
	found := k.found()
	if err := Check(k.hosts, found, initialized); err != nil {
		return nil, err
	}
	distribution := &Distribution{Files: k.keyFiles(), Found: found, First: k.hosts[0], Connect: k.connect}
	runner := workflow.Runner{Hosts: k.hosts, Connect: k.connect}
	report, err := runner.Run(k.t.Context(), []workflow.Phase{{Name: "encryption-key", Plan: distribution.Plan(k.t.Context())}})
	if err != nil {
		k.t.Fatal(err)
	}
	return report, report.Err()
}

// TestKeysAreMadeOnce kills runs that generate the key of a new cluster, and finishes them with later runs. In the end all
// nodes have the same key: the one that was written first.
func TestKeysAreMadeOnce(t *testing.T) {
	t.Parallel()
	for steps := 1; ; steps++ {
		k := newKeyring(t)
		clear(k.files)
		clear(k.secrets)
		_, err := k.distribute(false, steps)
		first := ""
		for _, content := range k.files {
			first = string(content)
		}
		if _, again := k.distribute(false, 100); again != nil {
			t.Fatal(again)
		}
		for _, host := range k.hosts {
			if string(k.files[host]) != first || !strings.Contains(first, "key-1") {
				t.Errorf("killed after %d writes, %s has another key in the end", steps, host)
			}
		}
		report, again := k.distribute(true, 0)
		if again != nil || len(report.Changes(k.hosts[0], "encryption-key")) > 0 {
			t.Errorf("another run: %v, %v", report, again)
		}
		if err == nil {
			return
		}
	}
}

// TestKeysComeBack removes key files from nodes of an existing cluster.
func TestKeysComeBack(t *testing.T) {
	t.Parallel()
	k := newKeyring(t)
	before := string(k.files[k.hosts[1]])
	delete(k.files, k.hosts[0])
	delete(k.files, k.hosts[2])
	report, err := k.distribute(true, 100)
	isBack := string(k.files[k.hosts[0]]) == before && string(k.files[k.hosts[2]]) == before
	if err != nil || len(report.Changes(k.hosts[1], "encryption-key")) > 0 || !isBack {
		t.Errorf("%+v, %v", report, err)
	}
	k.mode = "644 root:root"
	report, err = k.distribute(true, 100)
	if err != nil || len(report.Changes(k.hosts[1], "encryption-key")) != 1 || string(k.files[k.hosts[1]]) != before {
		t.Errorf("others can read it: %+v, %v", report, err)
	}
}

func TestKeysAreRefused(t *testing.T) {
	t.Parallel()
	rotated := func(k *keyring, hosts ...int) {
		config, err := k.loaded[k.hosts[0]].With(k.newSecret())
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range hosts {
			if k.files[k.hosts[i]], err = config.Encode(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, test := range map[string]struct {
		change func(k *keyring)
		// reasons lists how the reasons begin; it is nil if nothing is refused.
		reasons []string
	}{
		"as they are":        {func(*keyring) {}, nil},
		"in a rotation":      {func(k *keyring) { rotated(k, 0, 1, 2) }, nil},
		"gone from everyone": {func(k *keyring) { clear(k.files) }, []string{"/etc/dualstrap/apiserver/encryption.yaml, with the key that "}},
		"between two steps": {
			func(k *keyring) { rotated(k, 1) },
			[]string{
				"/etc/dualstrap/apiserver/encryption.yaml is not the same on all control plane nodes: a rotation of the key was interrupted, " +
					"and dualstrap rotate encryption-key finishes it",
				"10.0.0.1, 10.0.0.3: the file is sha256:", "10.0.0.2: the file is sha256:",
			},
		},
		"different": {
			func(k *keyring) {
				content, err := encryption.First(k.newSecret()).Encode()
				if err != nil {
					t.Fatal(err)
				}
				k.files[k.hosts[2]] = content
				delete(k.files, k.hosts[1])
			},
			[]string{
				"/etc/dualstrap/apiserver/encryption.yaml is not the same on all control plane nodes, so that API servers may not",
				"10.0.0.1: the file is sha256:", "10.0.0.3: the file is sha256:",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newKeyring(t)
			test.change(k)
			_, err := k.distribute(true, 100)
			var refused *refusal.Error
			if !errors.As(err, &refused) {
				if err != nil || test.reasons != nil {
					t.Errorf("the error is %v", err)
				}
				return
			}
			if len(refused.Reasons) != len(test.reasons) {
				t.Fatalf("the reasons are %q", refused.Reasons)
			}
			for i, reason := range refused.Reasons {
				if !strings.HasPrefix(reason, test.reasons[i]) {
					t.Errorf("reason %d is %q, want %q", i, reason, test.reasons[i])
				}
			}
		})
	}
}

// TestKeysOfOthersAreRefused has hosts return files that dualstrap has not written, and new keys that are malformed.
func TestKeysOfOthersAreRefused(t *testing.T) {
	t.Parallel()
	k := newKeyring(t)
	whole := string(k.files[k.hosts[0]])
	for name, content := range map[string]string{
		"empty": "", "half": whole[:len(whole)/2], "long": whole + strings.Repeat("#\n", encryption.MaxSize),
		"a socket": strings.Replace(whole, "  - identity: {}", "  - kms: {endpoint: unix:///tmp/a}", 1),
	} {
		k.files[k.hosts[0]] = []byte(content)
		_, err := k.keyFiles().Read(t.Context(), memberHost{ring: k, address: k.hosts[0]})
		var keys *FileError
		if !errors.As(err, &keys) || !strings.HasPrefix(err.Error(), "refused to use /keys.yaml: it ") || keys.Hint() == "" {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
	secrets := &remote.Secrets{}
	files := Files{Path: "/keys.yaml", Secrets: secrets}
	for _, secret := range []string{"", "short", strings.Repeat("a", 44), "$(reboot)"} {
		host := generatingHost{memberHost{ring: k, address: k.hosts[0]}, secret}
		if got, err := files.generate(t.Context(), host); err == nil {
			t.Errorf("the key %q is taken for %q", secret, got)
		}
	}
	k.files[k.hosts[0]] = []byte(whole)
	file, err := files.Read(t.Context(), memberHost{ring: k, address: k.hosts[0]})
	if err != nil {
		t.Fatal(err)
	}
	if said := secrets.Redact("it says " + file.Config.Encrypting().Secret); said != "it says [redacted]" {
		t.Errorf("a key that was read is shown: %s", said)
	}
}

// generatingHost is a host that answers a request for a new key with a text.
type generatingHost struct {
	memberHost

	key string
}

func (d generatingHost) Probe(context.Context, remote.Script) (remote.Answer, error) {
	return remote.Answer{Values: map[string]remote.Value{"key": {Output: []byte(d.key)}}}, nil
}
