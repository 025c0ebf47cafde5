package provision

import "github.com/dualstrap/dualstrap/api"

// Loaded holds the configuration and the plan that manifests describe, or their problems.
type Loaded struct {
	// Config and Plan are nil if Problems has errors.
	Config *api.Config
	Plan   *api.Plan
	// Problems lists errors and warnings, sorted by file and position.
	Problems api.Problems
}

// Load decodes the sources, validates them against every rule, and allocates the pod ranges of every node as for a new
// cluster. Ranges are allocated only if there are no errors before.
func Load(sources []api.Source) Loaded {
	manifests, problems := api.Parse(sources)
	config, more := api.Resolve(manifests)
	problems = append(problems, more...)
	if problems.HasErrors() {
		problems.Sort()
		return Loaded{Problems: problems}
	}
	plan, more := makePlan(config, nil)
	problems = append(problems, more...)
	problems.Sort()
	if problems.HasErrors() {
		return Loaded{Problems: problems}
	}
	return Loaded{Config: config, Plan: plan, Problems: problems}
}
