// Package load reads what the user gives a run, without connecting to any host: manifests, which it validates, with the pod
// ranges of every node; the bundle, which it verifies; and the files that manifests name on this machine.
//
//	files ──ReadSources──→ []api.Source ──Manifests──→ Cluster{Config, Plan, Problems}
//	directory ──OpenBundle──→ bundle.Dir
package load
