package change

import (
	"context"
	"maps"
	"path"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/dualstrap/dualstrap/hostprep/firewalld"
	"github.com/dualstrap/dualstrap/hostprep/remote"
)

// maxUploads bounds the number of large files that are sent to one host at the same time. More would not be
// faster, and each upload occupies one of the few sessions that the host's SSH server allows per connection.
const maxUploads = 4

// Result reports side effects of [Apply] that the plan does not show.
type Result struct {
	// PutBack lists the calls of firewall-cmd that restored runtime settings of other programs, or of an
	// operator, that the restart or reload of firewalld would have dropped.
	PutBack []string
}

// batch is the combined work of all actions of a plan, grouped by the step that performs it.
type batch struct {
	// entries are appended to the host's record before anything else happens.
	entries     Record
	files       []remote.File
	executables []remote.Upload
	images      []Image
	// archives names leftover files below the state directory's images directory that are removed.
	archives  []string
	packages  packageBatch
	firewalld firewalldBatch
	modules   []string
	sysctls   []Sysctl
	// reload requests systemctl daemon-reload. It runs before the units below are enabled, started or restarted.
	reload  bool
	enable  []string
	start   []string
	restart []string
}

// collect merges the actions into one batch. Actions may record the same thing twice (a directory that two
// new files share); the first entry wins, as it does on the host.
func collect(actions []Action) *batch {
	w := &batch{}
	for _, action := range actions {
		action.addTo(w)
		w.entries = append(w.entries, w.entries.missing(action.entries)...)
	}
	return w
}

// putFile schedules a file to be written. A later version replaces an earlier one of the same path: each
// edited firewalld setting contributes the whole file, and the last one contains all edits.
func (w *batch) putFile(file remote.File) {
	w.files = slices.DeleteFunc(w.files, func(other remote.File) bool { return other.Path == file.Path })
	w.files = append(w.files, file)
}

// Apply records the previous state and then performs the planned actions. Steps that do not depend on each
// other run concurrently:
//
//	open and verify all sources
//	record ─┬─ executables ─┬─ sysctls, units ─┬─ import images
//	        ├─ packages ────┤                  │
//	        ├─ files ───────┘                  │
//	        ├─ images (after executables) ─────┘
//	        └─ firewalld (after files)
//
// Executables are sent before images, so that containerd is running by the time the first image has arrived.
// The first error cancels all other steps. Calling Survey, Plan and Apply again completes the remaining work.
func Apply(ctx context.Context, host remote.Host, actions []Action) (Result, error) {
	a := applier{
		host: host, work: collect(actions), uploads: make(chan struct{}, maxUploads),
		written: make(chan struct{}), sent: make(chan struct{}), running: make(chan struct{}),
	}
	if len(actions) == 0 {
		return Result{}, nil
	}
	if err := a.work.openAll(); err != nil {
		return Result{}, err
	}
	if err := a.record(ctx); err != nil {
		return Result{}, err
	}
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error { return a.system(ctx) })
	all.Go(func() error { return a.firewalld(ctx) })
	for _, image := range a.work.images {
		all.Go(func() error { return a.image(ctx, image) })
	}
	err := all.Wait()
	return a.result, err
}

// applier holds the state of one call of [Apply].
type applier struct {
	host remote.Host
	work *batch
	// uploads is a semaphore with one slot for each large file that may be in flight.
	uploads chan struct{}
	// written is closed when all files are in place, sent when all executables are, and running when all
	// units run. Each is closed by exactly one goroutine, and only on success; those that wait for it also
	// watch the context, which an error elsewhere cancels.
	written, sent, running chan struct{}
	// result is only written by the firewalld step, so it needs no lock.
	result Result
}

// record saves the previous state of everything that is about to change, and the units whose restart is
// pending. It completes before the first change, so that an interrupted run can be undone, and so that the
// next run restarts units whose files have changed already.
func (a *applier) record(ctx context.Context) error {
	restarts := slices.Clone(a.work.restart)
	if a.work.firewalld.how == "restart" {
		restarts = append(restarts, firewalldUnit)
	}
	if len(a.work.entries) == 0 && len(restarts) == 0 {
		return nil
	}
	var copies, absent, named []string
	for _, entry := range a.work.entries {
		isPath := entry.Kind == KindFile || entry.Kind == KindTree
		switch {
		case isPath && entry.Absent:
			absent = append(absent, entry.Name)
		case isPath && entry.Copy != "":
			copies = append(copies, entry.Copy+"="+entry.Name)
		case isPath:
			named = append(named, namesOf(entry.Name)+"="+entry.Name)
		}
	}
	entries, err := a.work.entries.encode()
	if err != nil {
		return err
	}
	return run(ctx, a.host, "record the previous state", "record", remote.Args{
		"copies": remote.Lines(copies...), "absent": remote.Lines(absent...), "restarts": remote.Lines(restarts...),
		"named": remote.Lines(named...), "entries": string(entries),
	})
}

// system puts files, packages and executables in place concurrently, and starts units when all of them are
// there: a unit's process may need any of the three.
func (a *applier) system(ctx context.Context) error {
	place, within := errgroup.WithContext(ctx)
	place.Go(func() error {
		if len(a.work.files) > 0 {
			if _, err := a.host.WriteFiles(within, a.work.files); err != nil {
				return err
			}
		}
		close(a.written)
		return nil
	})
	place.Go(func() error { return a.packages(within) })
	place.Go(func() error { return a.executables(within) })
	if err := place.Wait(); err != nil {
		return err
	}
	if err := a.activate(ctx); err != nil {
		return err
	}
	close(a.running)
	return nil
}

// executables uploads all executables and closes a.sent.
func (a *applier) executables(ctx context.Context) error {
	sending, ctx := errgroup.WithContext(ctx)
	for _, executable := range a.work.executables {
		sending.Go(func() error { return a.upload(ctx, executable) })
	}
	err := sending.Wait()
	if err == nil {
		close(a.sent)
	}
	return err
}

// upload sends one large file as soon as one of the slots of a.uploads is free.
func (a *applier) upload(ctx context.Context, upload remote.Upload) error {
	select {
	case a.uploads <- struct{}{}:
		defer func() { <-a.uploads }()
	case <-ctx.Done():
		return ctx.Err()
	}
	_, err := a.host.Upload(ctx, upload)
	return err
}

// activate loads modules, sets sysctls, and enables, starts and restarts units, in one call of a script.
func (a *applier) activate(ctx context.Context) error {
	w := a.work
	var sysctls, digests []string
	for _, sysctl := range w.sysctls {
		sysctls = append(sysctls, sysctl.Key+"="+sysctl.Value)
	}
	// The host remembers the digests that the uploads have verified, so that the next survey does not have to
	// hash hundreds of megabytes again.
	for _, executable := range w.executables {
		digests = append(digests, executable.SHA256+"  "+executable.Path)
	}
	reload := ""
	if w.reload {
		reload = "reload"
	}
	args := remote.Args{
		"modules": remote.Lines(w.modules...), "sysctls": remote.Lines(sysctls...), "reload": reload,
		"enable": remote.Lines(w.enable...), "start": remote.Lines(w.start...), "restart": remote.Lines(w.restart...),
		"digests": remote.Lines(digests...), "archives": remote.Lines(w.archives...),
	}
	if strings.Join(slices.Collect(maps.Values(args)), "") == "" {
		return nil
	}
	return run(ctx, a.host, "make settings and units take effect", "system", args)
}

// image uploads the archive of an image and imports it as soon as containerd runs. It waits for the uploads
// of executables first: containerd is one of them, and no image can be imported without it.
func (a *applier) image(ctx context.Context, image Image) error {
	select {
	case <-a.sent:
	case <-ctx.Done():
		return ctx.Err()
	}
	archive := path.Join(stateDir, "images", image.SHA256+".tar")
	err := a.upload(ctx, remote.Upload{Path: archive, Mode: archiveMode, SHA256: image.SHA256, Open: image.Open, Size: image.Size})
	if err != nil {
		return err
	}
	select {
	case <-a.running:
	case <-ctx.Done():
		return ctx.Err()
	}
	args := remote.Args{"archive": archive, "reference": image.Reference, "digest": image.Digest}
	return run(ctx, a.host, "import image "+image.Reference, "import", args)
}

// archiveMode is the mode of image archives. Images may be private, so only root may read them.
const archiveMode = 0o600

// firewalldBatch holds the pending changes of firewalld.
type firewalldBatch struct {
	// permanent and runtime are the changes that are missing in the respective configuration.
	permanent, runtime []firewalld.Change
	// how is "restart", "reload", or empty when the changes take effect without either.
	how string
	// asked lists everything that firewalld has to have after a restart or reload, whether missing now or not.
	asked []firewalld.Change
	// filterOff reports that the restart has to remove the rule of IPv6_rpfilter from the kernel.
	filterOff bool
	// back lists the runtime settings that an earlier, interrupted run has dropped and not yet restored.
	back []firewalld.Command
}
