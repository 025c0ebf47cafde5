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

// concurrency is how many hosts boot at a time.
const concurrency = 8

// Result is what Up did.
type Result struct {
	Hosts []Host
	// Changes is empty when the lab was as it should be.
	Changes []Change
	// ManifestKept says that cluster.yaml was left alone, because somebody edited it.
	ManifestKept bool
	// FilesWritten says that files of the workspace were written.
	FilesWritten bool
}

// Up makes the lab of the spec out of what there is. It may be cut off anywhere and run again.
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
	defer lock.Close() //nolint:errcheck // nothing was written
	state, err := l.Observe(ctx)
	if err != nil {
		return Result{}, err
	}
	if err := l.checkRoom(state.Other); err != nil {
		return Result{}, err
	}
	run := &upRun{Lab: l, lock: lock, state: state, keys: map[string][]ssh.PublicKey{}}
	return run.up(ctx, spec)
}

// Prepare makes the hosts' image where there is none, and gives the engine's name of it. Nothing else
// needs the network, so that Up can do without it afterwards.
func (l *Lab) Prepare(ctx context.Context) (string, error) {
	if err := l.findEngine(ctx, l.builders()); err != nil {
		return "", err
	}
	lock, err := l.lock(ctx)
	if err != nil {
		return "", err
	}
	defer lock.Close() //nolint:errcheck // nothing was written
	return l.ensureImage(ctx, lock)
}

// builders are the programs that make the hosts' image, where it is not in the cache.
func (l *Lab) builders() map[string]string {
	if digest, err := image.Digest(); err == nil && exists(image.Path(l.Cache, digest)) {
		return nil
	}
	return image.Programs()
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// checkRoom makes sure that the lab's addresses are nobody else's.
func (l *Lab) checkRoom(other string) error {
	if other != "" {
		return &Error{
			Err:      fmt.Errorf("cannot bring the lab %s up: the lab %s is there, and all labs have the same addresses", l.Name, other),
			HintText: "dualstrap lab down --name " + other,
		}
	}
	return network.CheckFree(Segment())
}

// upRun is one run of Up.
type upRun struct {
	*Lab

	lock  *os.File
	state State
	image string

	signer ssh.Signer
	mu     sync.Mutex
	keys   map[string][]ssh.PublicKey // host keys, by the hosts' IDs
	found  []Change                   // changes whose need only showed on a running host
}

func (r *upRun) up(ctx context.Context, spec Spec) (Result, error) {
	result := Result{Hosts: spec.Hosts(), Changes: Changes(spec, r.state)}
	var err error
	if r.signer, result.FilesWritten, err = r.Workspace.key(); err != nil {
		return result, err
	}
	if err := r.removeHosts(ctx, result); err != nil {
		return result, err
	}
	if slices.ContainsFunc(result.Changes, func(c Change) bool { return c.Kind == Create }) {
		if r.image, err = r.ensureImage(ctx, r.lock); err != nil {
			return result, err
		}
	}
	if _, err := network.CreateBridge(r.Name, Segment()); err != nil {
		return result, err
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(concurrency)
	for _, host := range result.Hosts {
		group.Go(func() error { return r.bringUp(groupCtx, host, result.Changes) })
	}
	if err := group.Wait(); err != nil {
		return result, err
	}
	place := func(c Change) int {
		return slices.IndexFunc(result.Hosts, func(host Host) bool { return host.ID == c.Host.ID })
	}
	slices.SortStableFunc(r.found, func(a, b Change) int { return place(a) - place(b) })
	result.Changes = append(result.Changes, r.found...)
	if err := r.checkSegment(ctx, result.Hosts); err != nil {
		return result, err
	}
	return result, r.writeFiles(spec, &result)
}

// removeHosts removes what the spec does not ask for any more, and volumes without a host.
func (r *upRun) removeHosts(ctx context.Context, result Result) error {
	var containers, running []string
	for _, change := range result.Changes {
		found, exists := r.state.host(change.Host.ID)
		// A host that never started is made again.
		if !exists || change.Kind != Remove && change.Kind != Create {
			continue
		}
		r.Step(change.Host.Name + ": removing")
		containers = append(containers, found.Container.Name)
		if found.Container.Running {
			running = append(running, found.Container.Name)
		}
		if err := network.Detach(found.ID); err != nil {
			return err
		}
	}
	volumes := slices.DeleteFunc(slices.Clone(r.state.Volumes), func(volume string) bool {
		used := slices.ContainsFunc(r.state.Hosts, func(f Found) bool { return f.Container.Name == volume })
		return used && !slices.Contains(containers, volume)
	})
	return r.removeContainers(ctx, r.lock, running, containers, volumes)
}

func (l *Lab) removeContainers(ctx context.Context, lock *os.File, running, all, volumes []string) error {
	// Killed: a host that is removed needs no orderly shutdown. It may have ended by itself by now.
	_ = l.engine.Kill(ctx, lock, running...)
	if err := l.engine.Remove(ctx, lock, all...); err != nil {
		return fmt.Errorf("cannot remove hosts: %w", err)
	}
	if err := l.engine.RemoveVolumes(ctx, lock, volumes...); err != nil {
		return fmt.Errorf("cannot remove the hosts' volumes: %w", err)
	}
	return nil
}

// ensureImage gives the engine's name of the hosts' image, which it makes when there is none.
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
	step("handing it to " + l.engine.Program)
	if err := l.engine.Import(ctx, tar, name, lock); err != nil {
		return "", fmt.Errorf("cannot import the hosts' image: %w", err)
	}
	return name, nil
}

// bringUp makes the changes of one host and waits until it is ready.
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
			break // it is part of making the host
		}
		r.found = append(r.found, Change{host, kind})
	}
	return nil
}

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
		return fmt.Errorf("cannot give the host its files: %w", err)
	}
	return r.engine.Put(ctx, name, bytes.NewReader(files))
}

// writeFiles brings the workspace up to date.
func (r *upRun) writeFiles(spec Spec, result *Result) error {
	known, err := r.Workspace.writeKnownHosts(knownHosts(result.Hosts, r.keys))
	if err != nil {
		return err
	}
	manifest := newManifest(spec)
	manifest.KeyPath, manifest.KnownHostsPath = r.Workspace.KeyPath(), r.Workspace.KnownHostsPath()
	manifest.CgroupV1 = !exists("/sys/fs/cgroup/cgroup.controllers")
	content, err := manifest.render()
	if err != nil {
		return err
	}
	became, err := r.Workspace.writeManifest(content)
	result.ManifestKept = became == manifestKept
	result.FilesWritten = result.FilesWritten || known || became == manifestWritten
	return err
}
