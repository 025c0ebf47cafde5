// Package build builds bundles from source: from Go modules at pinned versions, each verified against its checksums,
// and from packages of the distribution for programs that are not written in Go.
//
// A build has these steps: components lists the components of a release; key hashes the inputs of each one; components
// that are not in the cache are compiled and packed in the form that a host or containerd accepts; finally the
// directory is assembled next to the old one and replaces it.
package build
