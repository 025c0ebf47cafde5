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
	"github.com/dualstrap/dualstrap/internal/localfile"
	"github.com/dualstrap/dualstrap/progress"
)

// Options configures a build.
type Options struct {
	// Output is the directory of the bundle. It must be new, empty, or contain a bundle, which is replaced.
	Output string
	// Release has the versions of Kubernetes and its components.
	Release api.Release
	// CacheDir is the directory in which built components are kept for later builds.
	CacheDir string
	// Self is the path of the running executable, which becomes dualstrap's own image, and SelfVersion its version.
	Self, SelfVersion string
	// Progress receives the progress display.
	Progress io.Writer
}

// Result describes a completed build.
type Result struct {
	Manifest bundle.Manifest
	// SHA256 is the digest of the bundle's manifest.json, in hexadecimal.
	SHA256 string
	// Built is the number of components that were not in the cache. Changed is false if the directory was up to date.
	Built   int
	Changed bool
}

// builder holds the state of one build.
type builder struct {
	Options

	cache   cache
	tools   toolchain
	closure debian.Closure
	// selfDigest is the SHA-256 of the running executable, in hexadecimal.
	selfDigest string
}

// job is a component with its key in the cache.
type job struct {
	component

	key string
}

// Build builds a bundle, as far as possible from the cache. It can be interrupted at any time: components that were
// built are kept, and the output is replaced atomically at the end.
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
		// Checked first: a full disk would otherwise end a build after many minutes.
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

// prepare determines the inputs of all components on this machine, and with them the keys in the cache.
func (b *builder) prepare(ctx context.Context) ([]job, error) {
	if err := os.MkdirAll(b.CacheDir, 0o755); err != nil {
		return nil, cacheError(err)
	}
	scratch, err := os.MkdirTemp("", "dualstrap-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(scratch) //nolint:errcheck // a leftover in the temporary directory does no harm
	if b.tools, err = findToolchain(ctx, scratch); err != nil {
		return nil, err
	}
	if err := b.identifySelf(); err != nil {
		return nil, err
	}
	// Missing tools and packages are reported here, before anything is built.
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

// identifySelf computes the digest of the running executable. It returns an error if the executable is not static: it
// could not run in an image.
func (b *builder) identifySelf() error {
	if err := mustBeStatic(b.Self); err != nil {
		return &Error{
			What:     "cannot make dualstrap's own image: " + err.Error(),
			HintText: "run a dualstrap that was built with CGO_ENABLED=0, as make build does",
			Err:      err,
		}
	}
	content, err := localfile.Open(b.Self)
	if err != nil {
		return err
	}
	defer content.Close()
	sum := sha256.New()
	_, err = io.Copy(sum, content)
	b.selfDigest = hex.EncodeToString(sum.Sum(nil))
	return err
}

// missing returns the jobs whose components are not in the cache.
func (b *builder) missing(jobs []job) []job {
	var missing []job
	for _, j := range jobs {
		if !b.cache.has(j.name, j.key) {
			missing = append(missing, j)
		}
	}
	return missing
}

// checkSpace checks that the disks have room for the missing components. The room for a whole build was measured; the
// missing components are assumed to need a share of it in proportion to their build time.
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

// expected returns the expected build time of the jobs.
func expected(jobs []job) time.Duration {
	seconds := 0
	for _, j := range jobs {
		seconds += j.seconds
	}
	return time.Duration(seconds) * time.Second
}

// fill builds the missing components, one after the other, because each uses all processors.
func (b *builder) fill(ctx context.Context, missing []job) error {
	display := progress.New(b.Progress, len(missing), expected(missing))
	defer display.Close()
	for _, j := range missing {
		// Every component is cached as soon as it is built, so an interrupted build continues with the next one.
		step := display.Begin(fmt.Sprintf("%s %s", j.name, j.version), expected([]job{j}))
		_, err := b.cache.entry(ctx, j.name, j.key, func(dir string) error { return b.make(ctx, j.component, dir) })
		if err != nil {
			return diskFull(err)
		}
		step.End("built")
	}
	return nil
}
