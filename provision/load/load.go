package load

import "github.com/dualstrap/dualstrap/api"

// Cluster holds the configuration and the plan that manifests describe, or their problems.
type Cluster struct {
	// Config and Plan are nil if Problems has errors.
	Config *api.Config
	Plan   *api.Plan
	// Problems lists errors and warnings, sorted by file and position.
	Problems api.Problems
}

// Manifests decodes the sources, validates them against every rule, and allocates the pod ranges of every node as for a new
// cluster. Ranges are allocated only if there are no errors before.
func Manifests(sources []api.Source) Cluster {
	manifests, problems := api.Parse(sources)
	config, more := api.Resolve(manifests)
	problems = append(problems, more...)
	if problems.HasErrors() {
		problems.Sort()
		return Cluster{Problems: problems}
	}
	plan, more := allocate(config, nil)
	problems = append(problems, more...)
	problems.Sort()
	if problems.HasErrors() {
		return Cluster{Problems: problems}
	}
	return Cluster{Config: config, Plan: plan, Problems: problems}
}
