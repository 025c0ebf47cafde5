package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/dualstrap/dualstrap/api"
	"github.com/dualstrap/dualstrap/bundle"
	"github.com/dualstrap/dualstrap/bundle/build/debian"
	"github.com/dualstrap/dualstrap/progress"
)

// Options say what to build.
type Options struct {
	// Output is the directory of the bundle: new, empty or a bundle.
	Output  string
	Release api.Release
	// CacheDir keeps what was built.
	CacheDir string
	// Self is the running executable, whose image runs in clusters, SelfVersion its version.
	Self, SelfVersion string
	// Progress is where to tell what is going on.
	Progress io.Writer
}

// Result says what was done.
type Result struct {
	Manifest bundle.Manifest
	// SHA256 is the digest of the bundle's manifest.json, in hexadecimal.
	SHA256 string
	// Built counts the files that were not in the cache; Changed is false where the directory was up to date.
	Built   int
	Changed bool
}

// builder is one run.
type builder struct {
	Options

	cache      cache
	tools      toolchain
	closure    debian.Closure
	selfDigest string
}

// job is a component with its key.
type job struct {
	component

	key string
}

// Build makes the bundle, from the cache as far as it can. It can be stopped at any time: what was
// built is kept, and the output is replaced as a whole at the end.
func Build(ctx context.Context, options Options) (Result, error) {
	b := &builder{Options: options, cache: cache{dir: options.CacheDir}}
	if err := checkOutput(b.Output); err != nil {
		return Result{}, err
	}
	jobs, err := b.prepare(ctx)
	if err != nil {
		return Result{}, err
	}
	missing := b.missing(jobs)
	if len(missing) > 0 {
		if err := b.checkSpace(missing, jobs); err != nil {
			return Result{}, err
		}
		if err := b.fill(ctx, missing); err != nil {
			return Result{}, err
		}
	}
	manifest, err := b.manifest(jobs)
	if err != nil {
		return Result{}, err
	}
	encoded, err := manifest.Encode()
	if err != nil {
		return Result{}, err
	}
	sum := sha256.Sum256(encoded)
	changed, err := b.write(ctx, jobs, encoded)
	return Result{Manifest: manifest, SHA256: hex.EncodeToString(sum[:]), Built: len(missing), Changed: changed}, err
}

// prepare finds out what the components would be made from, here and now.
func (b *builder) prepare(ctx context.Context) ([]job, error) {
	if err := os.MkdirAll(b.CacheDir, 0o755); err != nil {
		return nil, cacheError(err)
	}
	scratch, err := os.MkdirTemp("", "dualstrap-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(scratch) //nolint:errcheck // it is in the directory for what may be left
	if b.tools, err = findToolchain(ctx, scratch); err != nil {
		return nil, err
	}
	if err := b.identifySelf(); err != nil {
		return nil, err
	}
	if b.closure, err = b.findPackages(ctx); err != nil {
		return nil, err
	}
	var jobs []job
	for _, c := range components(b.Release, b.SelfVersion) {
		key, err := b.key(c)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, job{component: c, key: key})
	}
	return jobs, nil
}

// identifySelf makes sure that the running executable can run in an image.
func (b *builder) identifySelf() error {
	if err := mustBeStatic(b.Self); err != nil {
		return &Error{
			What:     "cannot make dualstrap's own image: " + err.Error(),
			HintText: "run a dualstrap that was built with CGO_ENABLED=0, as make build does",
			Err:      err,
		}
	}
	content, err := os.Open(b.Self)
	if err != nil {
		return err
	}
	defer content.Close() //nolint:errcheck // nothing was written
	sum := sha256.New()
	_, err = io.Copy(sum, content)
	b.selfDigest = hex.EncodeToString(sum.Sum(nil))
	return err
}

func (b *builder) missing(jobs []job) []job {
	var missing []job
	for _, j := range jobs {
		if !b.cache.has(j.name, j.key) {
			missing = append(missing, j)
		}
	}
	return missing
}

// checkSpace asks for the share of a whole build's room that the missing components have in its time.
func (b *builder) checkSpace(missing, all []job) error {
	share := func(bytes uint64) uint64 {
		return bytes * uint64(expected(missing).Seconds()) / uint64(expected(all).Seconds())
	}
	return checkSpace([]space{
		{b.tools.goCache, share(goCacheBytes)},
		{b.tools.moduleCache, share(moduleCacheBytes)},
		{b.CacheDir, share(cacheBytes)},
		{filepath.Dir(b.Output), outputBytes},
	})
}

func expected(jobs []job) time.Duration {
	seconds := 0
	for _, j := range jobs {
		seconds += j.seconds
	}
	return time.Duration(seconds) * time.Second
}

// fill builds what is missing, one after the other: each uses all processors by itself.
func (b *builder) fill(ctx context.Context, missing []job) error {
	display := progress.New(b.Progress, len(missing), expected(missing))
	defer display.Close()
	for _, j := range missing {
		step := display.Begin(fmt.Sprintf("%s %s", j.name, j.version), expected([]job{j}))
		_, err := b.cache.entry(ctx, j.name, j.key, func(dir string) error { return b.make(ctx, j.component, dir) })
		if err != nil {
			return diskFull(err)
		}
		step.End("built")
	}
	return nil
}
