package change

import (
	"context"
	"path"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/dualstrap/dualstrap/hostprep/firewalld"
	"github.com/dualstrap/dualstrap/hostprep/remote"
)

// maxUploads bounds how many large files are on their way to one host. More would not be faster, and
// the host's sessions are needed for the rest.
const maxUploads = 4

// Result is what there is to tell beside the actions.
type Result struct {
	// PutBack are calls of firewall-cmd for what others had at run time and would have lost.
	PutBack []string
}

// batch is what actions amount to together.
type batch struct {
	entries     Record
	files       []remote.File
	executables []remote.Upload
	images      []Image
	archives    []string
	packages    packageBatch
	firewalld   firewalldBatch
	modules     []string
	sysctls     []Sysctl
	reload      bool
	enable      []string
	start       []string
	restart     []string
}

func collect(actions []Action) *batch {
	w := &batch{}
	for _, action := range actions {
		action.addTo(w)
		w.entries = append(w.entries, w.entries.missing(action.entries)...)
	}
	return w
}

// putFile writes a file, once however often it changes.
func (w *batch) putFile(file remote.File) {
	w.files = slices.DeleteFunc(w.files, func(other remote.File) bool { return other.Path == file.Path })
	w.files = append(w.files, file)
}

// Apply does what was planned, and records before what was there. What does not depend on each other
// is done at the same time:
//
//	open what is to be sent
//	record ─┬─ executables ─┬─ sysctls, units ─┬─ import images
//	        ├─ packages ────┤                  │
//	        ├─ files ───────┘                  │
//	        ├─ images (after executables) ─────┘
//	        └─ firewalld (after files)
//
// Executables are sent before images, so that containerd runs by the time the first image is there.
// What failed ends the rest. Survey, Plan and Apply again finish what is left.
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

type applier struct {
	host remote.Host
	work *batch
	// uploads has room for the large files that are on their way.
	uploads chan struct{}
	// written is closed when the files are there, sent when the executables are, running when the units
	// run.
	written, sent, running chan struct{}
	result                 Result // of firewalld
}

// run runs one of the package's scripts.
func (a *applier) run(ctx context.Context, name, script string, args ...string) error {
	text, err := body(script)
	if err != nil {
		return err
	}
	_, err = a.host.Run(ctx, remote.Script{Name: name, Body: text, Args: args})
	return err
}

// record writes down what is about to be changed, and which units will have to be restarted.
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
	return a.run(ctx, "record what is there", "record",
		strings.Join(copies, "\n"), strings.Join(absent, "\n"), strings.Join(restarts, "\n"), string(entries), strings.Join(named, "\n"))
}

// system puts everything in place that units need, and starts them.
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

// executables sends them.
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

// activate loads modules, sets sysctls, and makes units be as they have to be.
func (a *applier) activate(ctx context.Context) error {
	w := a.work
	var sysctls, digests []string
	for _, sysctl := range w.sysctls {
		sysctls = append(sysctls, sysctl.Key+"="+sysctl.Value)
	}
	for _, executable := range w.executables {
		digests = append(digests, executable.SHA256+"  "+executable.Path)
	}
	reload := ""
	if w.reload {
		reload = "reload"
	}
	lists := [][]string{w.modules, sysctls, {reload}, w.enable, w.start, w.restart, digests, w.archives}
	args := make([]string, len(lists))
	for i, list := range lists {
		args[i] = strings.Join(list, "\n")
	}
	if strings.Join(args, "") == "" {
		return nil
	}
	return a.run(ctx, "make settings and units take effect", "system", args...)
}

// image brings an image to the host, and imports it as soon as containerd runs.
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
	return a.run(ctx, "import image "+image.Reference, "import", archive, image.Reference, image.Digest)
}

// archiveMode is for archives of images, which may be private.
const archiveMode = 0o600

// firewalldBatch is what is done with firewalld.
type firewalldBatch struct {
	permanent, runtime []firewalld.Change
	// how is restart, reload or nothing, and asked what firewalld has to have in the end.
	how   string
	asked []firewalld.Change
	// filterOff says that the restart is to lift the filter on paths.
	filterOff bool
	// back is what an earlier run has to put back.
	back []firewalld.Command
}
