package change

import (
	"context"
	"path"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/dualstrap/dualstrap/hostprep/remote"
)

// maxUploads bounds the number of large files that are sent to one host at the same time. More would not be
// faster, and each upload occupies one of the few sessions that the host's SSH server allows per connection.
const maxUploads = 4

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
//
// report receives the progress, and may be nil; see [StepFunc].
func Apply(ctx context.Context, host remote.Host, actions []Action, report StepFunc) error {
	work := collect(actions)
	a := applier{
		host: host, work: work, steps: &steps{report: report, of: work.steps()}, uploads: make(chan struct{}, maxUploads),
		written: make(chan struct{}), sent: make(chan struct{}), running: make(chan struct{}),
	}
	if len(actions) == 0 {
		return nil
	}
	if err := a.work.packages.check(); err != nil {
		return err
	}
	if err := a.work.openAll(); err != nil {
		return err
	}
	if err := a.record(ctx); err != nil {
		return err
	}
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error { return a.system(ctx) })
	all.Go(func() error { return a.firewalld(ctx) })
	for _, image := range a.work.images {
		all.Go(func() error { return a.image(ctx, image) })
	}
	all.Go(func() error { return a.pin(ctx) })
	return all.Wait()
}

// applier holds the state of one call of [Apply].
type applier struct {
	host  remote.Host
	work  *batch
	steps *steps
	// uploads is a semaphore with one slot for each large file that may be in flight.
	uploads chan struct{}
	// written is closed when all files are in place, sent when all executables are, and running when all
	// units run. Each is closed by exactly one goroutine, and only on success; those that wait for it also
	// watch the context, which an error elsewhere cancels.
	written, sent, running chan struct{}
}

// record saves the previous state of everything that is about to change, and the units whose restart is
// pending. It completes before the first change, so that an interrupted run can be undone, and so that the
// next run restarts units whose files have changed already.
func (a *applier) record(ctx context.Context) error {
	if !a.work.needsRecord() {
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
	const name = "record the previous state"
	return a.steps.do(name, func() error {
		return run(ctx, a.host, name, "record", remote.Args{
			"copies": remote.Lines(copies...), "absent": remote.Lines(absent...), "restarts": remote.Lines(a.work.restarts()...),
			"named": remote.Lines(named...), "entries": string(entries),
		})
	})
}

// system puts files, packages and executables in place concurrently, and starts units when all of them are
// there: a unit's process may need any of the three.
func (a *applier) system(ctx context.Context) error {
	place, within := errgroup.WithContext(ctx)
	place.Go(func() error {
		if err := a.files(within); err != nil {
			return err
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

// files writes all files in one call.
func (a *applier) files(ctx context.Context) error {
	if len(a.work.files) == 0 {
		return nil
	}
	return a.steps.do("write files", func() error {
		_, err := a.host.WriteFiles(ctx, a.work.files)
		return err
	})
}

// executables uploads all executables and closes a.sent.
func (a *applier) executables(ctx context.Context) error {
	sending, ctx := errgroup.WithContext(ctx)
	for _, executable := range a.work.executables {
		sending.Go(func() error { return a.upload(ctx, "send "+path.Base(executable.Path), executable) })
	}
	err := sending.Wait()
	if err == nil {
		close(a.sent)
	}
	return err
}

// upload sends one large file, as a step of that name, as soon as one of the slots of a.uploads is free.
func (a *applier) upload(ctx context.Context, step string, upload remote.Upload) error {
	select {
	case a.uploads <- struct{}{}:
		defer func() { <-a.uploads }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return a.steps.do(step, func() error {
		_, err := a.host.Upload(ctx, upload)
		return err
	})
}

// activate loads modules, sets sysctls, and enables, starts and restarts units, in one call of a script.
func (a *applier) activate(ctx context.Context) error {
	args := a.work.settings()
	if len(args) == 0 {
		return nil
	}
	const name = "make settings and units take effect"
	return a.steps.do(name, func() error { return run(ctx, a.host, name, "system", args) })
}

// image uploads the archive of an image and imports it as soon as containerd runs. It waits for the uploads
// of executables first: containerd is one of them, and no image can be imported without it.
func (a *applier) image(ctx context.Context, image Image) error {
	if err := await(ctx, a.sent); err != nil {
		return err
	}
	archive := path.Join(stateDir, "images", image.SHA256+".tar")
	upload := remote.Upload{Path: archive, Mode: archiveMode, SHA256: image.SHA256, Open: image.Open, Size: image.Size}
	if err := a.upload(ctx, "send image "+image.name(), upload); err != nil {
		return err
	}
	if err := await(ctx, a.running); err != nil {
		return err
	}
	args := remote.Args{"archive": archive, "reference": image.Reference, "digest": image.Digest}
	return a.steps.do("import image "+image.name(), func() error {
		return run(ctx, a.host, "import image "+image.Reference, "import", args)
	})
}

// await waits until a step is done, or an error elsewhere has cancelled all of them.
func await(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// pin pins images that were imported before, as soon as containerd runs.
func (a *applier) pin(ctx context.Context) error {
	if len(a.work.pins) == 0 {
		return nil
	}
	if err := await(ctx, a.running); err != nil {
		return err
	}
	const name = "pin images"
	return a.steps.do(name, func() error {
		return run(ctx, a.host, name, "pin", remote.Args{"references": strings.Join(a.work.pins, "\n")})
	})
}

// archiveMode is the mode of image archives. Images may be private, so only root may read them.
const archiveMode = 0o600
