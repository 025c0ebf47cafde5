// Package provision is the workflow: it reads manifests, makes the address plan and hands both to
// the packages that do the work.
//
// The way of the data: [ReadSources] → [Judge] (api.Parse, api.Resolve, the allocator) → [Verdict]
// → [RenderTree] → [WriteTree].
package provision
