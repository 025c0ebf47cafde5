// Package oci writes and reads container images. An archive holds one image, as an OCI image layout in a tar, the
// format that `ctr images import` accepts. The same input produces the same bytes.
package oci
