// Package bundle is what hosts need to become nodes: a directory of executables and images, with a
// manifest that says what each is, which nodes need it and how it is told from a damaged one.
//
//	manifest.json
//	manifest.json.sig  a signature of it, where somebody vouches for the bundle
//	bin/NAME.gz        executables, static, as hosts receive them
//	images/NAME.tar    images, each an archive that containerd imports
//
// A directory without manifest.json is no bundle: it is written last. Package build makes bundles.
package bundle
