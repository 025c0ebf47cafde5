package provision

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/encryption"
	"github.com/dualstrap/dualstrap/provision/workflow"
)

// keyring is a control plane in memory: the file of each host, what its API server has loaded, and with which key each
// Secret is encrypted.
type keyring struct {
	t     *testing.T
	hosts []netip.Addr

	mu      sync.Mutex
	files   map[netip.Addr][]byte
	loaded  map[netip.Addr]encryption.Config
	secrets map[string]encryption.Key
	drawn   byte
	mode    string
	// steps is how many more changes are made before the run is killed.
	steps int
}

// errKilled is what everything fails with once the run is killed.
var errKilled = errors.New("killed")

func newKeyring(t *testing.T) *keyring {
	t.Helper()
	k := &keyring{
		t: t, steps: math.MaxInt, mode: "600 root:root",
		files: map[netip.Addr][]byte{}, loaded: map[netip.Addr]encryption.Config{}, secrets: map[string]encryption.Key{},
	}
	config := encryption.First(k.draw())
	content, err := config.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"10.0.0.1", "10.0.0.2", "10.0.0.3"} {
		host := netip.MustParseAddr(text)
		k.hosts = append(k.hosts, host)
		k.files[host], k.loaded[host] = content, config
		k.secrets[secretsPath+"default/"+text] = config.Encrypting()
	}
	return k
}

func (k *keyring) draw() string {
	k.drawn++
	return base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(rune(k.drawn)), 32)))
}

// step makes a change, unless the run is killed before; killed right after it, nobody hears of it.
func (k *keyring) step(change func()) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.steps <= 0 {
		return errKilled
	}
	change()
	for host, config := range k.loaded {
		for path, key := range k.secrets {
			if !slices.Contains(config.Keys, key) {
				k.t.Errorf("the API server of %s with %v cannot read %s, which %s has encrypted", host, config, path, key.Name)
			}
		}
	}
	if k.steps--; k.steps == 0 {
		return errKilled
	}
	return nil
}

// reload has an API server load its file, and write a Secret.
func (k *keyring) reload(host netip.Addr) {
	config, err := encryption.Parse(k.files[host])
	if err != nil {
		k.t.Error(err)
	}
	k.loaded[host] = config
	k.secrets[fmt.Sprintf("%sdefault/%d", secretsPath, len(k.secrets))] = config.Encrypting()
}

// memberHost is a control plane node of a keyring.
type memberHost struct {
	remote.Host
	ring    *keyring
	address netip.Addr
}

func (h memberHost) Address() netip.Addr { return h.address }

func (h memberHost) Probe(_ context.Context, script remote.Script) (remote.Answer, error) {
	h.ring.mu.Lock()
	defer h.ring.mu.Unlock()
	answer := remote.Answer{Values: map[string]remote.Value{}}
	switch script.Name {
	case "make a key for Secrets":
		answer.Values["key"] = remote.Value{Output: []byte(h.ring.draw())}
	case "read the keys of Secrets":
		if content, there := h.ring.files[h.address]; there {
			answer.Values["content"] = remote.Value{Output: content}
			answer.Values["mode"] = remote.Value{Output: []byte(h.ring.mode + "\n")}
		}
	default:
		return remote.Answer{}, fmt.Errorf("unknown script %s", script.Name)
	}
	return answer, nil
}

func (h memberHost) WriteFiles(_ context.Context, files []remote.File) ([]string, error) {
	if len(files) != 1 || files[0].Mode != 0o600 || files[0].Owner != "" {
		h.ring.t.Errorf("it writes %+v", files)
	}
	return nil, h.ring.step(func() { h.ring.files[h.address] = files[0].Content })
}

func (h memberHost) EncryptionConfig(context.Context) (string, error) {
	h.ring.mu.Lock()
	defer h.ring.mu.Unlock()
	content, err := h.ring.loaded[h.address].Encode()
	return encryption.Digest(content), err
}

func (h memberHost) AwaitEncryptionConfig(_ context.Context, digest string, _ time.Duration) error {
	err := h.ring.step(func() { h.ring.reload(h.address) })
	if err == nil && encryption.Digest(h.ring.files[h.address]) != digest {
		return errors.New("it waits for another file than the one that is there")
	}
	return err
}

func (k *keyring) RewriteSecret(_ context.Context, namespace, name string) error {
	by := k.hosts[len(name)%len(k.hosts)] // any
	return k.step(func() { k.secrets[secretsPath+namespace+"/"+name] = k.loaded[by].Encrypting() })
}

func (k *keyring) stored(_ context.Context, prefix string) ([]string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var without []string
	for path, key := range k.secrets {
		if !strings.HasPrefix("k8s:enc:secretbox:v1:"+key.Name+":and what is encrypted", prefix) {
			without = append(without, path)
		}
	}
	return without, nil
}

// rotate is one run, killed after so many changes.
func (k *keyring) rotate(steps int) (RotateOutcome, error) {
	k.steps = steps
	r := &rotationRun{
		keyFiles: k.keyFiles(), runner: workflow.Runner{Hosts: k.hosts, Connect: k.connect},
		servers: map[netip.Addr]encryptor{}, rewriter: k, stored: k.stored,
	}
	for _, host := range k.hosts {
		r.servers[host] = memberHost{ring: k, address: host}
	}
	return r.run(k.t.Context(), k.found())
}

// isRotated reports whether the second key is everywhere, and nothing else.
func (k *keyring) isRotated() bool {
	for _, host := range k.hosts {
		config, err := encryption.Parse(k.files[host])
		if err != nil || len(config.Keys) != 1 || config.Encrypting().Name != "key-2" || !slices.Equal(k.loaded[host].Keys, config.Keys) {
			return false
		}
	}
	left, _ := k.stored(context.Background(), "k8s:enc:secretbox:v1:key-2:")
	return len(left) == 0
}

func TestRotate(t *testing.T) {
	t.Parallel()
	k := newKeyring(t)
	outcome, err := k.rotate(math.MaxInt)
	if err != nil || !k.isRotated() {
		t.Fatalf("%v; it ends with %+v", err, k)
	}
	if outcome.Key != "key-2" || outcome.Resumed || outcome.Rewritten < 3 {
		t.Errorf("it says %+v", outcome)
	}
	if outcome, err = k.rotate(math.MaxInt); err != nil || outcome.Key != "key-3" || outcome.Resumed {
		t.Errorf("the next one says %+v, %v", outcome, err)
	}
}

// TestRotateIsKilledAnywhere kills a rotation after every number of changes, lets an API server restart, kills the next run
// as well, and finishes it. No API server ever meets a Secret that it cannot read.
func TestRotateIsKilledAnywhere(t *testing.T) {
	t.Parallel()
	runs := 0
	for first := 1; ; first++ {
		for second := 1 + first%2; ; second += 2 {
			k := newKeyring(t)
			_, err := k.rotate(first)
			if err == nil {
				t.Logf("%d runs, killed after up to %d changes", runs, first-1)
				return
			}
			runs++
			k.reload(k.hosts[second%len(k.hosts)])
			ended := k.isRotated()
			if !ended {
				_, err = k.rotate(second)
				ended = err == nil
			}
			if !k.isRotated() {
				if outcome, err := k.rotate(math.MaxInt); err != nil || outcome.Key != "key-2" {
					t.Fatalf("killed after %d and %d changes: %+v, %v", first, second, outcome, err)
				}
			}
			if !k.isRotated() {
				t.Fatalf("killed after %d and %d changes it ends with %+v", first, second, k)
			}
			if ended {
				break
			}
		}
	}
}

// TestRotateKeepsTheOldKey has somebody store Secrets with the old key all the time.
func TestRotateKeepsTheOldKey(t *testing.T) {
	t.Parallel()
	k := newKeyring(t)
	config := encryption.First(k.draw())
	stays := func(context.Context, string) ([]string, error) { return []string{secretsPath + "default/a"}, nil }
	stubborn := &rotationRun{rewriter: k, stored: stays}
	err := stubborn.rewrite(t.Context(), []string{secretsPath + "default/a"}, config.Prefix())
	if err == nil || !strings.Contains(err.Error(), "it is still needed for 1 Secret, as at /registry/secrets/default/a") {
		t.Errorf("the error is %v", err)
	}
	err = stubborn.rewrite(t.Context(), []string{secretsPath + "a"}, config.Prefix())
	if err == nil || !strings.Contains(err.Error(), "/registry/secrets/a") {
		t.Errorf("the error is %v", err)
	}
}

// TestHostileKeysOfNodes tries files of keys that no rotation leaves behind: the run is refused, with who has which.
func TestHostileKeysOfNodes(t *testing.T) {
	t.Parallel()
	t.Run("another key on one node", func(t *testing.T) {
		t.Parallel()
		k := newKeyring(t)
		content, err := encryption.First(k.draw()).Encode()
		if err != nil {
			t.Fatal(err)
		}
		before := k.files[k.hosts[0]]
		k.files[k.hosts[1]] = content
		_, err = k.rotate(0)
		var refused *RefusedError
		if !errors.As(err, &refused) {
			t.Fatalf("the error is %v", err)
		}
		want := []string{
			"/etc/dualstrap/apiserver/encryption.yaml is not the same on all control plane nodes, so that API servers may not read each other's " +
				"Secrets: find out which is the right one, and remove the others",
			"10.0.0.1, 10.0.0.3: the file is " + encryption.Digest(before), "10.0.0.2: the file is " + encryption.Digest(content),
		}
		if !slices.Equal(refused.Reasons, want) {
			t.Errorf("the reasons are %q", refused.Reasons)
		}
	})
}
