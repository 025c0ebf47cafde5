package provision

import "github.com/dualstrap/dualstrap/api"

// Loaded is what manifests amount to once they are judged.
type Loaded struct {
	// Config and Plan are nil when a problem stops the run.
	Config *api.Config
	Plan   *api.Plan
	// Problems are sorted by place.
	Problems api.Problems
}

// Load decodes the sources, applies every rule and allocates every node's pod ranges.
func Load(sources []api.Source) Loaded {
	manifests, problems := api.Parse(sources)
	config, more := api.Resolve(manifests)
	problems = append(problems, more...)
	if problems.HasErrors() {
		problems.Sort()
		return Loaded{Problems: problems}
	}
	plan, more := MakePlan(config, nil)
	problems = append(problems, more...)
	problems.Sort()
	if problems.HasErrors() {
		return Loaded{Problems: problems}
	}
	return Loaded{Config: config, Plan: plan, Problems: problems}
}
