package cli

import (
	"log/slog"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/klog/v2"

	"github.com/dualstrap/dualstrap/bundle"
	"github.com/dualstrap/dualstrap/hostprep"
	"github.com/dualstrap/dualstrap/hostprep/remote"
	"github.com/dualstrap/dualstrap/progress"
	"github.com/dualstrap/dualstrap/provision"
	"github.com/dualstrap/dualstrap/provision/workflow"
	"github.com/dualstrap/dualstrap/provision/workspace"
)

// SessionFlags are those of commands that work on hosts.
type SessionFlags struct {
	concurrency int
	hostTimeout time.Duration
	ignore      []string
	bundle      string
}

// minHostTimeout is what a host that is far away and busy needs to say a word.
const minHostTimeout = time.Second

// AddHosts gives the command those flags that do not need a bundle, and judge no hosts.
func AddHosts(cmd *cobra.Command) *SessionFlags {
	f := &SessionFlags{}
	cmd.Flags().IntVar(&f.concurrency, "concurrency", workflow.DefaultConcurrency, "hosts that are worked on at once")
	cmd.Flags().DurationVar(&f.hostTimeout, "host-timeout", remote.DefaultHostTimeout,
		"how long a host that is read may make no progress; one that is changed has five times as long, and kubeadm its own time-outs")
	return f
}

// AddSession gives the command the flags.
func AddSession(cmd *cobra.Command) *SessionFlags {
	f := AddHosts(cmd)
	cmd.Flags().StringSliceVar(&f.ignore, "ignore-checks", nil, "names of checks whose failures become warnings, as in swap,memory")
	cmd.Flags().StringVar(&f.bundle, "bundle", "",
		"the directory that bundle build made; by default the one that ProvisionOptions name, or bundle")
	_ = cmd.MarkFlagDirname("bundle") // it fails only for a flag that does not exist
	return f
}

// OpenBundle gives the bundle for the manifests.
func (f *SessionFlags) OpenBundle(loaded provision.Loaded) (*bundle.Dir, error) {
	return provision.OpenBundle(loaded.Config, f.bundle)
}

// Ignored are the names of the checks whose failures become warnings.
func (f *SessionFlags) Ignored() []string { return append([]string{}, f.ignore...) }

// SessionRun is what a run on hosts works with; both may be nil.
type SessionRun struct {
	Bundle *bundle.Dir
	Run    *workspace.Run
}

// Open gives the hosts of the manifests, with progress on Err. The function closes both.
func (f *SessionFlags) Open(streams Streams, loaded provision.Loaded, run SessionRun) (*provision.Session, func(), error) {
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
	options := provision.SessionOptions{
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
	klog.SetSlogLogger(hosts.log) // client-go has its own opinion of failed requests, and prints it on the terminal
	session, err := provision.OpenSession(loaded, options)
	if err != nil {
		hosts.display.Close()
		return nil, nil, err
	}
	return session, func() { session.Close(); hosts.display.Close() }, nil
}

// checkNames refuses names that no check has: a typing error would ignore nothing.
func checkNames(names []string) error {
	known := map[string]bool{}
	for _, check := range hostprep.Checks() {
		known[check.Name] = true
	}
	for _, name := range names {
		if !known[name] {
			return Usagef("there is no check %q to ignore; docs/checks.md lists them", name)
		}
	}
	return nil
}

// hostProgress shows what is going on on hosts, a line for each that is worked on, and logs it.
type hostProgress struct {
	display *progress.Display
	log     *slog.Logger
	mu      sync.Mutex
	steps   map[string]*progress.Step
	// awaited are what is shown only while it takes long.
	awaited map[string]func()
}

func newHostProgress(streams Streams) *hostProgress {
	return &hostProgress{
		display: progress.New(Raw(streams.Err), 0, 0), log: slog.New(slog.DiscardHandler), steps: map[string]*progress.Step{},
		awaited: map[string]func(){},
	}
}

func (p *hostProgress) observe(event workflow.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if event.Quiet {
		p.await(event)
		return
	}
	p.record(event)
	name := event.Phase // of this program, as are the words in which it ends
	if event.Host.IsValid() {
		name = event.Host.String() + " " + name
	}
	step := p.steps[name]
	switch {
	case step == nil && event.Status == "":
		step = p.display.Begin(name, 0)
		step.Waiting(whatFor(event))
		p.steps[name] = step
	case step != nil && event.Status != "":
		step.End(string(event.Status))
		delete(p.steps, name)
	}
}

// await shows what is of interest only while it takes long.
func (p *hostProgress) await(event workflow.Event) {
	name := whatFor(event)
	if come := p.awaited[name]; come != nil {
		come()
		delete(p.awaited, name)
	}
	if event.Status == "" {
		p.awaited[name] = p.display.Await(name)
	}
}

// whatFor is what the run waits for while something takes long.
func whatFor(event workflow.Event) string {
	if event.Host.IsValid() {
		return event.Host.String() + ": " + event.Phase
	}
	return event.Phase
}

// record logs an event.
func (p *hostProgress) record(event workflow.Event) {
	attributes := []any{"phase", event.Phase}
	if event.Host.IsValid() {
		attributes = append(attributes, "host", event.Host)
	}
	switch {
	case event.Action != "":
		p.log.Info("does", append(attributes, "action", event.Action)...)
	case event.Status == "":
		p.log.Info("begins", attributes...)
	case event.Err != nil:
		p.log.Error("ends", append(attributes, "status", string(event.Status), "error", event.Err)...)
	default:
		p.log.Info("ends", append(attributes, "status", string(event.Status))...)
	}
}
