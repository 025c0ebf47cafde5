package keys

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
	"github.com/dualstrap/dualstrap/provision/refusal"
	"github.com/dualstrap/dualstrap/provision/workflow"
)

const (
	// reloadTimeout is how long an API server may take to load a changed file. It polls the file once a minute.
	reloadTimeout = 5 * time.Minute
	// rewriteConcurrency is how many Secrets are stored again at once.
	rewriteConcurrency = 8
	// rewriteRounds is how often the remaining Secrets are listed and stored again. One round suffices, unless an API server
	// still encrypts with the old key.
	rewriteRounds = 3
)

// Encryptor is the API server of one control plane node, as far as its encryption is concerned.
type Encryptor interface {
	// EncryptionConfig returns the digest of the key file that the API server has loaded.
	EncryptionConfig(ctx context.Context) (digest string, err error)
	// AwaitEncryptionConfig waits until the API server has loaded the key file with this digest.
	AwaitEncryptionConfig(ctx context.Context, digest string, timeout time.Duration) error
}

// Rewriter stores a Secret again, unchanged, through any API server. The API server encrypts it with its first key.
type Rewriter interface {
	RewriteSecret(ctx context.Context, namespace, name string) error
}

// Outcome is the result of [Rotation.Run].
type Outcome struct {
	// Key is the name of the key that Secrets are encrypted with after a successful run; empty if the run ended before its
	// phases started.
	Key string
	// Resumed reports whether the run finished an earlier rotation instead of generating a new key.
	Resumed bool
	// Rewritten is how many Secrets were stored again.
	Rewritten int
	// Run lists the changes by host and phase; nil if the run ended before its phases started.
	Run *workflow.Report
}

// Rotation replaces the key on all control plane nodes. It is for one call of Run.
type Rotation struct {
	Files

	// Runner runs phases on the control plane nodes. The first of them generates the key.
	Runner workflow.Runner
	// Servers holds the API server of each control plane node.
	Servers  map[netip.Addr]Encryptor
	Rewriter Rewriter
	// Stored returns the etcd keys of the Secrets whose stored values do not begin with a prefix.
	Stored func(ctx context.Context, prefix string) ([]string, error)
	// rewritten counts the Secrets that were stored again, from several goroutines.
	rewritten atomic.Int64
}

// Run continues a rotation from its current stage to its end, or starts one if none is in progress. found holds the key
// files of the control plane nodes.
func (r *Rotation) Run(ctx context.Context, found map[netip.Addr]File) (Outcome, error) {
	stage, config, err := rotationOf(found, r.Runner.Hosts)
	if err != nil {
		return Outcome{}, err
	}
	outcome := Outcome{Resumed: true}
	// The files look the same after a finished rotation, and after one that was interrupted while API servers still load the
	// last file. The latter is resumed: a new key must wait until every API server has loaded that file.
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
	outcome.Run, err = r.Runner.Run(ctx, phases)
	outcome.Rewritten = int(r.rewritten.Load())
	if err != nil {
		return outcome, err
	}
	return outcome, errors.Join(outcome.Run.Err(), ctx.Err())
}

// isLoading reports whether any API server has not loaded the current key file of its node yet. If all files are the same,
// an earlier rotation was interrupted after its last write, and is to be resumed.
func (r *Rotation) isLoading(ctx context.Context, found map[netip.Addr]File) (bool, error) {
	loading := false
	for _, host := range r.Runner.Hosts {
		digest, err := r.Servers[host].EncryptionConfig(ctx)
		if err != nil {
			return false, fmt.Errorf("cannot tell which key the API server of %s works with: %w", host, err)
		}
		loading = loading || digest != encryption.Digest(found[host].Content)
	}
	return loading, nil
}

// addNewKey generates a key on the first node, and returns the file with it as the second key.
func (r *Rotation) addNewKey(ctx context.Context, config encryption.Config) (encryption.Config, error) {
	host, err := r.Runner.Connect(ctx, r.Runner.Hosts[0])
	if err != nil {
		return encryption.Config{}, err
	}
	secret, err := r.generate(ctx, host)
	if err != nil {
		return encryption.Config{}, err
	}
	return config.With(secret)
}

// Phases returns the phases of a whole rotation, for documentation. They cannot run.
func Phases() ([]workflow.Phase, error) {
	config, err := encryption.First(unusedSecret("a")).With(unusedSecret("b"))
	if err != nil {
		return nil, err
	}
	phases, _, err := (&Rotation{}).phases(encryption.Adding, config)
	return phases, err
}

// unusedSecret returns a secret in the form of a key, for phases that never run.
func unusedSecret(letter string) string { return strings.Repeat(letter, 42) + letter + "=" }

// phases returns the remaining phases of a rotation, from a stage and the file of that stage on, and the last file that they
// write.
//
//	        add-key   load-added   prefer-key   load-preferred   rewrite-secrets   remove-key   load-remaining
//	first   ├─────────┼────────────┼────────────┼────────────────┼─────────────────┼────────────┼──────────────┤
//	others  ├─────────┼────────────┼────────────┼────────────────┤                 ├────────────┼──────────────┤
//
// Every phase is done on all nodes before the next one begins on any.
func (r *Rotation) phases(
	stage encryption.Stage, config encryption.Config,
) (phases []workflow.Phase, last encryption.Config, err error) {
	// distribute adds the two phases that write the current config on every node and wait until it is loaded.
	distribute := func(write, load, short string) {
		content, encodeErr := config.Encode()
		err = errors.Join(err, encodeErr)
		phases = append(phases,
			workflow.Phase{Name: write, Short: short, Plan: r.planWrite(config, content)},
			workflow.Phase{
				Name: load, Short: "wait until the API servers have loaded it", ReadOnly: true, Plan: r.await(encryption.Digest(content)),
			})
	}
	if stage == encryption.Adding {
		distribute("add-key", "load-added", "give every API server the new key")
		config = config.Swapped()
	}
	if stage != encryption.Settled {
		// Secrets are stored again only after every API server prefers the new key; otherwise one with the old order would
		// encrypt later writes with the old key.
		distribute("prefer-key", "load-preferred", "have every API server encrypt with the new key")
		phases = append(phases, workflow.Phase{
			Name: "rewrite-secrets", Short: "store all Secrets again, encrypted with the new key",
			Hosts: func(host netip.Addr) bool { return host == r.Runner.Hosts[0] },
			Plan:  r.planRewrite(config),
		})
		config = config.Only()
	}
	distribute("remove-key", "load-remaining", "remove the old key from the API servers")
	// A step must end on all nodes before the next one starts on any: see package encryption.
	for i := 1; i < len(phases); i++ {
		phases[i].After = []workflow.Dependency{{Phase: phases[i-1].Name}}
	}
	return phases, config, err
}

// planWrite writes the file of a step on a node. The summary names the keys, and does not contain them.
func (r *Rotation) planWrite(config encryption.Config, content []byte) workflow.PlanFunc {
	names := make([]string, len(config.Keys))
	for i, key := range config.Keys {
		names[i] = key.Name
	}
	return func(ctx context.Context, host remote.Reader) ([]workflow.Action, error) {
		file, err := r.Read(ctx, host)
		if err != nil || file.matches(content) {
			return nil, err
		}
		return []workflow.Action{{
			Summary: fmt.Sprintf("write %s with %s", r.Path, strings.Join(names, ", ")),
			Do:      func(ctx context.Context, host remote.Host) error { return r.write(ctx, host, content) },
		}}, nil
	}
}

// await waits until the API server of a node has loaded the file with a digest.
func (r *Rotation) await(digest string) workflow.PlanFunc {
	return func(ctx context.Context, host remote.Reader) ([]workflow.Action, error) {
		return nil, r.Servers[host.Address()].AwaitEncryptionConfig(ctx, digest, reloadTimeout)
	}
}

// planRewrite stores all Secrets again that are not encrypted with the first key of a file. It finds them in etcd, because
// the API does not show how a Secret is stored.
func (r *Rotation) planRewrite(config encryption.Config) workflow.PlanFunc {
	return func(ctx context.Context, _ remote.Reader) ([]workflow.Action, error) {
		left, err := r.Stored(ctx, config.Prefix())
		if err != nil || len(left) == 0 {
			return nil, err
		}
		return []workflow.Action{{
			Summary: fmt.Sprintf("store %s again, encrypted with %s", plural.Of(len(left), "Secret"), config.Encrypting().Name),
			Do:      func(ctx context.Context, _ remote.Host) error { return r.rewrite(ctx, left, config.Prefix()) },
		}}, nil
	}
}

// rewrite stores Secrets again until none in etcd lacks the prefix. It returns an error if some remain: the old key must
// not be removed then.
func (r *Rotation) rewrite(ctx context.Context, left []string, prefix string) error {
	for range rewriteRounds {
		group, groupCtx := errgroup.WithContext(ctx)
		group.SetLimit(rewriteConcurrency)
		for _, key := range left {
			group.Go(func() error { return r.rewriteOne(groupCtx, key) })
		}
		if err := group.Wait(); err != nil {
			return err
		}
		var err error
		if left, err = r.Stored(ctx, prefix); err != nil || len(left) == 0 {
			return err
		}
	}
	return fmt.Errorf("the old key stays, because it is still needed for %s, as at %s in etcd: look for an API server that encrypts "+
		"with it, and run it again", plural.Of(len(left), "Secret"), left[0])
}

// rewriteOne stores the Secret at an etcd key again.
func (r *Rotation) rewriteOne(ctx context.Context, key string) error {
	namespace, name, found := strings.Cut(strings.TrimPrefix(key, SecretsPath), "/")
	if !found {
		return fmt.Errorf("cannot tell which Secret is stored at %s", key)
	}
	r.rewritten.Add(1)
	return r.Rewriter.RewriteSecret(ctx, namespace, name)
}

// SecretsPath is the prefix of the etcd keys of Secrets, kube-apiserver's default --etcd-prefix included. NAMESPACE/NAME
// follows.
const SecretsPath = "/registry/secrets/"

// rotationOf determines the stage of a rotation, and the content of the file that the stage writes, from the files of the
// control plane nodes that take part. The error is a [refusal.Error] if the files do not belong to one rotation.
func rotationOf(found map[netip.Addr]File, members []netip.Addr) (encryption.Stage, encryption.Config, error) {
	var configs []encryption.Config
	var different refusal.Differences
	for _, member := range members {
		configs = append(configs, found[member].Config)
		different.AddAt("the file is "+encryption.Digest(found[member].Content), member.String())
	}
	stage, config, err := encryption.Find(configs)
	if err != nil {
		return stage, config, refusal.Because(append([]string{differentKeys(configs)}, different.Reasons()...)...)
	}
	return stage, config, nil
}
