package lab

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"sync"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sync/errgroup"

	"github.com/dualstrap/dualstrap/lab/engine"
	"github.com/dualstrap/dualstrap/lab/image"
	"github.com/dualstrap/dualstrap/lab/network"
)

// concurrency limits how many hosts are brought up at once.
const concurrency = 8

// Result describes what Up did.
type Result struct {
	// Hosts is the desired state, in the order of [Spec.Hosts].
	Hosts []Host
	// Changes is empty when the lab was in its desired state.
	Changes []Change
	// ManifestKept reports that cluster.yaml was not changed, because the user has edited it.
	ManifestKept bool
	// FilesWritten reports that files of the workspace were written.
	FilesWritten bool
}

// Up brings the lab to the state that the spec describes. It can be interrupted anywhere and run again.
func (l *Lab) Up(ctx context.Context, spec Spec) (Result, error) {
	if err := spec.Check(); err != nil {
		return Result{}, err
	}
	if err := l.findEngine(ctx, l.builders()); err != nil {
		return Result{}, err
	}
	lock, err := l.lock(ctx)
	if err != nil {
		return Result{}, err
	}
	defer unlock(lock)
	state, err := l.Observe(ctx)
	if err != nil {
		return Result{}, err
	}
	if err := l.checkConflicts(state.Other); err != nil {
		return Result{}, err
	}
	run := &upRun{Lab: l, lock: lock, state: state, keys: map[string][]ssh.PublicKey{}}
	return run.up(ctx, spec)
}

// Prepare builds the hosts' image if it is missing, and returns the engine's name of it. Nothing else needs the network, so
// that Up works offline afterwards.
func (l *Lab) Prepare(ctx context.Context) (string, error) {
	if err := l.findEngine(ctx, l.builders()); err != nil {
		return "", err
	}
	lock, err := l.lock(ctx)
	if err != nil {
		return "", err
	}
	defer unlock(lock)
	return l.ensureImage(ctx, lock)
}

// builders returns the programs that building the hosts' image needs, or nil if the image is in the cache.
func (l *Lab) builders() map[string]string {
	if digest, err := image.Digest(); err == nil && exists(image.Path(l.Cache, digest)) {
		return nil
	}
	return image.Programs()
}

// exists reports whether a path exists.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// checkConflicts checks that the lab's addresses are not in use by another lab or elsewhere on this machine.
func (l *Lab) checkConflicts(other string) error {
	if other != "" {
		return &Error{
			Err:      fmt.Errorf("cannot bring the lab %s up: the lab %s is there, and all labs have the same addresses", l.Name, other),
			HintText: "dualstrap lab down --name " + other,
		}
	}
	return network.CheckFree(Segment())
}

// upRun holds the state of one run of Up.
type upRun struct {
	*Lab

	lock  *os.File // passed to child processes that change containers; see Lab.lock
	state State    // as observed at the beginning
	image string   // set only if a host is created

	signer ssh.Signer                 // the lab's key
	mu     sync.Mutex                 // guards keys and found, which bringUp writes for several hosts at once
	keys   map[string][]ssh.PublicKey // host keys, by host ID
	found  []Change                   // changes that only a running host showed to be needed
}

// up applies the changes. Removals come before the bridge and the hosts, which run concurrently.
func (r *upRun) up(ctx context.Context, spec Spec) (Result, error) {
	result := Result{Hosts: spec.Hosts(), Changes: Changes(spec, r.state)}
	var err error
	if r.signer, result.FilesWritten, err = r.Workspace.key(); err != nil {
		return result, err
	}
	if err := r.removeHosts(ctx, result); err != nil {
		return result, err
	}
	// The image takes minutes to build, and is not needed if all hosts exist.
	if slices.ContainsFunc(result.Changes, func(c Change) bool { return c.Kind == Create }) {
		if r.image, err = r.ensureImage(ctx, r.lock); err != nil {
			return result, err
		}
	}
	if _, err := network.CreateBridge(r.Name, Segment()); err != nil {
		return result, err
	}
	// The first failure cancels the other hosts. What they have done so far is found by the next run.
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(concurrency)
	for _, host := range result.Hosts {
		group.Go(func() error { return r.bringUp(groupCtx, host, result.Changes) })
	}
	if err := group.Wait(); err != nil {
		return result, err
	}
	// found is in the order in which hosts became ready. The user sees the order of the hosts.
	place := func(c Change) int {
		return slices.IndexFunc(result.Hosts, func(host Host) bool { return host.ID == c.Host.ID })
	}
	slices.SortStableFunc(r.found, func(a, b Change) int { return place(a) - place(b) })
	result.Changes = append(result.Changes, r.found...)
	if err := r.checkSegment(ctx, result.Hosts); err != nil {
		return result, err
	}
	// known_hosts and cluster.yaml are written last: they refer to hosts that work.
	return result, r.writeFiles(spec, &result)
}

// ensureImage returns the engine's name of the hosts' image, which it builds and imports if it is missing.
func (l *Lab) ensureImage(ctx context.Context, lock *os.File) (string, error) {
	digest, err := image.Digest()
	if err != nil {
		return "", err
	}
	name := "localhost/dualstrap-lab:" + digest
	if present, err := l.engine.HasImage(ctx, name); err != nil || present {
		return name, err
	}
	step := func(s string) { l.Step("image: " + s) }
	if !exists(image.Path(l.Cache, digest)) {
		step("building it from Debian packages, once; 2 to 5 minutes")
	}
	tar, err := image.Build(ctx, l.Cache, step)
	if err != nil {
		return "", err
	}
	step("importing it into " + l.engine.Program)
	if err := l.engine.Import(ctx, tar, name, lock); err != nil {
		return "", fmt.Errorf("cannot import the hosts' image: %w", err)
	}
	return name, nil
}

// bringUp applies the changes of one host and waits until it is ready.
func (r *upRun) bringUp(ctx context.Context, host Host, changes []Change) error {
	created := false
	for _, change := range changes {
		if change.Host.ID != host.ID {
			continue
		}
		created = created || change.Kind == Create
		if err := r.apply(ctx, change); err != nil {
			return fmt.Errorf("%s: %w", host.Name, err)
		}
	}
	keys, found, err := r.awaitHost(ctx, host, r.signer)
	if err != nil {
		return fmt.Errorf("%s: %w", host.Name, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys[host.ID] = keys
	for _, kind := range found {
		if created {
			break // setting the host's identity is part of creating it
		}
		r.found = append(r.found, Change{host, kind})
	}
	return nil
}

// apply applies one change to a host. Removals have been done before.
func (r *upRun) apply(ctx context.Context, change Change) error {
	host := change.Host
	switch change.Kind {
	case Create:
		r.Step(host.Name + ": creating")
		return r.create(ctx, host)
	case Start:
		r.Step(host.Name + ": booting")
		return r.engine.Start(ctx, containerName(r.Name, host.ID))
	case Attach:
		return r.attach(ctx, host, true)
	case Connect:
		return network.SetLink(host.ID, true)
	default:
		return nil
	}
}

// create creates a host's container, without starting it, and puts its files into it.
func (r *upRun) create(ctx context.Context, host Host) error {
	name := containerName(r.Name, host.ID)
	err := r.engine.Create(ctx, engine.Container{
		Name:     name,
		Hostname: host.Name,
		Image:    r.image,
		Labels:   labels(r.Name, host.ID),
		Volume:   name,
		Modules:  exists("/lib/modules"),
	}, r.lock)
	if err != nil {
		return fmt.Errorf("cannot create the host: %w", err)
	}
	files, err := archive(hostFiles(host, authorizedKey(r.signer)))
	if err != nil {
		return fmt.Errorf("cannot archive the host's files: %w", err)
	}
	return r.engine.Put(ctx, name, bytes.NewReader(files))
}

// writeFiles updates the files of the workspace.
func (r *upRun) writeFiles(spec Spec, result *Result) error {
	known, err := r.Workspace.writeKnownHosts(knownHosts(result.Hosts, r.keys))
	if err != nil {
		return err
	}
	manifest := newManifest(spec)
	manifest.KeyPath, manifest.KnownHostsPath = r.Workspace.KeyPath(), r.Workspace.KnownHostsPath()
	// The hosts share this machine's kernel. Without cgroup.controllers, it does not mount cgroup v2 alone.
	manifest.CgroupV1 = !exists("/sys/fs/cgroup/cgroup.controllers")
	content, err := manifest.render()
	if err != nil {
		return err
	}
	state, err := r.Workspace.writeManifest(content)
	result.ManifestKept = state == manifestKept
	result.FilesWritten = result.FilesWritten || known || state == manifestWritten
	return err
}
