//go:build integration

package keys

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/provision/encryption"
	"github.com/dualstrap/dualstrap/provision/workflow"
)

// rotate does one run, which its observer can kill.
func (e *encrypted) rotate(ctx context.Context, t *testing.T, observe func(workflow.Event), by Rewriter) (Outcome, error) {
	t.Helper()
	r := &Rotation{
		Files: e.files, Servers: map[netip.Addr]Encryptor{}, Rewriter: by, Stored: e.stored,
		Runner: workflow.Runner{Hosts: e.order, Observe: observe, Connect: func(_ context.Context, host netip.Addr) (remote.Host, error) {
			return e.hosts[host], nil
		}},
	}
	for address, client := range e.clients {
		r.Servers[address] = client
	}
	return r.Run(ctx, e.found(t))
}

// fill stores Secrets through every API server, and returns their contents.
func (e *encrypted) fill(t *testing.T) map[string][]byte {
	t.Helper()
	content := map[string][]byte{}
	immutable := true
	for i := range 41 { // six pages
		name := fmt.Sprintf("secret-%02d", i)
		content[name] = []byte("content of " + name)
		if i == 7 {
			content[name] = bytes.Repeat([]byte("a large one "), 80_000)
		}
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: map[string][]byte{"a": content[name]}}
		if i == 9 {
			secret.Immutable = &immutable
		}
		client := kubernetes.NewForConfigOrDie(e.servers[e.order[i%2]].Config)
		if _, err := client.CoreV1().Secrets("default").Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	return content
}

// unread returns an error if an API server cannot read all Secrets, with their contents, directly from etcd.
func (e *encrypted) unread(ctx context.Context, content map[string][]byte) error {
	for _, address := range e.order {
		list, err := kubernetes.NewForConfigOrDie(e.servers[address].Config).CoreV1().Secrets("default").List(ctx, metav1.ListOptions{})
		if err != nil {
			return fmt.Errorf("%s: %w", address, err)
		}
		if len(list.Items) != len(content) {
			return fmt.Errorf("%s has %d Secrets", address, len(list.Items))
		}
		for _, secret := range list.Items {
			if !bytes.Equal(secret.Data["a"], content[secret.Name]) {
				return fmt.Errorf("%s has another %s", address, secret.Name)
			}
		}
	}
	return nil
}

// watch reads all Secrets through every API server repeatedly, until the returned function is called.
func (e *encrypted) watch(t *testing.T, content map[string][]byte) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	reads := 0
	watching.Go(func() {
		for ctx.Err() == nil {
			if err := e.unread(ctx, content); err != nil && ctx.Err() == nil {
				t.Errorf("a Secret cannot be read: %v", err)
				return
			}
			reads++
			time.Sleep(200 * time.Millisecond)
		}
	})
	return func() {
		cancel()
		watching.Wait()
		t.Logf("all Secrets were read %d times from each API server meanwhile", reads)
	}
}

// interrupted kills the run once, after some Secrets.
type interrupted struct {
	Rewriter

	after atomic.Int64
	kill  context.CancelFunc
}

func (i *interrupted) RewriteSecret(ctx context.Context, namespace, name string) error {
	if i.after.Add(-1) == 0 {
		i.kill()
	}
	return i.Rewriter.RewriteSecret(ctx, namespace, name)
}

// TestIntegrationRotateIsKilledBetweenSteps rotates the key of two real API servers. Each run is killed after the first
// phase that no earlier run has finished, and one while it writes Secrets. The stored values are read from etcd.
func TestIntegrationRotateIsKilledBetweenSteps(t *testing.T) {
	t.Parallel()
	e := newEncrypted(t)
	content := e.fill(t)
	before := e.found(t)[e.order[0]].Config
	if left, err := e.stored(t.Context(), before.Prefix()); err != nil || len(left) > 0 || before.Prefix() != "k8s:enc:secretbox:v1:key-1:" {
		t.Fatalf("not stored with %s: %v, %v", before.Prefix(), left, err)
	}
	if left, err := e.stored(t.Context(), "k8s:enc:"+"aescbc"); err != nil || len(left) < len(content) {
		t.Fatalf("all are said to be stored with anything: %d, %v", len(left), err)
	}
	stop := e.watch(t, content)
	writer := &interrupted{Rewriter: e.clients[e.order[0]]}
	writer.after.Store(20)
	killed := map[string]bool{}
	var last string
	for runs := 1; ; runs++ {
		ctx, kill := context.WithCancel(t.Context())
		writer.kill = kill
		var mu sync.Mutex
		outcome, err := e.rotate(ctx, t, func(event workflow.Event) {
			mu.Lock()
			defer mu.Unlock()
			// The last phase is killed when it starts: when it ends, nothing is left to do.
			ends := event.Status == workflow.Done || event.Status == workflow.Changed || event.Status == workflow.Unchanged
			if (ends || event.Phase == "load-remaining" && event.Status == "") && !killed[event.Phase] {
				killed[event.Phase], last = true, event.Phase
				kill()
			}
		}, writer)
		kill()
		if left, err := e.stored(t.Context(), "k8s:enc:secretbox:v1:key-2:"); err == nil {
			t.Logf("run %d, killed at %s; %d Secrets are stored with the old key", runs, last, len(left))
		}
		if outcome.Key != "key-2" || outcome.Resumed != (runs > 1) {
			t.Fatalf("run %d says %+v, %v", runs, outcome, err)
		}
		if err == nil || runs > 20 {
			if outcome.Rewritten > 0 {
				t.Errorf("the last run has stored %d Secrets again", outcome.Rewritten)
			}
			break
		}
	}
	stop()
	for _, phase := range []string{
		"add-key", "load-added", "prefer-key", "load-preferred", "rewrite-secrets", "remove-key", "load-remaining",
	} {
		if !killed[phase] {
			t.Errorf("no run was killed after %s: %v", phase, killed)
		}
	}
	e.isRotated(t, before, content)
}

// isRotated checks files, API servers and etcd.
func (e *encrypted) isRotated(t *testing.T, before encryption.Config, content map[string][]byte) {
	t.Helper()
	for address, file := range e.found(t) {
		if len(file.Config.Keys) != 1 || file.Config.Encrypting().Name != "key-2" || file.Exposed ||
			file.Config.Encrypting().Secret == before.Encrypting().Secret {
			t.Errorf("%s has %d keys, the first is %s; exposed: %v", address, len(file.Config.Keys), file.Config.Encrypting().Name, file.Exposed)
		}
		if digest, err := e.clients[address].EncryptionConfig(t.Context()); err != nil || digest != encryption.Digest(file.Content) {
			t.Errorf("the API server of %s works with %s, %v", address, digest, err)
		}
	}
	if left, err := e.stored(t.Context(), "k8s:enc:secretbox:v1:key-2:"); err != nil || len(left) > 0 {
		t.Errorf("not stored with the new key: %s, %v", strings.Join(left, ", "), err)
	}
	if err := e.unread(t.Context(), content); err != nil {
		t.Error(err)
	}
}
