// Package provision implements dualstrap's commands: it reads manifests, plans addresses, and creates, checks, proves and
// resets clusters with the packages that do the work.
//
// Rendering without hosts: [ReadSources] → [Load] (api.Parse, api.Resolve, the allocator) → [RenderAll] → [WriteTree].
//
// Work on hosts: [Load] → [OpenSession] → [Session.Preflight], [Session.Create], [Session.Prove], [Session.Reset] or
// [Session.RotateEncryptionKey]. Each of these runs phases on the hosts (package workflow).
package provision
