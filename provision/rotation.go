package provision

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/internal/plural"
	"github.com/dualstrap/dualstrap/provision/encryption"
	"github.com/dualstrap/dualstrap/provision/workflow"
)

const (
	// reloadPatience is how long an API server may take to load a file. It looks once a minute.
	reloadPatience = 5 * time.Minute
	// rewritesAtOnce bounds how many Secrets are on their way at once.
	rewritesAtOnce = 8
	// rewriteRounds is how often the Secrets that are left are looked for. There are none after the first round, unless
	// somebody's API server has lost its way.
	rewriteRounds = 3
)

// encryptor is an API server that encrypts Secrets.
type encryptor interface {
	EncryptionConfig(ctx context.Context) (digest string, err error)
	AwaitEncryptionConfig(ctx context.Context, digest string, patience time.Duration) error
}

// rewriter has some API server store a Secret again.
type rewriter interface {
	RewriteSecret(ctx context.Context, namespace, name string) error
}

// rotationRun is one run of RotateEncryptionKey.
type rotationRun struct {
	keyFiles

	// runner has the control plane nodes; the first one makes the key.
	runner workflow.Runner
	// servers are their API servers.
	servers  map[netip.Addr]encryptor
	rewriter rewriter
	// stored lists the keys in etcd of the Secrets that are stored otherwise than with a prefix.
	stored    func(ctx context.Context, prefix string) ([]string, error)
	rewritten atomic.Int64
}

// run takes a rotation from where it stands to its end.
func (r *rotationRun) run(ctx context.Context, found map[netip.Addr]keyFile) (RotateOutcome, error) {
	stage, config, err := rotationOf(found, r.runner.Hosts)
	if err != nil {
		return RotateOutcome{}, err
	}
	outcome := RotateOutcome{Resumed: true}
	if stage == encryption.Settled {
		if outcome.Resumed, err = r.isLoading(ctx, found); err != nil {
			return outcome, err
		}
	}
	if !outcome.Resumed {
		stage = encryption.Adding
		if config, err = r.addNewKey(ctx, config); err != nil {
			return outcome, err
		}
	}
	phases, last, err := r.phases(stage, config)
	if err != nil {
		return outcome, err
	}
	outcome.Key = last.Encrypting().Name
	outcome.Run, err = r.runner.Run(ctx, phases)
	outcome.Rewritten = int(r.rewritten.Load())
	if err != nil {
		return outcome, err
	}
	return outcome, errors.Join(outcome.Run.Err(), ctx.Err())
}

// isLoading reports whether some API server still works with another file than the one there is: that of an earlier
// rotation, which was interrupted at its very end.
func (r *rotationRun) isLoading(ctx context.Context, found map[netip.Addr]keyFile) (bool, error) {
	loading := false
	for _, host := range r.runner.Hosts {
		digest, err := r.servers[host].EncryptionConfig(ctx)
		if err != nil {
			return false, fmt.Errorf("cannot tell which key the API server of %s works with: %w", host, err)
		}
		loading = loading || digest != encryption.Digest(found[host].content)
	}
	return loading, nil
}

// addNewKey has the first node make a key, and returns the file in which it is the second one.
func (r *rotationRun) addNewKey(ctx context.Context, config encryption.Config) (encryption.Config, error) {
	host, err := r.runner.Connect(ctx, r.runner.Hosts[0])
	if err != nil {
		return encryption.Config{}, err
	}
	secret, err := r.generate(ctx, host)
	if err != nil {
		return encryption.Config{}, err
	}
	return config.With(secret)
}

// phases are what is left to do of a rotation, from a stage and its file on; last is the file in the end.
//
//	        add-key   load-added   prefer-key   load-preferred   rewrite-secrets   remove-key   load-remaining
//	first   ├─────────┼────────────┼────────────┼────────────────┼─────────────────┼────────────┼──────────────┤
//	others  ├─────────┼────────────┼────────────┼────────────────┤                 ├────────────┼──────────────┤
//
// Every phase is done on all nodes before the next one begins on any.
func (r *rotationRun) phases(
	stage encryption.Stage, config encryption.Config,
) (phases []workflow.Phase, last encryption.Config, err error) {
	bring := func(write, load, short string) {
		content, encoding := config.Encode()
		err = errors.Join(err, encoding)
		phases = append(phases,
			workflow.Phase{Name: write, Short: short, Plan: r.planWrite(config, content)},
			workflow.Phase{
				Name: load, Short: "wait until the API servers work with it", ReadOnly: true, Plan: r.await(encryption.Digest(content)),
			})
	}
	if stage == encryption.Adding {
		bring("add-key", "load-added", "give every API server the new key")
		config = config.Swapped()
	}
	if stage != encryption.Settled {
		bring("prefer-key", "load-preferred", "have every API server encrypt with the new key")
		phases = append(phases, workflow.Phase{
			Name: "rewrite-secrets", Short: "store all Secrets again, encrypted with the new key",
			Hosts: func(host netip.Addr) bool { return host == r.runner.Hosts[0] },
			Plan:  r.planRewrite(config),
		})
		config = config.Only()
	}
	bring("remove-key", "load-remaining", "take the old key from the API servers")
	for i := 1; i < len(phases); i++ {
		phases[i].After = []workflow.Dependency{{Phase: phases[i-1].Name}}
	}
	return phases, config, err
}

// planWrite brings a node the file of a step.
func (r *rotationRun) planWrite(config encryption.Config, content []byte) planFunc {
	names := make([]string, len(config.Keys))
	for i, key := range config.Keys {
		names[i] = key.Name
	}
	return func(ctx context.Context, host remote.Reader) ([]workflow.Action, error) {
		file, err := r.read(ctx, host)
		if err != nil || file.matches(content) {
			return nil, err
		}
		return []workflow.Action{{
			Summary: fmt.Sprintf("write %s with %s", r.path, strings.Join(names, ", ")),
			Do:      func(ctx context.Context, host remote.Host) error { return r.write(ctx, host, content) },
		}}, nil
	}
}

// await waits until a node's API server works with a file.
func (r *rotationRun) await(digest string) planFunc {
	return func(ctx context.Context, host remote.Reader) ([]workflow.Action, error) {
		return nil, r.servers[host.Address()].AwaitEncryptionConfig(ctx, digest, reloadPatience)
	}
}

// planRewrite has all Secrets stored again that the first key of a file has not encrypted. What is not is asked of etcd:
// only there it can be seen.
func (r *rotationRun) planRewrite(config encryption.Config) planFunc {
	return func(ctx context.Context, _ remote.Reader) ([]workflow.Action, error) {
		left, err := r.stored(ctx, config.Prefix())
		if err != nil || len(left) == 0 {
			return nil, err
		}
		return []workflow.Action{{
			Summary: fmt.Sprintf("store %s again, encrypted with %s", plural.Of(len(left), "Secret"), config.Encrypting().Name),
			Do:      func(ctx context.Context, _ remote.Host) error { return r.rewrite(ctx, left, config.Prefix()) },
		}}, nil
	}
}

// rewrite stores Secrets again, until etcd has none without a prefix. The old key must not go before that.
func (r *rotationRun) rewrite(ctx context.Context, left []string, prefix string) error {
	for range rewriteRounds {
		group, groupCtx := errgroup.WithContext(ctx)
		group.SetLimit(rewritesAtOnce)
		for _, key := range left {
			group.Go(func() error { return r.rewriteOne(groupCtx, key) })
		}
		if err := group.Wait(); err != nil {
			return err
		}
		var err error
		if left, err = r.stored(ctx, prefix); err != nil || len(left) == 0 {
			return err
		}
	}
	return fmt.Errorf("the old key stays, because it is still needed for %s, as at %s in etcd: look for an API server that encrypts "+
		"with it, and run it again", plural.Of(len(left), "Secret"), left[0])
}

// rewriteOne stores the Secret at a key of etcd again.
func (r *rotationRun) rewriteOne(ctx context.Context, key string) error {
	namespace, name, found := strings.Cut(strings.TrimPrefix(key, secretsPath), "/")
	if !found {
		return fmt.Errorf("cannot tell which Secret is stored at %s", key)
	}
	r.rewritten.Add(1)
	return r.rewriter.RewriteSecret(ctx, namespace, name)
}
