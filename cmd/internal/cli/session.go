package cli

import (
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/klog/v2"

	"github.com/dualstrap/dualstrap/bundle"
	"github.com/dualstrap/dualstrap/hostprep/check"
	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/progress"
	"github.com/dualstrap/dualstrap/provision/load"
	"github.com/dualstrap/dualstrap/provision/session"
	"github.com/dualstrap/dualstrap/provision/workflow"
	"github.com/dualstrap/dualstrap/provision/workspace"
)

// SessionFlags holds the values of the flags that commands working on hosts share.
type SessionFlags struct {
	concurrency int
	hostTimeout time.Duration
	// ignore lists the names of checks whose failures become warnings.
	ignore []string
	// bundle is the directory of the bundle; empty to use the one from the manifests, or the default.
	bundle string
}

// minHostTimeout is the smallest value of --host-timeout. Even a busy host far away makes some progress within a second;
// with less, healthy hosts would be reported as unreachable.
const minHostTimeout = time.Second

// AddHosts adds the flags for connecting to hosts to the command, and returns their values. It is for commands that
// neither check hosts nor need a bundle; the others use [AddSession].
func AddHosts(cmd *cobra.Command) *SessionFlags {
	f := &SessionFlags{}
	cmd.Flags().IntVar(&f.concurrency, "concurrency", workflow.DefaultConcurrency, "the number of hosts to work on at the same time")
	cmd.Flags().DurationVar(&f.hostTimeout, "host-timeout", remote.DefaultHostTimeout,
		"how long to wait for progress when reading a host; changes wait five times as long, and kubeadm has its own timeouts")
	return f
}

// AddSession adds all session flags to the command: those of [AddHosts], --ignore-checks and --bundle.
func AddSession(cmd *cobra.Command) *SessionFlags {
	f := AddHosts(cmd)
	cmd.Flags().StringSliceVar(&f.ignore, "ignore-checks", nil, "names of checks whose failures become warnings, for example swap,memory")
	cmd.Flags().StringVar(&f.bundle, "bundle", "",
		"the directory of the bundle, as made by bundle build; by default the one named in ProvisionOptions, or else bundle")
	_ = cmd.MarkFlagDirname("bundle") // it returns an error only for a flag that does not exist
	return f
}

// OpenBundle opens the bundle that --bundle names, or by default the manifests. It returns an error that wraps
// [io/fs.ErrNotExist] when there is no bundle, and refuses one of another Kubernetes version than the manifests ask for.
func (f *SessionFlags) OpenBundle(loaded load.Cluster) (*bundle.Dir, error) {
	return load.OpenBundle(loaded.Config, f.bundle)
}

// Ignored returns the names of the checks whose failures become warnings. The slice is never nil: reports show it as [].
func (f *SessionFlags) Ignored() []string { return append([]string{}, f.ignore...) }

// SessionRun holds what a session needs beside flags and manifests. Both fields may be nil.
type SessionRun struct {
	// Bundle provides programs and images for hosts. Without it, they are left out of checks and changes.
	Bundle *bundle.Dir
	// Run is the workspace's directory for logs. Without it nothing is logged, as for commands that only read.
	Run *workspace.Run
}

// Open validates the flags and returns a session on the hosts of the manifests, which shows its progress on streams.Err.
// The returned function closes the session and removes the lines of progress; callers call it before they print results.
func (f *SessionFlags) Open(streams Streams, loaded load.Cluster, run SessionRun) (*session.Session, func(), error) {
	if f.concurrency < 1 {
		return nil, nil, Usagef("--concurrency must be at least 1, got %d", f.concurrency)
	}
	if err := checkNames(f.ignore); err != nil {
		return nil, nil, err
	}
	if f.hostTimeout < minHostTimeout {
		return nil, nil, Usagef("--host-timeout must be at least %s, got %s", minHostTimeout, f.hostTimeout)
	}
	hosts := newHostProgress(streams)
	options := session.Options{
		Concurrency:  f.concurrency,
		HostTimeout:  f.hostTimeout,
		IgnoreChecks: f.ignore,
		Bundle:       run.Bundle,
		Version:      Version(),
		Observe:      hosts.observe,
		Note:         func(text string) { hosts.display.Note("note: " + Visible(text)) },
	}
	if run.Run != nil {
		options.Log, options.Kubeconfig = run.Run.HostLog, run.Run.Kubeconfig
		hosts.log = run.Run.Log()
	}
	// client-go logs failed requests through klog, by default to standard error, between the lines of progress. The
	// session retries or reports them itself, so these messages go to the run's log, or nowhere without one.
	klog.SetSlogLogger(hosts.log)
	s, err := session.Open(loaded, options)
	if err != nil {
		hosts.display.Close()
		return nil, nil, err
	}
	return s, func() { s.Close(); hosts.display.Close() }, nil
}

// checkNames returns a usage error for a name that is not the name of a check: with a typing error, nothing would be
// ignored.
func checkNames(names []string) error {
	known := map[string]bool{}
	for _, c := range check.All() {
		known[c.Name] = true
	}
	for _, name := range names {
		if !known[name] {
			return Usagef("there is no check %q to ignore; docs/checks.md lists them", name)
		}
	}
	return nil
}

// hostProgress shows the events of a workflow as progress, one line for each phase running on a host, and logs them.
type hostProgress struct {
	display *progress.Display
	log     *slog.Logger

	// mu guards the maps: events arrive from the goroutines of all hosts.
	mu sync.Mutex
	// steps holds the running phases by the names that are shown for them.
	steps map[string]*progress.Step
	// awaited holds, by name, the functions that end waiting for quiet events, which are shown only when they take long.
	awaited map[string]func()
}

// newHostProgress returns a hostProgress that logs nothing, until Open sets its log. The display bypasses the escaping of
// streams, since it redraws lines with escape sequences.
func newHostProgress(streams Streams) *hostProgress {
	return &hostProgress{
		display: progress.New(Raw(streams.Err), 0, 0), log: slog.New(slog.DiscardHandler), steps: map[string]*progress.Step{},
		awaited: map[string]func(){},
	}
}

// observe shows and logs an event. It is called from many goroutines.
func (p *hostProgress) observe(event workflow.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if event.Quiet {
		p.await(event)
		return
	}
	if event.Step == "" { // the host's log has each step's script
		p.record(event)
	}
	// Names of phases and statuses are constants of this program, so they are safe to draw on a terminal unescaped.
	name := event.Phase
	if event.Host.IsValid() {
		name = event.Host.String() + " " + name
	}
	step := p.steps[name]
	switch {
	case step == nil && event.Status == "":
		step = p.display.Begin(name, 0)
		step.Waiting(waitName(event))
		step.Group(event.Phase, event.Hosts)
		p.steps[name] = step
	case step == nil && event.Status == workflow.NotReached:
		p.display.Skip(event.Phase)
	case step != nil && event.Status == "":
		step.Doing(doing(event))
	case step != nil:
		step.End(string(event.Status))
		delete(p.steps, name)
	}
}

// doing returns the current action of an event or, if it consists of several steps, the current step, and how many are
// done. Either may name files of the host.
func doing(event workflow.Event) string {
	if event.Step == "" {
		return Visible(event.Action)
	}
	return fmt.Sprintf("%s (%d of %d done)", Visible(event.Step), event.Done, event.Of)
}

// await handles a quiet event: it is shown as waited for only if it takes long, and never logged. A later event of the
// same name ends the wait. The caller holds p.mu.
func (p *hostProgress) await(event workflow.Event) {
	name := waitName(event)
	if end := p.awaited[name]; end != nil {
		end()
		delete(p.awaited, name)
	}
	if event.Status == "" {
		p.awaited[name] = p.display.Await(name)
	}
}

// waitName returns the name under which the display lists an event as waited for.
func waitName(event workflow.Event) string {
	if event.Host.IsValid() {
		return event.Host.String() + ": " + event.Phase
	}
	return event.Phase
}

// record logs an event: the start of a phase, its actions, and its end with the status.
func (p *hostProgress) record(event workflow.Event) {
	attributes := []any{"phase", event.Phase}
	if event.Host.IsValid() {
		attributes = append(attributes, "host", event.Host)
	}
	switch {
	case event.Action != "":
		p.log.Info("action started", append(attributes, "action", event.Action)...)
	case event.Status == "":
		p.log.Info("phase started", attributes...)
	case event.Err != nil:
		p.log.Error("phase finished", append(attributes, "status", string(event.Status), "error", event.Err)...)
	default:
		p.log.Info("phase finished", append(attributes, "status", string(event.Status))...)
	}
}
