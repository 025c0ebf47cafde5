package cli

import (
	"sync"

	"github.com/spf13/cobra"

	"github.com/dualstrap/dualstrap/bundle"
	"github.com/dualstrap/dualstrap/hostprep"
	"github.com/dualstrap/dualstrap/progress"
	"github.com/dualstrap/dualstrap/provision"
	"github.com/dualstrap/dualstrap/provision/workflow"
)

// SiteFlags are those of commands that work on hosts.
type SiteFlags struct {
	concurrency int
	ignore      []string
	bundle      string
}

// AddSite gives the command the flags.
func AddSite(cmd *cobra.Command) *SiteFlags {
	f := &SiteFlags{}
	cmd.Flags().IntVar(&f.concurrency, "concurrency", workflow.DefaultConcurrency, "hosts that are worked on at once")
	cmd.Flags().StringSliceVar(&f.ignore, "ignore-checks", nil, "names of checks whose failures become warnings, as in swap,memory")
	cmd.Flags().StringVar(&f.bundle, "bundle", "",
		"the folder that bundle build made; by default the one that ProvisionOptions name, or bundle")
	_ = cmd.MarkFlagDirname("bundle") // it fails only for a flag that does not exist
	return f
}

// OpenBundle gives the bundle for the manifests.
func (f *SiteFlags) OpenBundle(verdict provision.Verdict) (*bundle.Folder, error) {
	return provision.OpenBundle(verdict.Config, f.bundle)
}

// Open gives the hosts of the manifests, with progress on Err. The function closes both.
func (f *SiteFlags) Open(streams Streams, verdict provision.Verdict, folder *bundle.Folder) (*provision.Site, func(), error) {
	if f.concurrency < 1 {
		return nil, nil, Usagef("--concurrency must be at least 1, got %d", f.concurrency)
	}
	if err := checkNames(f.ignore); err != nil {
		return nil, nil, err
	}
	hosts := newHostProgress(streams, len(verdict.Plan.Nodes))
	site, err := provision.OpenSite(verdict, provision.SiteOptions{
		Concurrency:  f.concurrency,
		IgnoreChecks: f.ignore,
		Bundle:       folder,
		Version:      Version(),
		Observe:      hosts.observe,
	})
	if err != nil {
		hosts.display.Close()
		return nil, nil, err
	}
	return site, func() { site.Close(); hosts.display.Close() }, nil
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

// phasesPerHost is how many steps a host's progress is counted in: probe, network, prepare.
const phasesPerHost = 3

// hostProgress shows what is going on on hosts, a line for each that is worked on.
type hostProgress struct {
	display *progress.Display
	mu      sync.Mutex
	steps   map[string]*progress.Step
}

func newHostProgress(streams Streams, hosts int) *hostProgress {
	return &hostProgress{display: progress.New(streams.Err, phasesPerHost*hosts, 0), steps: map[string]*progress.Step{}}
}

func (p *hostProgress) observe(event workflow.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	name := event.Host.String() + " " + event.Phase
	step := p.steps[name]
	switch {
	case step == nil && event.Status == "":
		p.steps[name] = p.display.Begin(name, 0)
	case step != nil && event.Status != "":
		step.End(string(event.Status))
		delete(p.steps, name)
	}
}
