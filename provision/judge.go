package provision

import "github.com/dualstrap/dualstrap/api"

// Verdict is what manifests amount to once they are judged.
type Verdict struct {
	// Config and Plan are nil when a problem stops the run.
	Config *api.Config
	Plan   *api.Plan
	// Problems are sorted by place.
	Problems api.Problems
}

// Judge decodes the sources, applies every rule and allocates every node's pod ranges.
func Judge(sources []api.Source) Verdict {
	manifests, problems := api.Parse(sources)
	config, more := api.Resolve(manifests)
	problems = append(problems, more...)
	if problems.HasErrors() {
		problems.Sort()
		return Verdict{Problems: problems}
	}
	plan, more := MakePlan(config, nil)
	problems = append(problems, more...)
	problems.Sort()
	if problems.HasErrors() {
		return Verdict{Problems: problems}
	}
	return Verdict{Config: config, Plan: plan, Problems: problems}
}
