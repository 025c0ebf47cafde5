// Package build makes bundles from source: Go modules at pinned versions, each checked against its
// sums, and for what is not written in Go the distribution's packages.
//
// The way of the data: components says what a release is made of → key says what each component is
// made from → what the cache does not hold is compiled, and packed as a host or containerd takes it →
// the directory is put together beside the old one and takes its place.
package build
