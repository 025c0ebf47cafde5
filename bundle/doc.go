// Package bundle reads and verifies bundles. A bundle is a directory with the executables and images that make a host a
// node. Its manifest lists every file with its digest and the roles of the nodes that need it.
//
//	manifest.json
//	manifest.json.sig  a signature of the manifest, if someone has signed the bundle
//	bin/NAME.gz        static executables, compressed as hosts receive them
//	images/NAME.tar    images, each an archive that containerd imports
//
// A directory without manifest.json is not a bundle: that file is written last. Package build makes bundles.
package bundle
